"""Webhooks: the state of each, and a test event for one."""

import msgspec

from gateway.errors import Refusal
from gateway.http.admin.listing import ListQuery, Page, Query, page, read_cursor
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.times import Time, shown_or_none
from gateway.ids import show
from gateway.model import SendTestEvent
from gateway.store.queries.outbox import Waiting, waiting_for


class WebhookView(msgspec.Struct):
    """`waiting` events are not delivered yet, the oldest since `waiting_since`; `attempts` and `status` are of that one: how often
    it was sent, and the last HTTP status, 0 without an answer. `held` and `dead` wait for a person."""

    name: str
    events: list[str]
    waiting: int
    waiting_since: Time | None
    attempts: int
    status: int
    held: int
    dead: int


class QueuedTestEvent(msgspec.Struct):
    """`GET /deliveries/{id}` tells what becomes of it."""

    delivery: str


async def list_webhooks(call: Call[ListQuery]) -> Page[WebhookView]:
    services, limit = call.services, call.query.limit
    after = read_cursor(call.query.cursor, str, "")
    listed = sorted(services.config.webhooks, key=lambda one: one.name)
    found = [one for one in listed if one.name > after][: limit + 1]
    waiting = await waiting_for(services.store, [f"webhook:{one.name}" for one in found])
    views = [_view(one.name, one.events, waiting[f"webhook:{one.name}"]) for one in found]
    return page(views, limit, lambda view: view, lambda view: view.name)


async def try_webhook(call: Call[Query]) -> QueuedTestEvent:
    name = call.request.match_info["name"]
    if name not in {one.name for one in call.services.config.webhooks}:
        raise Refusal("webhook_unknown", "the settings have no such webhook; GET /webhooks lists them")
    delivery = await call.submit(SendTestEvent(call.caller, name))
    return QueuedTestEvent(show("dlv", delivery.delivery_id))


def _view(name: str, events: tuple[str, ...], found: Waiting) -> WebhookView:
    return WebhookView(
        name,
        list(events),
        found.waiting,
        shown_or_none(found.since),
        found.attempts,
        found.status,
        found.held,
        found.dead,
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/webhooks",
        handler=list_webhooks,
        role="viewer",
        summary="Webhooks, and what waits for each",
        query=ListQuery,
        answer=Page[WebhookView],
        refusals=("bad_cursor",),
    ),
    Operation(
        method="POST",
        path="/webhooks/{name}/test",
        handler=try_webhook,
        role="steward",
        summary="Send an event that says nothing to one webhook",
        answer=QueuedTestEvent,
        refusals=("webhook_unknown",),
    ),
)
