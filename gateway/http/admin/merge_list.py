"""Merges as an operator looks for what went wrong: lists, one with what its undo would do, and the counts of each day."""

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol

import msgspec
from msgspec import Meta

from gateway.clock import DAY
from gateway.errors import Refusal
from gateway.http.admin.effects import ConsequenceView, consequence
from gateway.http.admin.ids_and_names import channel_named
from gateway.http.admin.listing import (
    MOST,
    NEWEST,
    Id,
    ListQuery,
    Page,
    Query,
    read_cursor,
    write_cursor,
)
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.people import people
from gateway.http.admin.times import Time, When, read, shown, shown_or_none
from gateway.http.services import Services
from gateway.ids import show
from gateway.model import MergeRow, UndoMerge
from gateway.store.queries import merges as queries
from gateway.store.queries.merges import WantedMerges

_USUAL_DAYS = 30
_MOST_DAYS = 62


Channel = Annotated[str, Meta(description="only merges that calls of this channel caused")]
Actor = Annotated[str, Meta(description="`channel:NAME`, `gateway` for a regrouping, or an operator")]
ImportId = Annotated[
    str, Meta(description="imp_…; nothing is found once its events are archived", max_length=100)
]


class MergeFilter(Protocol):
    rule: str
    channel: str
    actor: str
    import_id: str
    since: str
    until: str


class MergeQuery(ListQuery, kw_only=True):
    rule: str = ""
    channel: Channel = ""
    actor: Actor = ""
    import_id: ImportId = ""
    state: Literal["", "standing", "undone"] = ""
    since: When = ""
    until: When = ""


class CountQuery(Query, kw_only=True):
    since: Annotated[When, Meta(description="30 days back, if empty; 62 days at most")] = ""
    until: When = ""


class MergeView(msgspec.Struct):
    """`person` is the name, or else the customer ids, of the profile on which the records are today; empty after an erasure."""

    id: str
    survivor: str
    absorbed: str
    person: str
    rule: str
    rule_set: str
    actor: str
    request_id: str
    merged_at: Time
    undone_at: Time | None


class MergeDetail(MergeView):
    """The records of both sides before the merge, the first 200 of each, and what would follow from its undo; None if it was
    undone."""

    survivor_record_count: int
    survivor_records: list[str]
    absorbed_record_count: int
    absorbed_records: list[str]
    undo: ConsequenceView | None


class DayCountView(msgspec.Struct):
    """Merges by one rule on one day (UTC), and how many of them were undone since."""

    day: str
    rule: str
    merged: int
    undone: int


class MergeCounts(msgspec.Struct):
    """Days without merges are left out."""

    days: list[DayCountView]


async def list_merges(call: Call[MergeQuery]) -> Page[MergeView]:
    """One filter is served by an index; the others are asked of 2,000 merges a page, so a page may be short and have a `next`."""
    services = call.services
    wanted = wanted_merges(services, call.query, call.query.state)
    before = read_cursor(call.query.cursor, Id, NEWEST)
    found, behind = await queries.merges(services.store, wanted, before, call.query.limit)
    return Page(await merge_views(services, found), None if behind is None else write_cursor(behind))


def wanted_merges(
    services: Services, query: MergeFilter, state: Literal["", "standing", "undone"]
) -> WantedMerges:
    """Raises Refusal for a filter that cannot be used."""
    now = services.clock.now()
    wanted = WantedMerges(
        rule=query.rule,
        actor=query.actor,
        import_id=query.import_id.removeprefix("imp_"),
        state=state,
        since=read("since", query.since, now),
        until=read("until", query.until, now),
    )
    if query.channel:
        actor = f"channel:{channel_named(services, query.channel).name}"
        if query.actor not in ("", actor):
            raise Refusal("bad_parameter", "actor: is not the channel; give one of the two")
        wanted.actor = actor
    return wanted


async def show_merge(call: Call[Query]) -> MergeDetail:
    row = await queries.merge(call.services.store, call.id("mrg"))
    if row is None:
        raise Refusal("not_found", "there is no such merge")
    [view] = await merge_views(call.services, [row])
    undo = UndoMerge(call.caller, row.merge_id, "")
    return MergeDetail(
        *msgspec.structs.astuple(view),
        survivor_record_count=len(row.survivor_records),
        survivor_records=[show("rec", one) for one in row.survivor_records[:MOST]],
        absorbed_record_count=len(row.absorbed_records),
        absorbed_records=[show("rec", one) for one in row.absorbed_records[:MOST]],
        undo=await consequence(call, undo) if row.undone_at is None else None,
    )


async def count_merges(call: Call[CountQuery]) -> MergeCounts:
    now = call.services.clock.now()
    until = read("until", call.query.until, now) or now
    since = read("since", call.query.since, now)
    since = max(0, until - _USUAL_DAYS * DAY) if since is None else since
    if until - since > _MOST_DAYS * DAY:
        raise Refusal("bad_parameter", f"since: is more than {_MOST_DAYS} days before until; ask for less")
    found = await queries.counts(call.services.store, since, until)
    return MergeCounts([DayCountView(shown(one.day)[:10], *one[1:]) for one in found])


async def merge_views(services: Services, rows: Sequence[MergeRow]) -> list[MergeView]:
    named = await people(services, (row.survivor_id for row in rows))
    return [
        MergeView(
            show("mrg", row.merge_id),
            show("prf", row.survivor_id),
            show("prf", row.absorbed_id),
            named.get(row.survivor_id, ""),
            row.rule,
            row.rule_set,
            row.actor,
            row.request_id,
            shown(row.merged_at),
            shown_or_none(row.undone_at),
        )
        for row in rows
    ]


OPERATIONS = (
    Operation(
        method="GET",
        path="/merges",
        handler=list_merges,
        role="viewer",
        summary="Merges, newest first",
        query=MergeQuery,
        answer=Page[MergeView],
        refusals=("bad_cursor", "unknown_channel"),
    ),
    Operation(
        method="GET",
        path="/merges/counts",
        handler=count_merges,
        role="viewer",
        summary="How many merges each rule made on each day",
        query=CountQuery,
        answer=MergeCounts,
    ),
    Operation(
        method="GET",
        path="/merges/{id}",
        handler=show_merge,
        role="viewer",
        summary="One merge, and what its undo would do",
        answer=MergeDetail,
    ),
)
