"""Questions for a person: listed and answered. The reason of a review decides what its answers do:
docs/reference/reviews.md."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from gateway.errors import Refusal
from gateway.http.admin.effects import EffectsView, effects_view
from gateway.http.admin.ids_and_names import DryRun, channel_named
from gateway.http.admin.listing import NEWEST, Id, ListQuery, Page, Query, read_cursor, write_cursor
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.people import people
from gateway.http.admin.times import Time, When, read, shown, shown_or_none
from gateway.http.services import Services
from gateway.ids import show
from gateway.model import AnswerReview, ReviewItem, UndoAnswer
from gateway.store.queries import reviews as queries
from gateway.store.queries.profiles import survivor_of


class ReviewFilters(ListQuery, kw_only=True):
    reason: Annotated[str, Meta(description="as a review has it; `points` for all about points")] = ""
    rule: str = ""
    channel: Annotated[str, Meta(description="one of the two is a customer of this channel")] = ""
    since: Annotated[When, Meta(description="opened since")] = ""
    until: Annotated[When, Meta(description="opened before")] = ""


class ReviewQuery(ReviewFilters, kw_only=True):
    state: Literal["", "open", "accepted", "rejected", "stale"] = ""


class ReviewAnswer(msgspec.Struct, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(max_length=500, description="why; it is kept in the audit log")] = ""
    dry_run: DryRun = False


class ReviewView(msgspec.Struct):
    """A question to a person. `reason` says which. `rule:…`, `conflict:…`, `ambiguous`: are these two profiles one person?
    `resplit:…`: should `records` leave the profile, which is named once? `split:contested`: which one owns the
    identifiers that both hold? `points: …`: were the points moved that the platform keeps for both? `types` are the
    identifier types in question. `people` are the names of the two, or else their customer ids. The newest evidence came at
    `evidence_at`. `points` are at stake: those of both, counted then and about once an hour since."""

    id: str
    profiles: list[str]
    people: list[str]
    state: str
    reason: str
    rule: str
    types: list[str]
    opened_at: Time
    closed_at: Time | None
    closed_by: str
    records: list[str]
    evidence_at: Time
    points: int


class AnsweredReview(ReviewView):
    """`now` are the profiles of the two after the answer or its undo: one if they are joined. `changed` is False if the review
    already had this answer. A dry run has `effects`, and the review as it is."""

    now: list[str]
    changed: bool
    effects: EffectsView | None


async def list_reviews(call: Call[ReviewQuery]) -> Page[ReviewView]:
    """A filter that no index serves is asked of 2,000 reviews a page, so a page may be short and have a `next`."""
    query, services = call.query, call.services
    wanted = wanted_reviews(services, query, query.state)
    before = read_cursor(query.cursor, Id, NEWEST)
    found, behind = await queries.reviews(services.store, wanted, before, query.limit)
    return Page(await review_views(services, found), None if behind is None else write_cursor(behind))


def wanted_reviews(services: Services, query: ReviewFilters, state: str = "") -> queries.WantedReviews:
    now = services.clock.now()
    return queries.WantedReviews(
        state=state,
        reason=query.reason,
        rule=query.rule,
        id_space=channel_named(services, query.channel).id_space if query.channel else "",
        since=read("since", query.since, now),
        until=read("until", query.until, now),
    )


async def accept_review(call: Call[Query]) -> AnsweredReview:
    return await _answer(call, accept=True)


async def reject_review(call: Call[Query]) -> AnsweredReview:
    return await _answer(call, accept=False)


async def undo_answer(call: Call[Query]) -> AnsweredReview:
    asked = await _asked(call)
    return await _changed(call, UndoAnswer(call.caller, call.id("rev"), asked.reason), asked)


async def _answer(call: Call[Query], *, accept: bool) -> AnsweredReview:
    asked = await _asked(call)
    return await _changed(call, AnswerReview(call.caller, call.id("rev"), accept, asked.reason), asked)


async def _asked(call: Call[Query]) -> ReviewAnswer:
    return await call.body(ReviewAnswer) if call.has_body else ReviewAnswer()


async def _changed(
    call: Call[Query], command: AnswerReview | UndoAnswer, asked: ReviewAnswer
) -> AnsweredReview:
    store = call.services.store
    outcome, effects = await call.change(command, dry_run=asked.dry_run)
    item = await queries.review(store, command.review_id)
    if item is None:
        raise Refusal("not_found", "the review was answered and is gone; one of its profiles was erased")
    pair = (item.profile_a, item.profile_b)
    found = {profile: await survivor_of(store, profile) for profile in pair}
    if effects is not None:
        found |= {lead.profile_id: lead.to for lead in effects.leads if lead.profile_id in found}
    now = [show("prf", profile) for profile in dict.fromkeys(found.values()) if profile is not None]
    told = None if effects is None else effects_view(effects)
    named = await people(call.services, pair)
    return AnsweredReview(*review_fields(item, named), now=now, changed=outcome.changed, effects=told)


async def review_views(services: Services, items: Sequence[ReviewItem]) -> list[ReviewView]:
    named = await people(services, (one for item in items for one in (item.profile_a, item.profile_b)))
    return [ReviewView(*review_fields(item, named)) for item in items]


def review_fields(item: ReviewItem, named: Mapping[int, str]) -> tuple[Any, ...]:
    profiles = list(dict.fromkeys((item.profile_a, item.profile_b)))
    return (
        show("rev", item.review_id),
        [show("prf", number) for number in profiles],
        [named.get(number, "") for number in profiles],
        item.state,
        item.reason,
        item.rule,
        list(item.types),
        shown(item.opened_at),
        shown_or_none(item.closed_at),
        item.closed_by,
        [show("rec", record_id) for record_id in item.records],
        shown(item.evidence_at),
        item.points,
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/reviews",
        handler=list_reviews,
        role="viewer",
        summary="Questions for a person, newest first",
        query=ReviewQuery,
        answer=Page[ReviewView],
        refusals=("bad_cursor", "unknown_channel"),
    ),
    Operation(
        method="POST",
        path="/reviews/{id}/accept",
        handler=accept_review,
        role="steward",
        summary="Yes: join the two profiles, let the records leave, or give the contested keys to the other side",
        body=ReviewAnswer,
        answer=AnsweredReview,
        refusals=("review_closed", "pinned_apart"),
    ),
    Operation(
        method="POST",
        path="/reviews/{id}/reject",
        handler=reject_review,
        role="steward",
        summary="No: pin the two profiles apart, keep the records together, or leave the contested keys",
        body=ReviewAnswer,
        answer=AnsweredReview,
        refusals=("review_closed", "same_profile"),
    ),
    Operation(
        method="POST",
        path="/reviews/{id}/undo",
        handler=undo_answer,
        role="steward",
        summary="Take back the answer: its merge, split, pins or moved keys are undone, and the review is open again",
        body=ReviewAnswer,
        answer=AnsweredReview,
        refusals=("answer_outlived", "pinned_apart", "records_moved", "review_not_answered", "undo_too_late"),
    ),
)
