"""Webhooks from the platform. Each event counts once, is for the profile that its customer id leads to today, and is passed on to
the subscribers."""

import msgspec

from gateway.audit.event import Action
from gateway.clock import timestamp
from gateway.ids import show
from gateway.model import (
    Done,
    PlatformEvent,
    ReceiveWebhook,
)
from gateway.usecases.deliver import PLATFORM_EVENT
from gateway.usecases.env import Env
from gateway.usecases.webhook_events import queue
from gateway.workingset import WorkingSet

_encode = msgspec.json.Encoder().encode


def wants(command: ReceiveWebhook, ws: WorkingSet, env: Env) -> bool:
    ws.platform_events.want(command.key)
    if not command.customer_id:
        return True
    if not ws.canonical_ids.want(command.customer_id):
        return False
    holder = ws.holder_of(command.customer_id)
    if holder is not None:
        ws.redirects.want(holder)
    return True


def receive_webhook(command: ReceiveWebhook, ws: WorkingSet, env: Env) -> Done:
    """A known event changes nothing: the platform repeats what was not answered in time."""
    if ws.platform_events[command.key] is not None:
        return Done(changed=False)
    holder = ws.holder_of(command.customer_id) if command.customer_id else None
    profile_id = ws.target_of(holder) if holder is not None else None
    event = PlatformEvent(command.key, command.topic, profile_id, ws.now)
    ws.platform_events.add(event.key, event)
    subject = ws.next_id()
    subscribers = env.subscribers.get(command.topic, ())
    payload = _payload(command, profile_id, ws.now) if subscribers else ""
    for webhook in subscribers:
        queue(ws, webhook, profile_id or subject, PLATFORM_EVENT, subject, payload, about=holder or 0)
    ws.record_event(
        Action.WEBHOOK_RECEIVED,
        actor=command.caller.actor,
        profile=_shown(profile_id) or "",
        request_id=command.caller.request_id,
        detail={"topic": command.topic, "listeners": list(subscribers)},
    )
    return Done()


def _payload(command: ReceiveWebhook, profile_id: int | None, now: int) -> str:
    body = {
        "type": command.topic,
        "timestamp": timestamp(now),
        "profile": _shown(profile_id),
        "data": msgspec.Raw(command.body),
    }
    return _encode(body).decode()


def _shown(profile_id: int | None) -> str | None:
    return show("prf", profile_id) if profile_id is not None else None
