"""Suggestions become questions: once, and not where a person has decided."""

import asyncio
from pathlib import Path

from msgspec.structs import replace

from gateway.ids import show
from gateway.model import (
    AnswerReview,
    Caller,
    Comparison,
    Done,
    EndSearch,
    EraseCustomer,
    MergeProfiles,
    NoteSearch,
    Refused,
    Search,
    SetPin,
    StartSearch,
    Suggest,
    Suggestion,
)
from gateway.store.queries.suggestions import open_suggestions, suggestion_between
from tests.support.in_process_gateway import InProcessGateway, customer
from tests.support.regrouping import OPERATOR

TOP = (10_001, 1 << 62, 1 << 62, 1 << 62)
SEARCH = Caller("", "", "operator:eve", "srh", "operator")


async def started(core: InProcessGateway) -> Search:
    search = await core.send(StartSearch(OPERATOR, "sha"))
    assert isinstance(search, Search)
    return search


async def two(core: InProcessGateway) -> tuple[int, int]:
    """The records of two customers who have nothing in common."""
    for number in (1, 2):
        await core.send(customer(f"web:{number}", email=f"ann.lee{number}@example.com"))
    rows = await core.rows("SELECT record_id FROM record ORDER BY record_id")
    return rows[0][0], rows[1][0]


def suggestion(search: Search, pair: tuple[int, int], *levels: str, certainty: int = 9_600) -> Suggest:
    comparisons = tuple(_comparison(level) for level in levels or ("name:similar",))
    found = Suggestion(*pair, 0, search.search_id, certainty, 0, comparisons)
    return Suggest(SEARCH, found, "suggested", levels or ("name:similar",))


def _comparison(level: str) -> Comparison:
    what, _, reached = level.partition(":")
    return Comparison(what, reached, 5_000)


async def open_questions(core: InProcessGateway) -> list[int]:
    return [one for (one,) in await core.rows("SELECT review_id FROM review WHERE state = 'open'")]


async def test_a_suggestion_is_asked_once_with_what_it_is_founded_on(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        pair, search = await two(core), await started(core)
        assert await core.send(suggestion(search, pair)) == Done()
        assert await core.send(suggestion(search, pair)) == Done(changed=False)
        (asked,) = await open_suggestions(core.store, TOP, 5)
        review = asked.review
        assert (review.reason, review.types) == ("suggested", ("name:similar",))
        assert (await core.actions())[-1] == "identity.review"
        kept = await suggestion_between(core.store, review.review_id, ((), ()))
        assert kept is not None
        assert kept.comparisons == (Comparison("name", "similar", 5_000),)


async def test_what_was_rejected_stays_rejected_even_on_new_evidence_because_of_its_pin(
    tmp_path: Path,
) -> None:
    async with InProcessGateway(tmp_path) as core:
        pair, search = await two(core), await started(core)
        await core.send(suggestion(search, pair))
        (number,) = await open_questions(core)
        await core.send(AnswerReview(OPERATOR, number, accept=False, reason="sisters"))
        assert await core.send(suggestion(search, pair)) == Done(changed=False)
        assert await core.send(suggestion(search, pair, "phone:equal")) == Done(changed=False)
        assert await open_questions(core) == []


async def test_two_that_are_pinned_apart_are_not_asked_about(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        pair, search = await two(core), await started(core)
        await core.send(SetPin(OPERATOR, *pair, "cannot", "two people"))
        assert await core.send(suggestion(search, pair)) == Done(changed=False)


async def test_two_that_were_joined_meanwhile_are_not_asked_about(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        pair, search = await two(core), await started(core)
        homes = await core.rows("SELECT profile_id FROM record ORDER BY record_id")
        await core.send(MergeProfiles(OPERATOR, (homes[0][0], homes[1][0]), "one"))
        assert await core.send(suggestion(search, pair)) == Done(changed=False)


async def test_a_question_that_moves_with_a_merge_keeps_its_foundation(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        pair, search = await two(core), await started(core)
        await core.send(customer("pos:9", mobile="+201001234567"))
        await core.send(suggestion(search, pair))
        homes = [one for (one,) in await core.rows("SELECT profile_id FROM record ORDER BY record_id")]
        await core.send(MergeProfiles(OPERATOR, (homes[2], homes[0]), "one"))
        (asked,) = await open_suggestions(core.store, TOP, 5)
        assert (asked.suggestion.record_a, asked.suggestion.record_b) == pair


async def test_the_most_certain_question_comes_first_and_answered_ones_are_gone(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        for number in range(1, 5):
            await core.send(customer(f"web:{number}", email=f"ann.lee{number}@example.com"))
        records = [one for (one,) in await core.rows("SELECT record_id FROM record ORDER BY record_id")]
        search = await started(core)
        for place, certainty in ((1, 9_100), (2, 9_900), (3, 9_500)):
            await core.send(suggestion(search, (records[0], records[place]), certainty=certainty))
        found = await open_suggestions(core.store, TOP, 2)
        assert [one.suggestion.certainty for one in found] == [9_900, 9_500]
        rest = await open_suggestions(core.store, found[-1].place, 2)
        assert [one.suggestion.certainty for one in rest] == [9_100]
        await core.send(AnswerReview(OPERATOR, found[0].review.review_id, accept=False, reason=""))
        assert [one.suggestion.certainty for one in await open_suggestions(core.store, TOP, 5)] == [
            9_500,
            9_100,
        ]


async def test_an_erasure_takes_the_suggestion_with_it(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        pair, search = await two(core), await started(core)
        await core.send(suggestion(search, pair))
        ((home,),) = await core.rows("SELECT profile_id FROM record WHERE record_id = ?", pair[1])
        await core.send(EraseCustomer(OPERATOR, profile_id=home))
        assert await core.rows("SELECT * FROM suggestion") == []


async def test_a_search_is_alone_while_it_tells_and_ends_once(tmp_path: Path) -> None:
    another = StartSearch(OPERATOR, "2")
    async with InProcessGateway(tmp_path) as core:
        search = await started(core)
        core.clock.advance(59_000)
        assert (await core.send(another)).code == "search_running"
        await core.send(NoteSearch(search))
        core.clock.advance(59_000)
        assert show("srh", search.search_id) in (await core.send(another)).message
        core.clock.advance(2_000)
        made = await asyncio.gather(core.send(another), core.send(another))
        assert [type(one) for one in made] == [Search, Refused]
        failed = replace(search, state="failed", failure="the gateway stopped")
        assert await core.send(EndSearch(OPERATOR, failed)) == Done()
        assert isinstance(await core.send(EndSearch(OPERATOR, failed)), Refused)
        ((outcome, subject),) = await core.rows(
            "SELECT outcome, object FROM audit WHERE action = 'search.ended'"
        )
        assert (outcome, subject) == ("failed", show("srh", search.search_id))


async def test_a_search_counts_what_it_asks_with_the_question_and_asks_nothing_after_its_end(
    tmp_path: Path,
) -> None:
    async with InProcessGateway(tmp_path) as core:
        pair, search = await two(core), await started(core)
        await core.send(customer("web:3", email="ann.lee3@example.com"))
        ((third,),) = await core.rows("SELECT record_id FROM record WHERE customer_id = '3'")
        await core.send(suggestion(search, pair))
        assert await core.rows("SELECT opened, state FROM search") == [(1, "running")]
        await core.send(EndSearch(OPERATOR, replace(search, state="failed", opened=1)))
        assert await core.send(suggestion(search, (pair[0], third))) == Done(changed=False)
        assert len(await open_questions(core)) == 1


async def test_two_profiles_that_were_suggested_by_two_records_stand_once_in_the_list(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        pair, search = await two(core), await started(core)
        await core.send(customer("pos:9", mobile="+201001234567"))
        ((third,),) = await core.rows("SELECT record_id FROM record WHERE customer_id = '9'")
        await core.send(suggestion(search, pair, certainty=9_600))
        await core.send(suggestion(search, (pair[1], third), certainty=9_700))
        homes = [one for (one,) in await core.rows("SELECT profile_id FROM record ORDER BY record_id")]
        await core.send(MergeProfiles(OPERATOR, (homes[0], homes[2]), "one"))
        (asked,) = await open_suggestions(core.store, TOP, 5)
        assert (asked.suggestion.record_a, asked.suggestion.record_b) == (pair[1], third)
