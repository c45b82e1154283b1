"""POINTS: a merge joins two customers that the upstream keeps apart, with points for both. A worker asks the upstream for the
balances, as a delivery of the outbox, and an operator is asked what to do. No points are moved automatically."""

from gateway.audit.event import Action
from gateway.ids import show
from gateway.model import (
    Done,
    MergeRow,
    ProposePoints,
    ReviewItem,
)
from gateway.usecases.env import Env
from gateway.usecases.merge import POINTS
from gateway.workingset import WorkingSet

BALANCES = "balances"
"""The target of these deliveries."""


def ask_for_balances(ws: WorkingSet, env: Env, since: int) -> None:
    """For each merge of the batch after the first `since`."""
    if not env.forwards or env.rules.merge.points == "off":
        return
    for row in ws.merged[since:]:
        ws.queue(BALANCES, row.survivor_id, "points", row.merge_id, "", give_up_after=env.give_up_after)


def wants(command: ProposePoints, ws: WorkingSet, env: Env) -> bool:
    if not ws.merges.want(command.merge_id):
        return False
    row = ws.merges[command.merge_id]
    if row is not None:
        ws.profiles.want(row.survivor_id)
        ws.profiles.want(row.absorbed_id)
    return True


def propose(command: ProposePoints, ws: WorkingSet, env: Env) -> Done:
    """Ask an operator, unless the merge was undone or the customer erased since. A second call asks nothing new."""
    row = ws.merges[command.merge_id]
    if row is None or row.undone_at is not None:
        return Done(changed=False)
    if row.survivor_id not in ws.profiles or row.absorbed_id not in ws.profiles:
        return Done(changed=False)
    reason = _reason(row, command)
    pair = (min(row.survivor_id, row.absorbed_id), max(row.survivor_id, row.absorbed_id))
    known = ws.review_of(pair)
    if known is None:
        ws.keep_review(ReviewItem(ws.next_id(), *pair, "open", reason, row.rule, (), ws.now))
    elif known.reason == reason:
        return Done(changed=False)
    else:
        ws.ask_again(known, reason, row.rule, ())
    _note(row, ws.reviews[pair], ws)
    return Done()


def _reason(row: MergeRow, command: ProposePoints) -> str:
    survivor, absorbed = show("prf", row.survivor_id), show("prf", row.absorbed_id)
    return (
        f"{POINTS} the upstream keeps {command.survivor_points} for {survivor}"
        f" and {command.absorbed_points} for {absorbed}, which is one with it since {show('mrg', row.merge_id)}"
    )


def _note(row: MergeRow, item: ReviewItem, ws: WorkingSet) -> None:
    ws.record_event(
        Action.POINTS_PROPOSED,
        outcome="review",
        actor="gateway",
        profile=show("prf", row.survivor_id),
        subject=show("rev", item.review_id),
        request_id=row.request_id,
        reason=item.reason,
        detail={"merge": show("mrg", row.merge_id)},
    )
