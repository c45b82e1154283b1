"""Suggestions: start a search for records that look like one person, see how far it is, and list what it asks, the most certain
first. The questions themselves are reviews."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.errors import Refusal
from gateway.http.admin.listing import NEWEST, Id, ListQuery, Page, Query, page, read_cursor
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.people import people
from gateway.http.admin.reviews import ReviewView, review_fields
from gateway.http.admin.times import Time, shown, shown_or_none
from gateway.http.services import Services
from gateway.ids import show
from gateway.model import Search, SearchState, StartSearch, Suggestion
from gateway.store.queries import suggestions as queries
from gateway.workers.searching import Searcher

_FIRST: queries.Place = (10_001, NEWEST, NEWEST, NEWEST)


class ComparisonView(msgspec.Struct):
    """The first one is `two_records`: how rare it is that two records are one person. `weight` is in bits: 1 makes it twice as
    likely that the two are one person, -1 half as likely."""

    what: str
    level: str
    weight: float


class SuggestionView(msgspec.Struct):
    """Why a question was asked about two records. `certainty`: of 100 such pairs, so many are one person. `points` are at stake:
    those of the side that has fewer, when it was asked. `others` are more pairs of records of the two that were certain enough."""

    search: str
    records: list[str]
    certainty: float
    points: int
    others: int
    comparisons: list[ComparisonView]


class SuggestedReview(ReviewView):
    suggestion: SuggestionView


class ForeseenView(msgspec.Struct):
    """Two records that a dry run would merge, or ask about."""

    records: list[str]
    certainty: float
    merges: bool


class SearchQuery(Query, kw_only=True):
    dry_run: Annotated[bool, Meta(description="change nothing, and say what would be merged and asked")] = (
        False
    )


class SearchView(msgspec.Struct):
    """One search. `candidates` were compared, `found` are certain enough, `opened` became questions, `merged` were joined by their
    score; the rest is found again another day. `labels` are answers that the model learned from. `weights` are in bits, by what was
    compared and its level. A `dry` search only counts what it would do, and `foreseen` has up to 1,000 of these pairs. A search
    of a gateway that died stays `running`, and no other waits for it longer than a minute."""

    id: str
    state: SearchState
    stage: str
    started_by: str
    started_at: Time
    ended_at: Time | None
    rule_set: str
    records: int
    candidates: int
    found: int
    opened: int
    labels: int
    model: str
    merged: int
    dry: bool
    foreseen: list[ForeseenView]
    data: str
    weights: dict[str, dict[str, float]]
    failure: str


async def start_search(call: Call[SearchQuery]) -> SearchView:
    services = call.services
    now = services.clock.now()
    rules = services.env.rules
    search = await call.submit(StartSearch(call.caller, rules.sha256, call.query.dry_run))
    searcher = Searcher(
        services.store,
        services.pipeline,
        services.config.store.url,
        rules,
        call.caller,
        search,
        services.telemetry.tracing,
    )
    task = asyncio.create_task(searcher.run(now), name="search")
    services.searches.add(task)
    task.add_done_callback(services.searches.discard)
    return _view(search)


async def list_searches(call: Call[ListQuery]) -> Page[SearchView]:
    limit = call.query.limit
    found = await queries.searches(call.services.store, read_cursor(call.query.cursor, Id, NEWEST), limit + 1)
    return page(found, limit, _view, lambda search: search.search_id)


async def show_search(call: Call[Query]) -> SearchView:
    search = await queries.search(call.services.store, call.id("srh"))
    if search is None:
        raise Refusal("not_found", "there is no such search; GET /suggestions/searches lists them")
    return _view(search)


async def list_suggestions(call: Call[ListQuery]) -> Page[SuggestedReview]:
    services, limit = call.services, call.query.limit
    after = read_cursor(call.query.cursor, queries.Place, _FIRST)
    found = await queries.open_suggestions(services.store, after, limit + 1)
    named = await _named(services, found)
    return page(
        found,
        limit,
        lambda one: SuggestedReview(
            *review_fields(one.review, named), suggestion=suggestion_view(one.suggestion)
        ),
        lambda one: one.place,
    )


async def _named(services: Services, found: Sequence[queries.Asked]) -> dict[int, str]:
    return await people(
        services, (side for one in found for side in (one.review.profile_a, one.review.profile_b))
    )


def suggestion_view(suggestion: Suggestion) -> SuggestionView:
    return SuggestionView(
        show("srh", suggestion.search_id),
        [show("rec", suggestion.record_a), show("rec", suggestion.record_b)],
        suggestion.certainty / 100,
        suggestion.points,
        suggestion.others,
        [ComparisonView(one.what, one.level, one.weight / 1_000) for one in suggestion.comparisons],
    )


def _view(search: Search) -> SearchView:
    return SearchView(
        show("srh", search.search_id),
        search.state,
        search.stage,
        search.started_by,
        shown(search.started_at),
        shown_or_none(search.ended_at),
        search.rule_set,
        search.records,
        search.candidates,
        search.found,
        search.opened,
        search.labels,
        search.model,
        search.merged,
        search.dry,
        [
            ForeseenView(
                [show("rec", one.record_a), show("rec", one.record_b)], one.certainty / 100, one.merges
            )
            for one in search.foreseen
        ],
        search.data,
        {
            what: {level: weight / 1_000 for level, weight in levels.items()}
            for what, levels in search.weights.items()
        },
        search.failure,
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/suggestions",
        handler=list_suggestions,
        role="viewer",
        summary="Open questions that a search raised, the most certain first",
        query=ListQuery,
        answer=Page[SuggestedReview],
        refusals=("bad_cursor",),
    ),
    Operation(
        method="POST",
        path="/suggestions/searches",
        handler=start_search,
        role="steward",
        summary="Look for records that look like one person, in a process of its own",
        query=SearchQuery,
        answer=SearchView,
        refusals=("search_running",),
    ),
    Operation(
        method="GET",
        path="/suggestions/searches",
        handler=list_searches,
        role="viewer",
        summary="Searches, newest first",
        query=ListQuery,
        answer=Page[SearchView],
        refusals=("bad_cursor",),
    ),
    Operation(
        method="GET",
        path="/suggestions/searches/{id}",
        handler=show_search,
        role="viewer",
        summary="One search, how far it has come, and the weights that it learned",
        answer=SearchView,
    ),
)
