"""Reviews: a person answers whether two profiles are one. Accepting joins them, rejecting pins them apart; either way the
question does not come back on the same evidence."""

from gateway.audit.event import Action
from gateway.ids import show
from gateway.model import AnswerReview, Done, MergeProfiles, Outcome, PinRow, Refused, ReviewItem, Shaped
from gateway.usecases.env import Env
from gateway.usecases.merge import live, merge, needs_of_live
from gateway.workingset import Needs, WorkingSet


def needs(command: AnswerReview, ws: WorkingSet, env: Env, needs: Needs) -> bool:
    if command.review_id not in ws.review_items:
        needs.review(command.review_id)
        return False
    item = ws.review_items[command.review_id]
    return item is None or needs_of_live((item.profile_a, item.profile_b), ws, needs)


def answer(command: AnswerReview, ws: WorkingSet, env: Env) -> Outcome:
    item = ws.review_items[command.review_id]
    if item is None:
        return Refused("not_found", "There is no such review.")
    wanted = "accepted" if command.accept else "rejected"
    if item.state == wanted:
        return Done(changed=False)
    if item.state != "open":
        return Refused("review_closed", f"The review is {item.state}; only an open one can be answered.")
    outcome = _accept(command, item, ws, env) if command.accept else _reject(command, item, ws)
    if isinstance(outcome, Refused):
        return outcome
    ws.close_review(item, wanted, command.caller.actor)
    ws.record_event(
        Action.REVIEW_ACCEPTED if command.accept else Action.REVIEW_REJECTED,
        outcome=wanted,
        actor=command.caller.actor,
        profile=show("prf", item.profile_a),
        subject=show("rev", item.review_id),
        request_id=command.caller.request_id,
        reason=item.reason,
        detail={
            "profiles": [show("prf", item.profile_a), show("prf", item.profile_b)],
            "note": command.reason,
        },
    )
    return outcome


def _accept(command: AnswerReview, item: ReviewItem, ws: WorkingSet, env: Env) -> Outcome:
    pair = (item.profile_a, item.profile_b)
    return merge(MergeProfiles(command.caller, pair, command.reason or "review accepted"), ws, env)


def _reject(command: AnswerReview, item: ReviewItem, ws: WorkingSet) -> Outcome:
    one, other = live(item.profile_a, ws), live(item.profile_b, ws)
    if one is None or other is None:
        return Refused("not_found", "One of the two profiles was erased.")
    if one is other:
        return Refused("same_profile", "The two were joined since; split the profile instead.")
    for a in one.records:
        for b in other.records:
            actor = command.caller.actor
            ws.set_pin(PinRow(min(a, b), max(a, b), "cannot", None, actor, command.reason, ws.now))
    return Shaped(one.profile_id, one.version)
