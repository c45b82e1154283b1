"""Every command, and every outcome."""

from gateway.model.achievements import (
    Accepted,
    Achieve,
    Duplicate,
    GrantDue,
    Granted,
    KeyReused,
    Replayed,
    RetryAchievement,
    Settle,
)
from gateway.model.audit import NoteEvent, RefuseCall
from gateway.model.customers import EditTags, SaveCustomer, Saved, SetActive
from gateway.model.deliveries import (
    ClaimDeliveries,
    Claimed,
    DiscardDelivery,
    FinishDelivery,
    MarkSending,
    ProposePoints,
    ReceiveWebhook,
    RetryDelivery,
    Stale,
)
from gateway.model.identity import EraseCustomer, Erased, ForgetAgain, Identified, Identify, UnknownCustomer
from gateway.model.imports import Imported, ImportRows, ImportUndone, UndoImport
from gateway.model.judgements import (
    AnswerReview,
    CloseStaleReviews,
    DropPin,
    EndPins,
    Explained,
    ExplainPair,
    MergeProfiles,
    SetPin,
    Shaped,
    SplitProfile,
    UndoMerge,
)
from gateway.model.operators import (
    ActivateRules,
    ChangeList,
    CreateKey,
    Done,
    Listed,
    NotePlan,
    Refused,
    RevokeKey,
    StoreRules,
)
from gateway.model.regrouping import Regroup, Regrouped

Command = (
    Achieve
    | Settle
    | Identify
    | SaveCustomer
    | ImportRows
    | UndoImport
    | SetActive
    | EditTags
    | EraseCustomer
    | ForgetAgain
    | ReceiveWebhook
    | RefuseCall
    | GrantDue
    | RetryAchievement
    | ClaimDeliveries
    | MarkSending
    | ProposePoints
    | FinishDelivery
    | RetryDelivery
    | DiscardDelivery
    | CreateKey
    | RevokeKey
    | StoreRules
    | ActivateRules
    | MergeProfiles
    | SplitProfile
    | UndoMerge
    | SetPin
    | DropPin
    | AnswerReview
    | ExplainPair
    | Regroup
    | CloseStaleReviews
    | EndPins
    | ChangeList
    | NotePlan
    | NoteEvent
)


Outcome = (
    Accepted
    | Identified
    | Duplicate
    | Replayed
    | KeyReused
    | UnknownCustomer
    | Saved
    | Imported
    | ImportUndone
    | Erased
    | Granted
    | Claimed
    | Stale
    | Done
    | Shaped
    | Explained
    | Regrouped
    | Listed
    | Refused
)
