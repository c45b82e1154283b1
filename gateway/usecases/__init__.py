"""One file a capability: synchronous functions over a working set, so that nothing can wait, or reach the world, inside a
transaction. Each command has a function that says what must be loaded and one that carries it out; both may run again."""

from collections.abc import Callable
from typing import Any

from gateway.model import (
    Achieve,
    ActivateRules,
    AnswerReview,
    AnyCommand,
    Caller,
    ChangeList,
    ClaimDeliveries,
    CloseStaleReviews,
    CreateKey,
    DiscardDelivery,
    DropPin,
    EditTags,
    EndPins,
    EraseCustomer,
    ExplainPair,
    FinishDelivery,
    ForgetAgain,
    GrantDue,
    Identify,
    ImportRows,
    MarkSending,
    MergeProfiles,
    NoteEvent,
    NotePlan,
    Outcome,
    ProposePoints,
    ReceiveWebhook,
    RefuseCall,
    Regroup,
    RetryAchievement,
    RetryDelivery,
    RevokeKey,
    SaveCustomer,
    SetActive,
    SetPin,
    Settle,
    SplitProfile,
    StoreRules,
    UndoImport,
    UndoMerge,
)
from gateway.usecases import (
    achieve,
    customer,
    deliver,
    erase,
    explain,
    grant,
    identify,
    import_undo,
    imports,
    lists,
    merge,
    operate,
    pin,
    points,
    receive_webhook,
    regroup,
    review,
    split,
)
from gateway.usecases.announce import announce, mark
from gateway.usecases.env import Env
from gateway.workingset import Needs, WorkingSet

_NeedsOf = Callable[[Any, WorkingSet, Env, Needs], bool]
_CarryOut = Callable[[Any, WorkingSet, Env], Outcome]

_USE_CASES: dict[type[AnyCommand], tuple[_NeedsOf, _CarryOut]] = {
    Achieve: (achieve.needs, achieve.achieve),
    Settle: (achieve.needs_of_settling, achieve.settle),
    Identify: (identify.needs, identify.identify),
    SaveCustomer: (customer.needs_of_save, customer.save),
    ImportRows: (imports.needs, imports.import_rows),
    UndoImport: (import_undo.needs, import_undo.undo_import),
    SetActive: (customer.needs_of_profile, customer.set_active),
    EditTags: (customer.needs_of_profile, customer.edit_tags),
    EraseCustomer: (erase.needs, erase.erase),
    ForgetAgain: (erase.needs_of_forgetting_again, erase.forget_again),
    ReceiveWebhook: (receive_webhook.needs, receive_webhook.receive_webhook),
    RefuseCall: (operate.no_needs, operate.refuse_call),
    NoteEvent: (operate.no_needs, operate.note_event),
    ExplainPair: (explain.needs, explain.explain),
    NotePlan: (operate.no_needs, operate.note_plan),
    GrantDue: (grant.needs, grant.grant_due),
    RetryAchievement: (grant.needs_of_retry, grant.retry),
    ClaimDeliveries: (deliver.needs_of_claim, deliver.claim),
    MarkSending: (deliver.needs_of_sending, deliver.mark_sending),
    ProposePoints: (points.needs, points.propose),
    FinishDelivery: (deliver.needs_of_finish, deliver.finish),
    RetryDelivery: (deliver.needs_of_operator, deliver.retry),
    DiscardDelivery: (deliver.needs_of_operator, deliver.discard),
    CreateKey: (operate.needs_of_create_key, operate.create_key),
    RevokeKey: (operate.needs_of_revoke_key, operate.revoke_key),
    StoreRules: (operate.needs_of_store_rules, operate.store_rules),
    MergeProfiles: (merge.needs, merge.merge),
    SplitProfile: (split.needs_of_split, split.split),
    UndoMerge: (split.needs_of_undo, split.undo),
    SetPin: (pin.needs, pin.set_pin),
    DropPin: (pin.needs, pin.drop_pin),
    EndPins: (pin.needs_of_ending, pin.end_pins),
    AnswerReview: (review.needs, review.answer),
    CloseStaleReviews: (review.needs_of_stale, review.close_stale),
    Regroup: (regroup.needs, regroup.regroup),
    ChangeList: (lists.needs, lists.change),
    ActivateRules: (operate.needs_of_activate_rules, operate.activate_rules),
}


def collect_needs(command: AnyCommand, ws: WorkingSet, env: Env, needs: Needs) -> bool:
    """Add what `command` still needs. True: once that is loaded it needs nothing more."""
    return _USE_CASES[type(command)][0](command, ws, env, needs)


def carry_out(command: AnyCommand, ws: WorkingSet, env: Env) -> Outcome:
    """Decide and change the working set."""
    caller: Caller | None = getattr(command, "caller", None)
    ws.source = caller.source if caller is not None else "gateway"
    ws.request_id = caller.request_id if caller is not None else ""
    if caller is not None and caller.trace:
        ws.traces[caller.request_id] = caller.trace
    if not env.listeners and not env.forwards:
        return _USE_CASES[type(command)][1](command, ws, env)
    before = mark(ws)
    outcome = _USE_CASES[type(command)][1](command, ws, env)
    points.ask_for_balances(ws, env, before.merges)
    if env.listeners:
        announce(ws, env, before)
    return outcome
