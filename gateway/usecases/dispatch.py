"""The use case of each command: a function that says what must be loaded and one that carries it out. Both may run again."""

from collections.abc import Callable
from typing import Any

from gateway.model import (
    Achieve,
    ActivateRules,
    AddOperator,
    AnswerReview,
    AnyCommand,
    Caller,
    CancelDamagedJob,
    CancelJob,
    ChangeList,
    ClaimDeliveries,
    CloseStaleReviews,
    CreateKey,
    DelayJob,
    DelayRegrouping,
    DiscardDelivery,
    DropPin,
    EditTags,
    EndPins,
    EndSearch,
    EndSession,
    EndSplits,
    EraseCustomer,
    EraseDeletedCustomer,
    ExplainPair,
    FinishDelivery,
    ForgetAgain,
    GrantDue,
    Identify,
    ImportRows,
    LiftSplit,
    MarkSending,
    MergeProfiles,
    MergeScored,
    NoteEvent,
    NotePlan,
    NoteSearch,
    OpenSession,
    Preview,
    Previewed,
    ProposePoints,
    ReceiveWebhook,
    RefuseCall,
    Regroup,
    RehearseJob,
    RemoveOperator,
    ResumeJob,
    ResumeRegroupings,
    RetryAchievement,
    RetryDelivery,
    RevokeKey,
    RotateOperator,
    SaveCustomer,
    SendTestEvent,
    SetActive,
    SetPin,
    Settle,
    SplitProfile,
    StartJob,
    StartSearch,
    StoreRules,
    Suggest,
    UndoAnswer,
    UndoImport,
    UndoMerge,
    WorkJob,
)
from gateway.usecases import (
    accounts,
    achieve,
    audit,
    customer,
    deliver,
    erase,
    explain,
    grant,
    identify,
    import_undo,
    imports,
    jobs,
    lists,
    merge,
    operators,
    pin,
    points,
    preview,
    receive_webhook,
    regroup,
    regroup_failures,
    review,
    review_undo,
    search,
    split,
)
from gateway.usecases.env import Env
from gateway.usecases.webhook_events import announce, mark, send_test
from gateway.workingset import WorkingSet

_Wants = Callable[[Any, WorkingSet, Env], bool]
_CarryOut = Callable[[Any, WorkingSet, Env], Any]


def _wants_nothing(command: AnyCommand, ws: WorkingSet, env: Env) -> bool:
    """For a use case that only adds rows."""
    return True


def _wants_of_preview(command: Preview, ws: WorkingSet, env: Env) -> bool:
    if not wants(command.command, ws, env) or ws.wanting():
        return False
    return preview.wants_of_effects(ws)


def _preview(command: Preview, ws: WorkingSet, env: Env) -> Previewed:
    known = preview.before(ws)
    outcome = carry_out(command.command, ws, env)
    found = Previewed(outcome, preview.effects(ws, known))
    ws.give_up()
    return found


USE_CASES: dict[type[AnyCommand], tuple[_Wants, _CarryOut]] = {
    Achieve: (achieve.wants, achieve.achieve),
    Settle: (achieve.wants_of_settling, achieve.settle),
    Identify: (identify.wants, identify.identify),
    SaveCustomer: (customer.wants_of_save, customer.save),
    ImportRows: (imports.wants, imports.import_rows),
    UndoImport: (import_undo.wants, import_undo.undo_import),
    SetActive: (customer.wants_of_profile, customer.set_active),
    EditTags: (customer.wants_of_profile, customer.edit_tags),
    EraseCustomer: (erase.wants, erase.erase),
    EraseDeletedCustomer: (erase.wants_of_deleted, erase.erase_deleted),
    ForgetAgain: (erase.wants_of_forgetting_again, erase.forget_again),
    ReceiveWebhook: (receive_webhook.wants, receive_webhook.receive_webhook),
    RefuseCall: (_wants_nothing, audit.refuse_call),
    NoteEvent: (_wants_nothing, audit.note_event),
    ExplainPair: (explain.wants, explain.explain),
    NotePlan: (_wants_nothing, operators.note_plan),
    GrantDue: (grant.wants, grant.grant_due),
    RetryAchievement: (grant.wants_of_retry, grant.retry),
    ClaimDeliveries: (deliver.wants_of_claim, deliver.claim),
    MarkSending: (deliver.wants_of_sending, deliver.mark_sending),
    ProposePoints: (points.wants, points.propose),
    FinishDelivery: (deliver.wants_of_finish, deliver.finish),
    RetryDelivery: (deliver.wants_of_operator, deliver.retry),
    DiscardDelivery: (deliver.wants_of_operator, deliver.discard),
    SendTestEvent: (_wants_nothing, send_test),
    CreateKey: (operators.wants_of_create_key, operators.create_key),
    RevokeKey: (operators.wants_of_revoke_key, operators.revoke_key),
    StoreRules: (operators.wants_of_store_rules, operators.store_rules),
    MergeProfiles: (merge.wants, merge.merge),
    SplitProfile: (split.wants_of_split, split.split),
    UndoMerge: (split.wants_of_undo, split.undo),
    StartJob: (_wants_nothing, jobs.start),
    WorkJob: (jobs.wants_of_work, jobs.work),
    DelayJob: (jobs.wants_of_job, jobs.delay),
    RehearseJob: (jobs.wants_of_rehearsal, jobs.rehearse),
    CancelJob: (jobs.wants_of_cancel, jobs.cancel),
    CancelDamagedJob: (jobs.wants_of_damaged, jobs.cancel_damaged),
    ResumeJob: (jobs.wants_of_job, jobs.resume),
    SetPin: (pin.wants, pin.set_pin),
    DropPin: (pin.wants_of_dropping, pin.drop_pin),
    LiftSplit: (pin.wants_of_lifting, pin.lift_split),
    EndSplits: (pin.wants_of_ending_splits, pin.end_splits),
    EndPins: (pin.wants_of_ending, pin.end_pins),
    AnswerReview: (review.wants, review.answer),
    UndoAnswer: (review_undo.wants, review_undo.undo_answer),
    CloseStaleReviews: (review.wants_of_stale, review.close_stale),
    StartSearch: (search.wants_of_start, search.start),
    NoteSearch: (search.wants_of_note, search.note),
    Suggest: (search.wants, search.suggest),
    MergeScored: (search.wants_of_merge, search.merge_scored),
    EndSearch: (search.wants_of_end, search.end),
    Regroup: (regroup.wants, regroup.regroup),
    DelayRegrouping: (regroup_failures.wants, regroup_failures.delay),
    ResumeRegroupings: (regroup_failures.wants_of_resuming, regroup_failures.resume),
    AddOperator: (accounts.wants_of_add, accounts.add),
    RotateOperator: (accounts.wants_of_change, accounts.rotate),
    RemoveOperator: (accounts.wants_of_change, accounts.remove),
    OpenSession: (accounts.wants_of_session, accounts.open_session),
    EndSession: (accounts.wants_of_session, accounts.end_session),
    ChangeList: (lists.wants, lists.change),
    ActivateRules: (operators.wants_of_activate_rules, operators.activate_rules),
    Preview: (_wants_of_preview, _preview),
}


def wants(command: AnyCommand, ws: WorkingSet, env: Env) -> bool:
    """Ask for what `command` still needs. True: once that is loaded, it needs nothing more."""
    return USE_CASES[type(command)][0](command, ws, env)


def carry_out(command: AnyCommand, ws: WorkingSet, env: Env) -> Any:
    """Decide and change the working set."""
    caller: Caller | None = getattr(command, "caller", None)
    ws.source = caller.source if caller is not None else "gateway"
    ws.request_id = caller.request_id if caller is not None else ""
    ws.declared = caller.declared if caller is not None else ""
    if caller is not None and caller.trace:
        ws.traces[caller.request_id] = caller.trace
    if not env.subscribers and not env.forwards:
        return USE_CASES[type(command)][1](command, ws, env)
    before = mark(ws)
    outcome = USE_CASES[type(command)][1](command, ws, env)
    points.ask_for_balances(ws, env, before.merges)
    if env.subscribers:
        announce(ws, env, before)
    return outcome
