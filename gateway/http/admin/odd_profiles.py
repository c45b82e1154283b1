"""Profiles that look wrong: those with the most records, id spaces, names or values of a type, and how near they are to a limit."""

from typing import Annotated, Literal, cast

import msgspec
from msgspec import Meta

from gateway.http.admin.listing import Limit, Query
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.people import people
from gateway.http.admin.times import Time, shown_or_none
from gateway.ids import show
from gateway.store.odd_profiles import VALUES
from gateway.store.queries import odd_profiles as queries
from rules.policy import Policy

Measure = Literal["records", "id_spaces", "names", "values"]


class OddQuery(Query, kw_only=True):
    each: Annotated[Limit, Meta(description="the most of one measure; at most 100 are kept")] = 10


class OddView(msgspec.Struct):
    """`limit` is what the rules allow; None: no limit concerns the number."""

    profile: str
    person: str
    number: int
    limit: int | None


class MeasureView(msgspec.Struct):
    """`measure` is `records`, `id_spaces`, `names`, or `values` with the `type` of the identifiers. The largest number is first."""

    measure: Measure
    type: str
    profiles: list[OddView]


class OddProfiles(msgspec.Struct):
    """As of `counted_at`, when housekeeping last had looked at every profile; it does so once a day. None: not yet."""

    counted_at: Time | None
    measures: list[MeasureView]


async def list_odd_profiles(call: Call[OddQuery]) -> OddProfiles:
    services = call.services
    found: dict[str, list[queries.Odd]] = {}
    for one in await queries.odd_profiles(services.store):
        first = found.setdefault(one.measure, [])
        if len(first) < call.query.each:
            first.append(one)
    named = await people(services, [one.profile_id for first in found.values() for one in first])
    return OddProfiles(
        shown_or_none(await queries.walked_at(services.store)),
        [
            MeasureView(
                cast("Measure", measure.partition(" ")[0]),
                measure.partition(" ")[2],
                [
                    OddView(
                        show("prf", one.profile_id),
                        named.get(one.profile_id, ""),
                        one.number,
                        limit_of(services.env.policy, measure),
                    )
                    for one in first
                ],
            )
            for measure, first in found.items()
        ],
    )


def limit_of(policy: Policy, measure: str) -> int | None:
    """What the rules allow of it."""
    if measure == "records":
        return policy.most_records
    limit = policy.limits.get(measure.removeprefix(VALUES)) if measure.startswith(VALUES) else None
    return limit.most if limit is not None else None


OPERATIONS = (
    Operation(
        method="GET",
        path="/odd-profiles",
        handler=list_odd_profiles,
        role="viewer",
        summary="Profiles with the most records, id spaces, names or values, and the limits that they near",
        query=OddQuery,
        answer=OddProfiles,
    ),
)
