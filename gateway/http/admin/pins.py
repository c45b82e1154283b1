"""Pins: decisions on two records, set, listed and removed. A pin is named by its two records, in either order."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.errors import Refusal
from gateway.http.admin.effects import EffectsView, effects_view
from gateway.http.admin.ids_and_names import DryRun, Reason, RecordId, number
from gateway.http.admin.listing import Id, Page, Query, page, read_cursor
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.record_filter import OfRecordsQuery, wanted_records
from gateway.http.admin.times import Time, ahead, shown, shown_or_none
from gateway.http.services import Services
from gateway.ids import show
from gateway.model import DropPin, Effects, PinRow, SetPin
from gateway.store import Store
from gateway.store.queries import pins as queries
from gateway.store.queries.pins import Place, PlacedPin


class PinPair(Query, kw_only=True):
    a: Annotated[str, Meta(description="rec_…, one of the two records")]
    b: Annotated[str, Meta(description="rec_…, the other one")]
    dry_run: DryRun = False


class NewPin(msgspec.Struct, forbid_unknown_fields=True):
    """`must` joins the profiles of the two records, `cannot` keeps them apart."""

    records: Annotated[list[RecordId], Meta(min_length=2, max_length=2)]
    kind: Literal["must", "cannot"]
    reason: Reason
    until: Annotated[
        str, Meta(description="RFC 3339, a date (UTC), or a span from now such as 90d; empty: forever")
    ] = ""
    dry_run: DryRun = False


class PinView(msgspec.Struct):
    """`profiles` are where the two records are now. `until` None: forever. An expired pin has no effect and is soon
    removed."""

    records: list[str]
    profiles: list[str]
    kind: Literal["must", "cannot"]
    reason: str
    actor: str
    created_at: Time
    until: Time | None


class PinSet(PinView):
    """`changed` is False if the same pin already existed. A dry run has `effects`, and the pin as it would be."""

    changed: bool
    effects: EffectsView | None


class PinDropped(msgspec.Struct):
    """`changed` is False if there was no such pin. A dry run has `effects`; what the rules then decide about the two, in the
    background, is not among them."""

    records: list[str]
    changed: bool
    effects: EffectsView | None


async def list_pins(call: Call[OfRecordsQuery]) -> Page[PinView]:
    query, store = call.query, call.services.store
    after = read_cursor(query.cursor, tuple[Id, Id], (0, 0))
    found = await queries.pins(store, await wanted_records(store, query), after, query.limit + 1)
    return page(found, query.limit, lambda placed: PinView(*_view(placed)), _place)


async def set_pin(call: Call[Query]) -> PinSet:
    asked = await call.body(NewPin)
    pair = tuple(number("rec", f"records[{n}]", text) for n, text in enumerate(asked.records))
    until = ahead("until", asked.until, call.services.clock.now())
    pin = SetPin(call.caller, pair[0], pair[1], asked.kind, asked.reason, until)
    outcome, effects = await call.change(pin, dry_run=asked.dry_run)
    if effects is None or not outcome.changed:
        placed = await _known(call.services.store, min(pair), max(pair))
    else:
        placed = await _as_it_would_be(call.services, pin, effects)
    told = None if effects is None else effects_view(effects)
    return PinSet(*_view(placed), changed=outcome.changed, effects=told)


async def drop_pin(call: Call[PinPair]) -> PinDropped:
    a, b = number("rec", "a", call.query.a), number("rec", "b", call.query.b)
    outcome, effects = await call.change(DropPin(call.caller, a, b), dry_run=call.query.dry_run)
    told = None if effects is None else effects_view(effects)
    return PinDropped([show("rec", min(a, b)), show("rec", max(a, b))], outcome.changed, told)


async def _as_it_would_be(services: Services, pin: SetPin, effects: Effects) -> PlacedPin:
    a, b = sorted((pin.record_a, pin.record_b))
    row = PinRow(a, b, pin.kind, pin.until, pin.caller.actor, pin.reason, services.clock.now())
    leads = {lead.profile_id: lead.to for lead in effects.leads}
    homes = await queries.homes(services.store, (a, b))
    if len(homes) < 2:
        raise Refusal("not_found", "one of the two records was just erased")
    return PlacedPin(row, *(leads.get(homes[one]) or homes[one] for one in (a, b)))


async def _known(store: Store, record_a: int, record_b: int) -> PlacedPin:
    """The pin that was just set. Raises Refusal if it was removed, or a record erased, in between."""
    found = await queries.pins(store, [record_a], (record_a, record_b - 1), 1)
    if not found or _place(found[0]) != (record_a, record_b):
        raise Refusal(
            "not_found", "the pin was set and is gone again; GET /admin/v1/pins shows what there is"
        )
    return found[0]


def _place(placed: PlacedPin) -> Place:
    return placed.pin.record_a, placed.pin.record_b


def _view(
    placed: PlacedPin,
) -> tuple[list[str], list[str], Literal["must", "cannot"], str, str, Time, Time | None]:
    pin = placed.pin
    return (
        [show("rec", pin.record_a), show("rec", pin.record_b)],
        [show("prf", number) for number in dict.fromkeys((placed.profile_a, placed.profile_b))],
        pin.kind,
        pin.reason,
        pin.actor,
        shown(pin.created_at),
        shown_or_none(pin.until),
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/pins",
        handler=list_pins,
        role="viewer",
        summary="Pins of two records: all, or those of a profile or record",
        query=OfRecordsQuery,
        answer=Page[PinView],
        refusals=("bad_cursor", "not_found"),
    ),
    Operation(
        method="POST",
        path="/pins",
        handler=set_pin,
        role="steward",
        summary="Pin two records: they must be one person (which joins them), or cannot be",
        body=NewPin,
        answer=PinSet,
        refusals=("not_found", "pins_contradict", "same_profile"),
    ),
    Operation(
        method="DELETE",
        path="/pins",
        handler=drop_pin,
        role="steward",
        summary="Remove the pin of two records; the rules decide again at their next call",
        query=PinPair,
        answer=PinDropped,
    ),
)
