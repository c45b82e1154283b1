"""Events for webhooks. After each command, its changes are examined, and a row of the outbox is written for each webhook, in the
same transaction. So every change is announced, and nothing else. Bodies hold ids, never identifiers of persons."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from gateway.audit.event import Action, AuditEvent
from gateway.clock import HOUR, timestamp
from gateway.ids import read, show
from gateway.model import Delivery, MergeRow, ReviewItem, SendTestEvent
from gateway.usecases.env import Env
from gateway.workingset import WorkingSet

EVENT = "event"
TEST = "webhook.test"
"""The topic of an event that an operator sends to try a webhook. None subscribes to it."""
GIVE_UP_AFTER = 72 * HOUR
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_ACHIEVEMENTS: Final[Mapping[str, str]] = {
    Action.ACHIEVEMENT_GRANTED: "achievement.granted",
    Action.ACHIEVEMENT_IGNORED: "achievement.ignored",
    Action.ACHIEVEMENT_DELIVERED: "achievement.delivered",
    Action.ACHIEVEMENT_DEAD: "achievement.dead",
}


class Mark(NamedTuple):
    """How much of a batch's changes was there before a command."""

    events: int
    profiles: int
    merges: int
    reviews: int


class _News(NamedTuple):
    """Deliveries of one `lane`, which is a profile, keep their order. `subject` is the id of the thing that the news is about.
    `request_id` is set if another call caused it."""

    topic: str
    lane: int
    subject: int
    data: Mapping[str, Any]
    request_id: str | None = None


def mark(ws: WorkingSet) -> Mark:
    return Mark(len(ws.events), len(ws.created), len(ws.merged), len(ws.opened))


def announce(ws: WorkingSet, env: Env, since: Mark) -> None:
    """Queue the news since `since` for every webhook that listens to it."""
    for topic, lane, subject, data, request_id in _news(ws, since):
        body = {"type": topic, "timestamp": timestamp(ws.now), "data": data}
        for webhook in env.subscribers.get(topic, ()):
            queue(ws, webhook, lane, EVENT, subject, _encode(body).decode(), request_id)


def send_test(command: SendTestEvent, ws: WorkingSet, env: Env) -> Delivery:
    """Queue a test event. It has a lane of its own, so it waits for no other event."""
    number = ws.next_id()
    body = {"type": TEST, "timestamp": timestamp(ws.now), "data": {}}
    delivery = queue(ws, command.webhook, number, EVENT, number, _encode(body).decode())
    ws.record_event(
        Action.DELIVERY_TESTED,
        actor=command.caller.actor,
        subject=show("dlv", delivery.delivery_id),
        request_id=command.caller.request_id,
        detail={"target": delivery.target},
    )
    return delivery


def queue(
    ws: WorkingSet,
    webhook: str,
    lane: int,
    kind: str,
    subject: int,
    payload: str,
    request_id: str | None = None,
    about: int = 0,
) -> Delivery:
    target = f"webhook:{webhook}"
    return ws.queue(
        target, lane, kind, subject, payload, give_up_after=GIVE_UP_AFTER, request_id=request_id, about=about
    )


def _news(ws: WorkingSet, since: Mark) -> Iterator[_News]:
    for profile_id in ws.created[since.profiles :]:
        yield _News("profile.created", profile_id, profile_id, {"profile": show("prf", profile_id)})
    for event in ws.events[since.events :]:
        news = _of_event(event)
        if news is not None:
            yield news
    yield from map(_merged, ws.merged[since.merges :])
    yield from map(_opened, ws.opened[since.reviews :])


def _of_event(event: AuditEvent) -> _News | None:
    lane = read("prf", event.profile) or event.event_id
    match event.action:
        case Action.IDENTITY_SPLIT:
            detail = _decode(event.detail)
            data = {"profile": event.profile, "parts": detail["parts"], "redirects": detail["redirects"]}
            data |= {"merge": event.object or None}
            return _News("profile.split", lane, event.event_id, data, event.request_id)
        case action if action in _ACHIEVEMENTS:
            topic, data = _ACHIEVEMENTS[action], _of_achievement(event)
            return _News(topic, lane, event.event_id, data, event.request_id)
        case _:
            return None


def _of_achievement(event: AuditEvent) -> Mapping[str, Any]:
    return {
        "achievement": event.object,
        "profile": event.profile or None,
        "campaign": _decode(event.detail).get("campaign"),
        "reason": event.reason or None,
    }


def _merged(row: MergeRow) -> _News:
    data = {
        "merge": show("mrg", row.merge_id),
        "profile": show("prf", row.survivor_id),
        "absorbed": show("prf", row.absorbed_id),
        "rule": row.rule,
    }
    return _News("profile.merged", row.survivor_id, row.merge_id, data)


def _opened(item: ReviewItem) -> _News:
    profiles = [show("prf", item.profile_a), show("prf", item.profile_b)]
    data = {"review": show("rev", item.review_id), "profiles": profiles, "reason": item.reason}
    return _News("review.opened", item.profile_a, item.review_id, data)
