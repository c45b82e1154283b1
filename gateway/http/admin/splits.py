"""Splits whose sides are kept apart, listed and lifted. Removing the pin between two records of a split joins their sides."""

import msgspec

from gateway.http.admin.effects import EffectsView, effects_view
from gateway.http.admin.ids_and_names import DryRun
from gateway.http.admin.listing import Id, Page, Query, page, read_cursor
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.record_filter import OfRecordsQuery, wanted_records
from gateway.http.admin.times import Time, shown, shown_or_none
from gateway.ids import show
from gateway.model import LiftSplit
from gateway.store import Store
from gateway.store.queries import splits as queries
from gateway.store.queries.splits import CountedSplit

_NEWEST = 2**63 - 1
_SHOWN = 20


class SplitMember(msgspec.Struct):
    """A record, the side that it was on, and the profile where it is now."""

    record: str
    side: int
    profile: str


class LiftingQuery(Query, kw_only=True):
    dry_run: DryRun = False


class SplitView(msgspec.Struct):
    """`records` on as many `sides` as it says are kept apart; `members` are the first 20 of them. `until` None: forever."""

    id: str
    sides: int
    records: int
    members: list[SplitMember]
    reason: str
    actor: str
    created_at: Time
    until: Time | None


class SplitLifted(msgspec.Struct):
    """`changed` is False if there was no such split. A dry run has `effects`, in which the split counts as one pin; what the rules
    then decide about its sides, in the background, is not among them."""

    id: str
    changed: bool
    effects: EffectsView | None


async def list_splits(call: Call[OfRecordsQuery]) -> Page[SplitView]:
    query, store = call.query, call.services.store
    before = read_cursor(query.cursor, Id, _NEWEST)
    found = await queries.splits(store, await wanted_records(store, query), before, query.limit + 1)
    views = {one.split.split_id: await _view(store, one) for one in found}
    return page(found, query.limit, lambda one: views[one.split.split_id], lambda one: one.split.split_id)


async def lift_split(call: Call[LiftingQuery]) -> SplitLifted:
    split_id = call.id("spl")
    outcome, effects = await call.change(LiftSplit(call.caller, split_id), dry_run=call.query.dry_run)
    told = None if effects is None else effects_view(effects)
    return SplitLifted(show("spl", split_id), outcome.changed, told)


async def _view(store: Store, found: CountedSplit) -> SplitView:
    split = found.split
    members = await queries.members(store, split.split_id, _SHOWN)
    return SplitView(
        show("spl", split.split_id),
        found.sides,
        found.records,
        [SplitMember(show("rec", record), side, show("prf", profile)) for record, side, profile in members],
        split.reason,
        split.actor,
        shown(split.created_at),
        shown_or_none(split.until),
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/splits",
        handler=list_splits,
        role="viewer",
        summary="Splits whose sides are kept apart, newest first: all, or those of a profile or record",
        query=OfRecordsQuery,
        answer=Page[SplitView],
        refusals=("bad_cursor", "not_found"),
    ),
    Operation(
        method="DELETE",
        path="/splits/{id}",
        handler=lift_split,
        role="steward",
        summary="Stop keeping the sides of a split apart; the rules decide about them in the background",
        query=LiftingQuery,
        answer=SplitLifted,
    ),
)
