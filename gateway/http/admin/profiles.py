"""Profiles for support staff: find one by what a customer says, see all of its data, erase it.

Identifiers are shown in clear here, because support has to compare them. They never appear in a log line.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from gateway.audit.event import Action
from gateway.errors import Refusal
from gateway.http.admin.achievements import AchievementView, achievement_view
from gateway.http.admin.attributes import ValueView, values_of, values_then
from gateway.http.admin.audit import EventView, HistoryQuery, event_page
from gateway.http.admin.effects import EffectsView, effects_view
from gateway.http.admin.ids_and_names import DryRun
from gateway.http.admin.listing import MOST, NEWEST, USUAL, Page, Query
from gateway.http.admin.merge_list import MergeView, merge_views
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.people import named_by_ids
from gateway.http.admin.reviews import ReviewView, review_views
from gateway.http.admin.times import Time, When, shown, shown_or_none
from gateway.http.admin.times import read as read_time
from gateway.http.services import Services
from gateway.ids import show
from gateway.model import CustomerRecord, EraseCustomer, Erased, MergeRow, UnknownCustomer
from gateway.model.names import full_name
from gateway.store.queries import profiles as queries
from gateway.store.queries import record_history
from gateway.store.queries.achievements import WantedAchievements, achievements
from gateway.store.queries.audit import WantedEvents
from gateway.store.queries.merges import merges_into
from gateway.store.queries.profiles import Balance, ProfileOverview
from gateway.store.queries.reviews import open_reviews
from rules.record import Observation


class ObservationView(msgspec.Struct):
    type: str
    value: str
    first_seen: Time
    last_seen: Time
    verified: bool
    blocked: bool
    retired: bool
    source: str


class ClaimView(msgspec.Struct):
    """An identifier that its source may not state. It does not count."""

    type: str
    value: str
    source: str
    claimed_at: Time


class ClaimedAttributeView(msgspec.Struct):
    """An attribute that its source may not state. Callers of the same record see it as long as no value was stated."""

    record: str
    name: str
    value: Any
    source: str
    claimed_at: Time


class RecordView(msgspec.Struct):
    id: str
    id_space: str
    customer_id: str
    created_at: Time
    active: bool
    guest: bool
    points: int
    score: int
    observations: list[ObservationView]
    claims: list[ClaimView]


class BalanceView(msgspec.Struct):
    points: int
    score: int


class ProfileView(msgspec.Struct):
    """A summary of a live profile. `person` is the name, or else the customer ids. `canonical_id` is the customer id under which
    the upstream knows it. `records` are the oldest 200 of `record_count`, and the oldest 20 in a list."""

    id: str
    person: str
    version: int
    created_at: Time
    canonical_id: str
    active: bool
    guest: bool
    balance: BalanceView
    record_count: int
    records: list[RecordView]


class ProfileDetail(ProfileView):
    """`attributes` are the winning values of all records, `values` what each of the `records` says, `identifier_count` how many
    different identifiers the profile has; `merges` and `achievements` are the newest, `reviews` the open ones.
    `redirected_from` is the requested id, if it was absorbed into this profile.

    `at` is the moment that was asked for; None: now. Which records were together then, and what they had earned, is rebuilt from
    the audit log and the ledger. Identifiers, attributes and tags are those that were known by then and not removed or replaced
    since; states of achievements, the active flag and guests are today's; there are no `reviews`, and the version is 0."""

    identifier_count: int
    attributes: dict[str, Any]
    values: list[ValueView]
    claimed_attributes: list[ClaimedAttributeView]
    tags: list[str]
    merges: list[MergeView]
    achievements: list[AchievementView]
    reviews: list[ReviewView]
    redirected_from: str | None
    at: Time | None


class ProfileQuery(Query, kw_only=True):
    at: Annotated[When, Meta(description="as it was at this moment")] = ""


class ErasingQuery(Query, kw_only=True):
    dry_run: DryRun = False


class ErasedView(msgspec.Struct):
    """A dry run has `effects`."""

    erased: str
    records: int
    effects: EffectsView | None


async def show_profile(call: Call[ProfileQuery]) -> ProfileDetail:
    asked, services = call.id("prf"), call.services
    at = read_time("at", call.query.at, services.clock.now())
    if at is not None:
        return await _detail(services, await past_overview(call, at), asked, at)
    overview = next(iter(await by_id(services, asked)), None)
    if overview is None:
        raise unknown_customer(call)
    call.tag(overview.version)
    return await _detail(services, overview, asked)


async def past_overview(call: Call[Any], at: int) -> ProfileOverview:
    """The profile that the `{id}` of the path led to at a moment."""
    store = call.services.store
    then = await record_history.at_moment(store, call.id("prf"), at)
    overview = await queries.load_past(store, then.profile_id, then.records, at) if then is not None else None
    if overview is None:
        raise Refusal(
            "not_found",
            f"there was no profile {call.request.match_info['id']} then, or the log of that time is archived",
        )
    return overview


async def profile_history(call: Call[HistoryQuery]) -> Page[EventView]:
    """They are there after its erasure, too."""
    number = call.id("prf")
    store = call.services.store
    family = await queries.ids_leading_to(store, await queries.survivor_of(store, number) or number)
    wanted = WantedEvents(profiles=[show("prf", member) for member in {number, *family}])
    return await event_page(call, wanted)


async def erase_profile(call: Call[ErasingQuery]) -> ErasedView:
    command = EraseCustomer(call.caller, profile_id=call.id("prf"))
    outcome, effects = await call.change(command, dry_run=call.query.dry_run)
    match outcome:
        case Erased():
            told = None if effects is None else effects_view(effects)
            return ErasedView(show("prf", outcome.profile_id), outcome.records, told)
        case UnknownCustomer():
            raise unknown_customer(call)


async def whole_profile(services: Services, asked: int) -> ProfileDetail | None:
    """The live profile for this id, with all of its records; redirects are followed."""
    overview = next(iter(await by_id(services, asked, NEWEST)), None)
    return await _detail(services, overview, asked) if overview is not None else None


def unknown_customer(call: Call[Any]) -> Refusal:
    return Refusal(
        "not_found", f"there is no profile {call.request.match_info['id']}; it may have been erased"
    )


async def by_id(services: Services, profile_id: int, most: int = MOST) -> list[ProfileOverview]:
    survivor = await queries.survivor_of(services.store, profile_id)
    overview = await queries.load(services.store, survivor, most) if survivor is not None else None
    return [overview] if overview is not None else []


def profile_view(overview: ProfileOverview, person: str) -> ProfileView:
    return ProfileView(*_common(overview, person))


def _common(overview: ProfileOverview, person: str) -> tuple[Any, ...]:
    total = overview.total
    return (
        show("prf", overview.profile_id),
        person,
        overview.version,
        shown(overview.created_at),
        overview.canonical_id,
        total.active,
        total.guest,
        BalanceView(*total.balance),
        total.records,
        [_record_view(record, overview) for record in overview.records],
    )


def _record_view(record: CustomerRecord, overview: ProfileOverview) -> RecordView:
    earned = overview.earned.get(record.record_id, Balance())
    claims = overview.claims.get(record.record_id, ())
    return RecordView(
        show("rec", record.record_id),
        record.id_space,
        record.customer_id,
        shown(record.created_at),
        record.active,
        record.guest,
        earned.points,
        earned.score,
        [_observation_view(seen) for seen in record.observations.values()],
        [ClaimView(*identifier, claim.source, shown(claim.claimed_at)) for identifier, claim in claims],
    )


def _observation_view(seen: Observation) -> ObservationView:
    return ObservationView(
        *seen.identifier,
        shown(seen.first_seen),
        shown(seen.last_seen),
        seen.verified,
        seen.blocked,
        seen.retired,
        seen.source,
    )


async def _detail(
    services: Services, overview: ProfileOverview, asked: int, at: int | None = None
) -> ProfileDetail:
    store, number = services.store, overview.profile_id
    records = [record.record_id for record in overview.records]
    until = NEWEST if at is None else at
    if at is None:
        wanted, known = WantedAchievements(profile_id=number), await queries.tags_of(store, number)
        attributes, values = await values_of(services, overview)
        identifiers = await queries.count_identifiers(store, number)
    else:
        wanted, known = WantedAchievements(records=records, until=at), await queries.tags(store, records, at)
        attributes, values = await values_then(services, overview.records, at)
        identifiers = len({one for record in overview.records for one in record.observations})
    if at is not None:
        overview.records = overview.records[:MOST]
    merges = await _merges(services, number, records, until)
    return ProfileDetail(
        *_common(overview, full_name(attributes) or named_by_ids(overview.records, overview.total.records)),
        identifier_count=identifiers,
        attributes=attributes,
        values=values,
        claimed_attributes=[
            ClaimedAttributeView(
                show("rec", record_id),
                name,
                msgspec.json.decode(one.value),
                one.source,
                shown(one.claimed_at),
            )
            for record_id, name, one in await queries.claimed_attributes(store, records)
            if one.claimed_at <= until
        ],
        tags=known,
        merges=await merge_views(services, merges[-MOST:]),
        achievements=[achievement_view(one) for one in await achievements(store, wanted, NEWEST, USUAL)],
        reviews=await review_views(services, await open_reviews(store, number)) if at is None else [],
        redirected_from=show("prf", asked) if asked != number else None,
        at=shown_or_none(at),
    )


async def _merges(services: Services, number: int, records: list[int], until: int) -> list[MergeRow]:
    """Those that brought the records together, as they stood at a moment."""
    survivor = await queries.survivor_of(services.store, number)
    family = await queries.ids_leading_to(services.store, number if survivor is None else survivor)
    rows = [row for row in await merges_into(services.store, family) if row.merged_at <= until]
    if until != NEWEST:
        rows = [row for row in rows if not {*row.absorbed_records}.isdisjoint(records)]
    return [
        replace(row, undone_at=None) if row.undone_at is not None and row.undone_at > until else row
        for row in rows
    ]


OPERATIONS = (
    Operation(
        method="GET",
        path="/profiles/{id}",
        handler=show_profile,
        role="viewer",
        reads=Action.CUSTOMER_VIEWED,
        summary="One profile with everything on it, now or as it was; an absorbed id answers with the survivor",
        query=ProfileQuery,
        answer=ProfileDetail,
        tagged=True,
    ),
    Operation(
        method="GET",
        path="/profiles/{id}/history",
        handler=profile_history,
        role="viewer",
        reads=Action.CUSTOMER_VIEWED,
        summary="The audit events of a profile and of those that it absorbed",
        query=HistoryQuery,
        answer=Page[EventView],
        streams=True,
        csv=True,
        refusals=("bad_cursor",),
    ),
    Operation(
        method="DELETE",
        path="/profiles/{id}",
        handler=erase_profile,
        role="admin",
        summary="Erase a person: records, identifiers, attributes and tags; points stay, without a name",
        query=ErasingQuery,
        answer=ErasedView,
    ),
)
