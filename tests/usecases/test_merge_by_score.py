"""Merges by a score: audited, undoable, and never against a person, a limit or a birthday."""

import json
from pathlib import Path

import pytest

from gateway.ids import show
from gateway.model import (
    Comparison,
    Done,
    MergeScored,
    Search,
    SetPin,
    StartSearch,
    Suggest,
    Suggestion,
    UndoMerge,
)
from gateway.processes.snapshot import open_snapshot
from rules.language.parse import preset
from tests.support.in_process_gateway import InProcessGateway, customer, environment, rule_set_of
from tests.support.regrouping import OPERATOR
from tests.usecases.test_search import SEARCH, started

MERGES = rule_set_of(preset("email-or-mobile") + '\n[merge]\nmax_records = 3\n[suggest]\noutcome = "merge"\n')
SURER = rule_set_of(preset("email-or-mobile") + '\n[suggest]\noutcome = "merge"\nmerge_at = 0.9999\n')
ASKS = rule_set_of(preset("email-or-mobile"))
COMPARISONS = (Comparison("two_records", "any", -12_000), Comparison("name", "equal", 9_000))
BORN = {"dateOfBirth": '"1980-05-17"'}
BORN_LATER = {"dateOfBirth": '"1991-12-03"'}


def gateway(tmp_path: Path) -> InProcessGateway:
    return InProcessGateway(tmp_path, environment(rules=MERGES))


async def records(core: InProcessGateway) -> list[int]:
    return [one for (one,) in await core.rows("SELECT record_id FROM record ORDER BY record_id")]


async def homes(core: InProcessGateway) -> int:
    ((count,),) = await core.rows("SELECT COUNT(DISTINCT profile_id) FROM record")
    return count


def merging(search: Search, one: int, other: int) -> MergeScored:
    found = Suggestion(one, other, 0, search.search_id, 9_995, 0, COMPARISONS)
    return MergeScored(Suggest(SEARCH, found, "suggested", ("name:equal",)), "v9", "6f" * 32, "d1" * 16)


async def test_a_merge_by_a_score_is_audited_with_its_reasons_and_can_be_undone_for_good(
    tmp_path: Path,
) -> None:
    async with gateway(tmp_path) as core:
        for number in (1, 2):
            await core.send(customer(f"web:{number}", email=f"ann.lee{number}@example.com"))
        (one, other), search = await records(core), await started(core)
        assert await core.send(merging(search, one, other)) == Done()
        assert await homes(core) == 1
        ((actor, reason, detail),) = await core.rows(
            "SELECT actor, reason, detail FROM audit WHERE action = 'identity.merged'"
        )
        told = json.loads(detail)
        assert (actor, reason) == ("gateway", "score")
        assert (told["version"], told["model"], told["data"]) == ("v9", "6f" * 32, "d1" * 16)
        assert told["weights"] == [["two_records", "any", -12_000], ["name", "equal", 9_000]]
        assert (told["certainty"], told["search"]) == (9_995, show("srh", search.search_id))
        assert await core.rows("SELECT merged, opened FROM search") == [(1, 0)]
        ((merge_id, noted),) = await core.rows(
            "SELECT m.merge_id, s.merge_id FROM merge AS m CROSS JOIN suggestion AS s"
        )
        assert merge_id == noted
        await core.send(UndoMerge(OPERATOR, merge_id, "sisters"))
        assert await homes(core) == 2
        assert await core.send(merging(search, one, other)) == Done(changed=False)
        assert await homes(core) == 2


async def test_no_answer_is_learned_from_a_merge_that_no_person_made(tmp_path: Path) -> None:
    async with gateway(tmp_path) as core:
        for number in (1, 2):
            await core.send(customer(f"web:{number}", email=f"ann.lee{number}@example.com"))
        pair, search = await records(core), await started(core)
        await core.send(merging(search, *pair))
        with open_snapshot(f"sqlite:///{core.path}", ()) as state:
            assert state.scored == {tuple(pair)}
            list(state.records)


@pytest.mark.parametrize(
    "stop", ["pin", "birthdays", "limit", "rules", "surer rules", "another record's birthday"]
)
async def test_rules_and_pins_outrank_a_score_and_an_open_pair_becomes_a_question(
    tmp_path: Path, stop: str
) -> None:
    async with gateway(tmp_path) as core:
        said = BORN if "birthday" in stop else {}
        later = BORN_LATER if stop == "birthdays" else {}
        await core.send(customer("web:1", attributes=said, email="ann.lee1@example.com"))
        await core.send(customer("web:2", attributes=later, email="ann.lee2@example.com"))
        one, other = await records(core)
        if stop == "another record's birthday":
            await core.send(customer("pos:3", attributes=BORN_LATER, email="ann.lee2@example.com"))
        if stop == "limit":
            for number in (3, 4):
                await core.send(customer(f"pos:{number}", email="ann.lee2@example.com"))
        if stop == "pin":
            await core.send(SetPin(OPERATOR, one, other, "cannot", "two people"))
        if stop == "rules":
            await core.use(ASKS)
        if stop == "surer rules":
            await core.use(SURER)
        before, search = await homes(core), await started(core)
        assert await core.send(merging(search, one, other)) == Done(changed=False)
        assert await homes(core) == before
        opened = await core.rows("SELECT reason FROM review WHERE state = 'open'")
        assert opened == ([] if stop == "pin" else [("suggested",)])


async def test_the_question_of_an_earlier_search_is_answered_by_the_merge(tmp_path: Path) -> None:
    async with gateway(tmp_path) as core:
        for number in (1, 2):
            await core.send(customer(f"web:{number}", email=f"ann.lee{number}@example.com"))
        pair, search = await records(core), await started(core)
        command = merging(search, *pair)
        assert await core.send(command.question) == Done()
        assert await core.send(command) == Done()
        assert await core.rows("SELECT state, closed_by FROM review") == [("accepted", "merge:score")]


async def test_a_dry_search_is_marked(tmp_path: Path) -> None:
    async with gateway(tmp_path) as core:
        search = await core.send(StartSearch(OPERATOR, "sha", dry=True))
        assert isinstance(search, Search)
        assert await core.rows("SELECT dry FROM search") == [(1,)]
