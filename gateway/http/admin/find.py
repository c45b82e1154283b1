"""Finds a profile by an id, a customer id, an identifier or a name."""

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta

from gateway.audit.event import Action
from gateway.errors import Refusal
from gateway.http.admin.ids_and_names import channel_named
from gateway.http.admin.listing import NEWEST, Id, ListQuery, Page, page, read_cursor
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.people import people
from gateway.http.admin.profiles import ProfileView, by_id, profile_view
from gateway.http.services import Services
from gateway.ids import read
from gateway.model.names import name_words
from gateway.store.queries import profiles as queries
from gateway.store.queries.profiles import SearchTerms, Wanted
from rules.identifier import Identifier

_RECORDS = 20
"""The most records shown of each profile."""


class FindQuery(ListQuery, kw_only=True):
    email: str = ""
    mobile: Annotated[str, Meta(description="as written; `channel` says where a national number belongs")] = (
        ""
    )
    channel: str = ""
    customer_id: str = ""
    q: Annotated[
        str,
        Meta(
            description="a profile or record id, a customer id (also the upstream's), any identifier, or a name or its"
            " beginning: of a name that many have, the first 500 in the order of the alphabet",
            max_length=500,
        ),
    ] = ""


async def find_profiles(call: Call[FindQuery]) -> Page[ProfileView]:
    query, services = call.query, call.services
    before = read_cursor(query.cursor, Id, NEWEST)
    profile_id, record_id = read("prf", query.q), read("rec", query.q)
    if record_id is not None:
        profile_id = await queries.profile_of(services.store, record_id)
    if profile_id is not None:
        found = await by_id(services, profile_id)
    else:
        found = await queries.find(
            services.store, _wanted(services, query), before, query.limit + 1, _RECORDS
        )
    named = await people(services, (overview.profile_id for overview in found))
    return page(
        found,
        query.limit,
        lambda overview: profile_view(overview, named.get(overview.profile_id, "")),
        lambda overview: overview.profile_id,
    )


def _wanted(services: Services, query: FindQuery) -> Wanted:
    asked = [channel_named(services, query.channel)] if query.channel else services.config.channels
    regions = list(dict.fromkeys(channel.default_region for channel in asked)) or [""]
    id_spaces = list(dict.fromkeys(channel.id_space for channel in asked))
    wanted = Wanted()
    for kind, raw in (("email", query.email), ("mobile", query.mobile)):
        if raw:
            wanted.identifiers.append(_normalized(services, kind, raw, regions))
    if query.customer_id:
        wanted.records.append(_places(services, query.customer_id, id_spaces))
    elif query.channel:
        wanted.id_space = id_spaces[0]
    if query.q:
        kinds = services.env.rules.identifiers
        identifiers = {found for kind in kinds for found in _readings(services, kind, query.q, regions)}
        places, words = _places(services, query.q, id_spaces), name_words(query.q)
        wanted.anything = SearchTerms(sorted(identifiers), places, query.q, words)
    return wanted


def _places(services: Services, written: str, id_spaces: Iterable[str]) -> list[tuple[str, str]]:
    """Id spaces in which a record may have this customer id."""
    read = services.env.normalizer.customer_id
    return [(id_space, read(written, id_space).value) for id_space in id_spaces]


def _normalized(services: Services, kind: str, raw: str, regions: Iterable[str]) -> list[Identifier]:
    found = _readings(services, kind, raw, regions)
    if not found:
        reason = services.env.normalizer.normalize(kind, raw, next(iter(regions)) or None).reason
        raise Refusal("bad_parameter", f"{kind}: cannot be normalised ({reason}); write it out in full")
    return found


def _readings(services: Services, kind: str, raw: str, regions: Iterable[str]) -> list[Identifier]:
    """The text as identifiers of this type: one for each possible region, because a national number can mean several."""
    values = (services.env.normalizer.normalize(kind, raw, region or None).value for region in regions)
    return [Identifier(kind, value) for value in dict.fromkeys(values) if value]


OPERATIONS = (
    Operation(
        method="GET",
        path="/profiles",
        handler=find_profiles,
        role="viewer",
        reads=Action.CUSTOMER_SEARCHED,
        summary="Find live profiles by what a person says; raw values are normalised first",
        query=FindQuery,
        answer=Page[ProfileView],
        refusals=("bad_cursor", "unknown_channel"),
    ),
)
