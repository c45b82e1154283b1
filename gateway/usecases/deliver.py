"""Deliveries: who may send one, that it is being sent, and how it ended. The sending itself happens between these commands, in no
transaction.

A claim is a lease with an epoch. A worker may only change the row while it holds the newest epoch, so one that was stalled past the
end of its lease changes nothing. If a lease ends while its delivery is being sent, the delivery is `unknown`, and is not sent again
until it is known whether it arrived.
"""

from typing import Literal

from gateway.audit.event import Action
from gateway.clock import SECOND
from gateway.ids import Prefix, show
from gateway.model import (
    Achievement,
    Caller,
    ClaimDeliveries,
    Claimed,
    Delivery,
    DiscardDelivery,
    Done,
    FinishDelivery,
    MarkSending,
    Refused,
    RetryDelivery,
    Stale,
)
from gateway.usecases.env import Env
from gateway.workingset import WorkingSet

UPSTREAM = "upstream"
ACHIEVEMENT = "achievement"
PLATFORM_EVENT = "platform"
"""An event of the platform that is passed on. Its body may hold personal data, and is removed once the delivery is closed."""
LEASE = 30 * SECOND
_ITSELF = Caller("", "", "gateway", "", "gateway")


# ---- claiming and sending ----


def wants_of_claim(command: ClaimDeliveries, ws: WorkingSet, env: Env) -> bool:
    ws.claimable.want((command.target, command.limit))
    return True


def claim(command: ClaimDeliveries, ws: WorkingSet, env: Env) -> Claimed:
    """A delivery that is still `sending` belonged to a worker that failed: it becomes `unknown`."""
    wanted = (command.target, command.limit)
    claimed = tuple(ws.claimable[wanted])
    for delivery in claimed:
        if delivery.state == "sending":
            delivery.attempts += 1
            delivery.reason = "no_answer"
            delivery.state = "unknown"
            _note(Action.DELIVERY_UNKNOWN, delivery, ws)
        elif delivery.state == "held":
            delivery.state = "unknown" if delivery.sent_at is not None else "pending"
        delivery.owner = command.owner
        delivery.lease_until = ws.now + LEASE
        delivery.epoch += 1
        ws.touch_delivery(delivery)
    ws.claimable.put(wanted, [])
    return Claimed(claimed)


def wants_of_sending(command: MarkSending, ws: WorkingSet, env: Env) -> bool:
    ws.deliveries.want(command.delivery_id)
    return True


def mark_sending(command: MarkSending, ws: WorkingSet, env: Env) -> Done | Stale:
    """An unknown delivery that is sent again stays unknown, because an answer to the second attempt says nothing about the
    first."""
    delivery = _claimed(command, ws)
    if delivery is None:
        return Stale()
    delivery.lane = command.profile_id
    if delivery.state == "pending":
        delivery.state = "sending"
        delivery.sent_at = ws.now
    ws.touch_delivery(delivery)
    return Done()


def _claimed(command: MarkSending | FinishDelivery, ws: WorkingSet) -> Delivery | None:
    """The delivery, if the command's claim is the newest and was not given back."""
    delivery = ws.deliveries[command.delivery_id]
    if delivery is None or delivery.epoch != command.epoch or not delivery.owner:
        return None
    return delivery


# ---- finishing ----


def wants_of_finish(command: FinishDelivery, ws: WorkingSet, env: Env) -> bool:
    ws.deliveries.want(command.delivery_id)
    if not _wants_of_subject(command.delivery_id, ws):
        return False
    delivery = ws.deliveries[command.delivery_id]
    if not command.answer or delivery is None or delivery.kind != ACHIEVEMENT:
        return True
    if delivery.subject not in ws.achievements:
        return False
    achievement = ws.achievements[delivery.subject]
    if achievement is not None:
        ws.homes.want(achievement.record_id)
    return True


def _wants_of_subject(delivery_id: int, ws: WorkingSet) -> bool:
    if delivery_id not in ws.deliveries:
        return False
    delivery = ws.deliveries[delivery_id]
    if delivery is not None and delivery.kind == ACHIEVEMENT:
        ws.achievements.want(delivery.subject)
    return True


def finish(command: FinishDelivery, ws: WorkingSet, env: Env) -> Done | Stale:
    delivery = _claimed(command, ws)
    if delivery is None:
        return Stale()
    delivery.status, delivery.reason = command.status, command.reason
    delivery.answer = command.answer if command.answer and _may_be_kept(delivery, ws) else ""
    delivery.owner, delivery.lease_until = "", 0
    delivery.attempts += command.result not in ("back", "absent")
    if delivery.state != "unknown" and command.result not in ("unknown", "delivered"):
        delivery.sent_at = None
    match command.result:
        case "delivered" | "dead":
            _close(delivery, command.result, _ITSELF, ws)
        case "held":
            delivery.state, delivery.due_at = "held", command.due_at
            _note(Action.DELIVERY_HELD, delivery, ws)
        case "unknown" if delivery.sent_at is not None:
            if delivery.state != "unknown":
                delivery.state = "unknown"
                _note(Action.DELIVERY_UNKNOWN, delivery, ws)
            _wait(delivery, command.due_at, ws)
        case _:
            if delivery.state != "unknown" or command.result == "absent":
                delivery.state, delivery.sent_at = "pending", None
            _wait(delivery, command.due_at, ws)
    ws.touch_delivery(delivery)
    return Done()


def _may_be_kept(delivery: Delivery, ws: WorkingSet) -> bool:
    """Whether the receiver's answer may be stored: not if the customer was erased while the delivery was on its way."""
    achievement = ws.achievements[delivery.subject] if delivery.kind == ACHIEVEMENT else None
    return achievement is None or ws.homes[achievement.record_id] is not None


def _wait(delivery: Delivery, due_at: int | None, ws: WorkingSet) -> None:
    """Until the delivery is due again, or too old to be sent."""
    delivery.due_at = ws.now if due_at is None else due_at
    if delivery.due_at >= delivery.expires_at:
        delivery.reason = "gave_up"
        _close(delivery, "dead", _ITSELF, ws)


def _close(
    delivery: Delivery, state: Literal["delivered", "dead", "discarded"], caller: Caller, ws: WorkingSet
) -> None:
    """Close its achievement too; a discarded one is dead."""
    delivery.state, delivery.finished_at = state, ws.now
    if delivery.kind == PLATFORM_EVENT:
        delivery.payload = ""
    if delivery.kind != ACHIEVEMENT:
        if state == "dead":
            _note(Action.DELIVERY_DEAD, delivery, ws)
        return
    achievement = ws.achievements[delivery.subject]
    if achievement is None:
        return
    achievement.state = "delivered" if state == "delivered" else "dead"
    achievement.reason, achievement.decided_at = delivery.reason, ws.now
    ws.decide(achievement)
    action = Action.ACHIEVEMENT_DELIVERED if state == "delivered" else Action.ACHIEVEMENT_DEAD
    _note_achievement(action, achievement, delivery, caller, ws)


# ---- operators ----


def wants_of_operator(command: RetryDelivery | DiscardDelivery, ws: WorkingSet, env: Env) -> bool:
    ws.deliveries.want(command.delivery_id)
    return _wants_of_subject(command.delivery_id, ws)


def retry(command: RetryDelivery, ws: WorkingSet, env: Env) -> Done | Refused:
    """Send it again for an operator. The answer of an earlier attempt is no longer waited for."""
    delivery = ws.deliveries[command.delivery_id]
    if delivery is None:
        return _unknown()
    if delivery.state not in ("dead", "held"):
        return _not_waiting(delivery)
    if delivery.kind == PLATFORM_EVENT and not delivery.payload:
        return Refused(
            "delivery_blanked", "Its body held personal data and was removed when it was given up."
        )
    return retry_delivery(delivery, command.caller, ws, env)


def retry_delivery(delivery: Delivery, caller: Caller, ws: WorkingSet, env: Env) -> Done:
    delivery.state, delivery.due_at, delivery.finished_at = "pending", ws.now, None
    delivery.expires_at = ws.now + env.give_up_after
    delivery.attempts, delivery.sent_at, delivery.reason = 0, None, ""
    delivery.epoch += 1
    ws.touch_delivery(delivery)
    _note(Action.DELIVERY_RETRIED, delivery, ws, caller)
    achievement = ws.achievements[delivery.subject] if delivery.kind == ACHIEVEMENT else None
    if achievement is not None and achievement.state == "dead":
        achievement.state, achievement.reason, achievement.decided_at = "queued", "", None
        ws.decide(achievement)
    return Done()


def discard(command: DiscardDelivery, ws: WorkingSet, env: Env) -> Done | Refused:
    delivery = ws.deliveries[command.delivery_id]
    if delivery is None:
        return _unknown()
    if delivery.state == "discarded":
        return Done(changed=False)
    if delivery.state not in ("dead", "held"):
        return _not_waiting(delivery)
    was_dead = delivery.state == "dead"
    delivery.epoch += 1
    ws.touch_delivery(delivery)
    _note(Action.DELIVERY_DISCARDED, delivery, ws, command.caller)
    if was_dead:
        delivery.state = "discarded"
    else:
        delivery.reason = "discarded"
        _close(delivery, "discarded", command.caller, ws)
    return Done()


def _unknown() -> Refused:
    return Refused("delivery_unknown", "There is no such delivery.")


def _not_waiting(delivery: Delivery) -> Refused:
    if delivery.state in ("delivered", "discarded"):
        return Refused("delivery_closed", f"It was {delivery.state}; that is final.")
    return Refused("delivery_open", "It is still being sent; only a dead or held one can be changed.")


# ---- events ----


def _note(action: Action, delivery: Delivery, ws: WorkingSet, caller: Caller = _ITSELF) -> None:
    ws.record_event(
        action,
        outcome=action.value.partition(".")[2],
        actor=caller.actor,
        profile=show("prf", delivery.lane),
        subject=show("dlv", delivery.delivery_id),
        request_id=caller.request_id,
        reason=delivery.reason,
        detail={"target": delivery.target, "kind": delivery.kind, "subject": _subject(delivery)},
    )


def _note_achievement(
    action: Action, achievement: Achievement, delivery: Delivery, caller: Caller, ws: WorkingSet
) -> None:
    ws.record_event(
        action,
        outcome=achievement.state,
        channel=achievement.channel,
        actor=caller.actor,
        profile=show("prf", delivery.lane),
        subject=show("ach", achievement.achievement_id),
        request_id=achievement.request_id,
        reason=achievement.reason,
        detail={
            "campaign": achievement.campaign_id,
            "delivery": show("dlv", delivery.delivery_id),
            "attempts": delivery.attempts,
            "status": delivery.status,
        },
    )


def _subject(delivery: Delivery) -> str:
    return show(subject_prefix(delivery), delivery.subject)


def subject_prefix(delivery: Delivery) -> Prefix:
    """The prefix of the id that a delivery is about."""
    match delivery.kind:
        case "achievement":
            return "ach"
        case "points":
            return "mrg"
        case _:
            return "evt"
