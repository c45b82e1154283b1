"""The outbox: deliveries to other systems and their results. An operator can resend or discard dead and held ones."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway import trace
from gateway.errors import Refusal
from gateway.http.admin.achievements import Changed
from gateway.http.admin.listing import NEWEST, Id, ListQuery, Page, Query, page, read_cursor, refuse_unknown
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.times import Time, When, read, shown, shown_or_none
from gateway.http.services import Services
from gateway.ids import show
from gateway.model import Delivery, DiscardDelivery, Done, RetryDelivery
from gateway.store.queries.outbox import Listed, WantedDeliveries, delivery_of, list_deliveries_of
from gateway.usecases.deliver import subject_prefix


class DeliveryQuery(ListQuery, kw_only=True):
    state: Literal["", "pending", "sending", "unknown", "held", "delivered", "dead", "discarded"] = ""
    target: Annotated[str, Meta(description="upstream, balances, or webhook:NAME", max_length=100)] = ""
    since: Annotated[When, Meta(description="queued since")] = ""
    until: Annotated[When, Meta(description="queued before")] = ""


class DeliveryView(msgspec.Struct):
    """`subject` is an achievement, an event or a merge, and `profile` is the customer. Without `due_at`, the delivery waits for
    a person or is finished. `sent_at` is when an attempt was sent that may have arrived. `status` is the last HTTP status, 0
    without an answer."""

    id: str
    target: str
    kind: str
    subject: str
    campaign: int | None
    channel: str | None
    profile: str
    state: str
    reason: str
    status: int
    attempts: int
    created_at: Time
    due_at: Time | None
    expires_at: Time
    sent_at: Time | None
    finished_at: Time | None


class DeliveryDetail(DeliveryView):
    """`answer` is the receiver's last refusal, masked, at most 2 KiB. `request_id` and `trace_id` are those of the call that
    caused the delivery, empty if no call did."""

    answer: str
    request_id: str
    trace_id: str


async def list_deliveries(call: Call[DeliveryQuery]) -> Page[DeliveryView]:
    query, services = call.query, call.services
    before = read_cursor(query.cursor, Id, NEWEST)
    now = services.clock.now()
    wanted = WantedDeliveries(
        state=query.state,
        target=query.target,
        since=read("since", query.since, now),
        until=read("until", query.until, now),
    )
    found = await list_deliveries_of(services.store, wanted, before, query.limit + 1)
    if query.target and not found:
        refuse_unknown_target(services, query.target)
    return page(found, query.limit, delivery_view, lambda one: one.delivery.delivery_id)


def refuse_unknown_target(services: Services, target: str) -> None:
    """Raises Refusal for a target that cannot exist."""
    webhooks = (f"webhook:{webhook.name}" for webhook in services.config.webhooks)
    refuse_unknown("target", target, ("upstream", "balances", *webhooks))


async def show_delivery(call: Call[Query]) -> DeliveryDetail:
    found = await delivery_of(call.services.store, call.id("dlv"))
    if found is None:
        raise Refusal("delivery_unknown", "There is no such delivery.")
    one: Delivery = found.delivery
    return DeliveryDetail(
        **msgspec.structs.asdict(delivery_view(found)),
        answer=one.answer,
        request_id=one.request_id,
        trace_id=trace.trace_id(one.trace, one.request_id),
    )


async def retry_delivery(call: Call[Query]) -> Changed:
    number = call.id("dlv")
    return _changed(number, await call.submit(RetryDelivery(call.caller, number)))


async def discard_delivery(call: Call[Query]) -> Changed:
    number = call.id("dlv")
    return _changed(number, await call.submit(DiscardDelivery(call.caller, number)))


def _changed(number: int, outcome: Done) -> Changed:
    return Changed(show("dlv", number), outcome.changed)


def delivery_view(found: Listed) -> DeliveryView:
    one: Delivery = found.delivery
    return DeliveryView(
        show("dlv", one.delivery_id),
        one.target,
        one.kind,
        show(subject_prefix(one), one.subject),
        found.campaign_id,
        found.channel,
        show("prf", one.lane),
        one.state,
        one.reason,
        one.status,
        one.attempts,
        shown(one.created_at),
        shown_or_none(one.due_at if one.finished_at is None else None),
        shown(one.expires_at),
        shown_or_none(one.sent_at),
        shown_or_none(one.finished_at),
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/deliveries",
        handler=list_deliveries,
        role="viewer",
        summary="Deliveries to the platform and to webhooks, newest first",
        query=DeliveryQuery,
        answer=Page[DeliveryView],
        refusals=("bad_cursor",),
    ),
    Operation(
        method="GET",
        path="/deliveries/{id}",
        handler=show_delivery,
        role="viewer",
        summary="One delivery, with the receiver's last refusal",
        answer=DeliveryDetail,
        refusals=("delivery_unknown",),
    ),
    Operation(
        method="POST",
        path="/deliveries/{id}/retry",
        handler=retry_delivery,
        role="steward",
        summary="Send a dead or held delivery again, now",
        answer=Changed,
        refusals=("delivery_unknown", "delivery_open", "delivery_closed"),
    ),
    Operation(
        method="POST",
        path="/deliveries/{id}/discard",
        handler=discard_delivery,
        role="steward",
        summary="Give up a dead or held delivery for good",
        answer=Changed,
        refusals=("delivery_unknown", "delivery_open", "delivery_closed"),
    ),
)
