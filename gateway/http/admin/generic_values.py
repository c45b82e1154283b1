"""Values that newly join too many: a call made them generic or shared, so they join no profiles any more. A person judges whether a
value is a customer's at all."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.audit.pseudonym import mask
from gateway.http.admin.listing import NEWEST, Id, ListQuery, Page, read_cursor, write_cursor
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.people import people
from gateway.http.admin.times import Time, When, read, shown, shown_or_none
from gateway.ids import show
from gateway.model import Regrouping
from gateway.store.queries import generic_values as queries
from gateway.store.queries.generic_values import ValueHolders, WantedValues
from rules.identifier import Identifier


class GenericValueQuery(ListQuery, kw_only=True):
    type: Annotated[str, Meta(description="only identifiers of this type, such as `mobile`")] = ""
    since: When = ""
    until: When = ""


class HolderView(msgspec.Struct):
    """`person` is the name, or else the customer ids."""

    profile: str
    person: str


class GenericValueView(msgspec.Struct):
    """A value that a call found with too many. `cause` is `generic` (`fanout_limit`) or `shared` (`max_profiles`); `state` is what
    the value is now. It would join `profiles`: those of its `records`, of which at most 1,000 are counted. `holders` are the first
    3 profiles.

    Profiles that it had joined were looked at again: `split` of them were split, and `asked` questions were opened. `looked_at` is
    when that ended; None: it is under way. The `id` stands for the value in `POST /lists/{name}`."""

    id: str
    type: str
    mask: str
    cause: str
    state: str
    records: int
    profiles: int
    holders: list[HolderView]
    found_at: Time
    looked_at: Time | None
    split: int
    asked: int


async def list_generic_values(call: Call[GenericValueQuery]) -> Page[GenericValueView]:
    services, query, now = call.services, call.query, call.services.clock.now()
    wanted = WantedValues(
        type=query.type, since=read("since", query.since, now), until=read("until", query.until, now)
    )
    before = read_cursor(query.cursor, Id, NEWEST)
    found, behind = await queries.generic_values(services.store, wanted, before, query.limit)
    values = list(dict.fromkeys(Identifier(run.type, run.value) for run in found))
    reach = await queries.reach(services.store, values)
    members = await queries.members(services.store, values)
    named = await people(services, [one for some in members.values() for one in some])
    holders = {
        value: [HolderView(show("prf", one), named.get(one, "")) for one in some]
        for value, some in members.items()
    }
    return Page(
        [_view(run, reach, holders) for run in found], None if behind is None else write_cursor(behind)
    )


def _view(
    run: Regrouping, reach: dict[Identifier, ValueHolders], holders: dict[Identifier, list[HolderView]]
) -> GenericValueView:
    value = Identifier(run.type, run.value)
    known = reach[value]
    return GenericValueView(
        show("val", run.regrouping_id),
        run.type,
        mask(*value),
        run.cause,
        known.state,
        known.records,
        known.profiles,
        holders[value],
        shown(run.started_at),
        shown_or_none(run.finished_at),
        run.split,
        run.asked,
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/generic-values",
        handler=list_generic_values,
        role="viewer",
        summary="Values that newly join too many, newest first, with the profiles that each would join",
        query=GenericValueQuery,
        answer=Page[GenericValueView],
        refusals=("bad_cursor",),
    ),
)
