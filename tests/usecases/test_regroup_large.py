"""Regrouping: values with very many holders, large components, and profiles that are split in several steps."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.clock import DAY
from gateway.model import (
    Regrouped,
    SaveCustomer,
)
from gateway.processes.plan import planned
from rules.identifier import Evidence
from rules.ruleset import RuleSet
from tests.support.in_process_gateway import (
    InProcessGateway,
    caller,
    customer,
    environment,
    rule_set_of,
)
from tests.support.regrouping import SHOP, TILL, activate, crowded, groups, one_at_the_till, questions, rules


async def test_a_value_that_very_many_hold_joins_no_records_where_a_person_is_to_be_asked(
    tmp_path: Path,
) -> None:
    """I21. Two of its holders have an address in common and are looked at together, without all the others."""
    first, second = (crowded(version, "review") for version in ("1", "2"))
    async with InProcessGateway(tmp_path, environment(rules=first)) as core:
        await core.use(first)
        for number in range(110):
            await core.send(customer(f"s{number}:1", mobile=SHOP))
        for number in (1, 2):
            await core.send(customer(f"web:{number}", email="a@example.com", mobile=SHOP, card=f"{number}"))
        assert {"web:1", "web:2"} <= {*await groups(core)}
        foreseen, happened = await activate(core, second)
        assert {"web:1", "web:2"} <= {*await groups(core)}
        assert happened[:2] == (foreseen.merged, foreseen.split) == (0, 1)


WINDOW = """
[rules]
schema = 1
version = "{version}"
[identifier.email]
kind = "email"
strength = 70
fanout_limit = 2
fanout_window = "30d"
[[rule]]
name = "email"
all_of = ["email"]
"""


@pytest.mark.parametrize("limit", [1, 100])
async def test_a_walk_knows_how_old_the_values_are_also_of_those_who_are_only_asked_about(
    tmp_path: Path, limit: int
) -> None:
    """I21. Ann's two boxes are asked about; one of them also has a box of Bob's, of which there are too many to ask."""
    first, second = (rule_set_of(WINDOW.format(version=version)) for version in ("1", "2"))
    async with InProcessGateway(tmp_path, environment(rules=first)) as core:
        await core.use(first)
        said = [["ann+0"], ["ann+1", "bob+1"], ["bob+2"], ["bob+3"], ["bob+4"]]
        for number, boxes in enumerate(said):
            evidence = [one for box in boxes for one in both_forms(core, f"{box}@gmail.com")]
            await core.send(SaveCustomer(caller(f"s{number}"), "1", tuple(evidence)))
        foreseen, happened = await activate(core, second, limit)
        assert happened[:2] == (foreseen.merged, foreseen.split) == (0, 0)
        assert len(await questions(core)) == foreseen.reviews == 1


def both_forms(core: InProcessGateway, text: str) -> Sequence[Evidence]:
    """The address as it is written and in its provider's form."""
    return core.env.normalizer.evidence("email", text, None)


async def test_a_request_counts_the_holders_of_a_provider_form_inside_the_window_too(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rule_set_of(WINDOW.format(version="1")))) as core:
        for number in range(3):
            said = tuple(both_forms(core, f"ann+{number}@gmail.com"))
            await core.send(SaveCustomer(caller(f"s{number}"), "1", said))
            core.clock.advance(40 * DAY)
        assert await core.column("SELECT state FROM identifier_owner WHERE state <> 'normal'") == []
        assert [reason for _, reason in await questions(core)] == ["rule:email"] * 3


async def test_new_rules_join_records_through_a_value_with_hundreds_of_holders(tmp_path: Path) -> None:
    """I21. `ignore` says that the difference does not matter."""
    first, second = crowded("1", "review"), crowded("2", "ignore")
    async with InProcessGateway(tmp_path, environment(rules=first)) as core:
        await core.use(first)
        for number in range(110):
            await core.send(customer(f"s{number}:1", mobile=SHOP))
        foreseen, happened = await activate(core, second)
        assert len(await groups(core)) == 1
        assert happened[:2] == (foreseen.merged, foreseen.split) == (106, 0)


@pytest.mark.parametrize(("most", "skipped"), [(11, 8), (12, 0)])
async def test_a_group_that_is_too_large_is_left_unchanged_and_reported_with_its_connecting_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, skipped: int
) -> None:
    monkeypatch.setattr("gateway.usecases.component.MOST_RECORDS", most)
    first, second = crowded("1", "review"), crowded("2", "ignore")
    async with InProcessGateway(tmp_path, environment(rules=first)) as core:
        await core.use(first)
        for number in range(12):
            await core.send(customer(f"s{number}:1", mobile=SHOP))
        before = await groups(core)
        await core.use(second)
        steps = await core.regroup()
        assert steps[-1].run.skipped == skipped
        assert (await groups(core) == before) is bool(skipped)
        told = await core.rows("SELECT reason, detail FROM audit WHERE action = 'identity.skipped'")
        assert [reason for reason, _ in told] == ["too_large"] * bool(skipped)
        for _, text in told:
            detail = json.loads(text)
            assert (detail["type"], detail["holders"], len(detail["profiles"])) == ("mobile", 12, skipped)
            assert SHOP not in text


async def test_a_question_about_a_value_that_too_many_hold_is_not_closed_by_a_walk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.usecases.component.MOST_RECORDS", 8)
    first, second = (crowded(version, "review") for version in ("1", "2"))
    async with InProcessGateway(tmp_path, environment(rules=first)) as core:
        await core.use(first)
        for number in range(10):
            await core.send(customer(f"s{number}:1", mobile=SHOP))
        before = await questions(core)
        assert before
        await core.use(second)
        await core.regroup()
        assert {*await questions(core)} >= {*before}


async def test_a_group_that_reaches_too_far_is_counted_and_left_unchanged(tmp_path: Path) -> None:
    """Each shares an address with the one before and a number with the next: limits keep most apart, so the row is long."""
    async with InProcessGateway(tmp_path, environment(rules=rules("1"))) as core:
        await core.use(rules("1"))
        for number in range(160):
            mobile = f"+2010{20_000_000 + (number + 1) // 2}"
            await core.send(customer(f"s{number}:1", email=f"p{number // 2}@example.com", mobile=mobile))
        before = await groups(core)
        await core.use(rules("2", max_per_profile="1"))
        steps = await core.regroup(limit=10)
        assert steps[-1].run.finished_at is not None
        assert steps[-1].run.skipped > 0
        assert steps[-1].run.looked == len(before)


@pytest.mark.parametrize(
    "second",
    [
        rules("2", fanout_limit="3", more=TILL.format(most=1_000)),
        rules("2", fanout_limit="900", more=TILL.format(most=4)),
    ],
    ids=["the value is generic", "the profile is too large"],
)
async def test_a_profile_of_any_size_is_taken_apart_as_planned_in_pieces_that_let_calls_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: RuleSet
) -> None:
    monkeypatch.setattr("gateway.usecases.component.MOST_RECORDS", 35)
    monkeypatch.setattr("gateway.usecases.regroup_apply.PARTS_AT_ONCE", 5)
    first = rules("1", fanout_limit="900", more=TILL.format(most=1_000))
    async with InProcessGateway(tmp_path, environment(rules=first)) as core:
        await core.use(first)
        await one_at_the_till(core, 30)
        assert len(await groups(core)) == 1
        foreseen = planned(core.url, second, core.clock.now())
        await core.use(second)
        sizes, steps = list[int](), list[Regrouped]()
        named: dict[int, tuple[str, int]] = {}
        while (step := await core.regroup_some()) is not None:
            sizes.append(len(await groups(core)))
            named = await core.names_lead_home(named)
            steps.append(step)
        run = steps[-1].run
        assert max(after - before for before, after in pairwise([1, *sizes])) <= 6
        counts = run.merged, run.split, run.asked, run.points, run.skipped
        assert counts == (foreseen.merged, foreseen.split, foreseen.reviews, foreseen.points, 0)
        assert sizes[-1] == foreseen.profiles_after >= 27
        assert await core.points_of("pos:3") == 100
        assert len(sizes) > 5


async def test_a_call_between_two_pieces_joins_what_the_next_one_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.usecases.regroup_apply.PARTS_AT_ONCE", 5)
    first, second = (
        rules(version, fanout_limit=most, more=TILL.format(most=1_000)) for version, most in ("19", "23")
    )
    async with InProcessGateway(tmp_path, environment(rules=first)) as core:
        await core.use(first)
        await one_at_the_till(core, 9)
        await core.use(second)
        assert (await core.regroup_some()) is not None
        await core.send(customer("app:ann", email="ann@example.com"))
        await core.regroup()
        assert "app:ann pos:3 web:ann" in await groups(core)
        assert len(await groups(core)) == 9
