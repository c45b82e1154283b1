"""A regrouping whose step fails is tried again after pauses that grow, holds up no other, and waits for an operator in the end."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.ids import show
from gateway.model import DelayRegrouping, DropPin, Refused, ResumeRegroupings, SetPin
from gateway.store.queries.overview import failed
from gateway.store.tables.regrouping import failed_regroupings
from gateway.usecases.backoff import MOST_FAILURES
from gateway.usecases.regroup_apply import ComponentUpdate, Counts
from tests.support.in_process_gateway import InProcessGateway, customer, environment
from tests.support.regrouping import OPERATOR, rules

FAILURES = "SELECT action, actor, outcome FROM audit WHERE action LIKE 'regrouping.%' ORDER BY event_id"


@pytest.fixture
async def core(tmp_path: Path) -> AsyncGenerator[InProcessGateway]:
    async with InProcessGateway(tmp_path, environment(rules=rules("1"))) as running:
        await running.use(rules("1"))
        for number in range(8):
            await running.send(customer(f"web:{number}", email=f"{number}@example.com"))
        yield running


def poison(monkeypatch: pytest.MonkeyPatch, profile_id: int) -> None:
    """Regrouping this profile meets a mistake in the code."""
    real = ComponentUpdate.apply

    def apply(self: ComponentUpdate) -> Counts:
        if profile_id in self.component.core:
            raise KeyError
        return real(self)

    monkeypatch.setattr(ComponentUpdate, "apply", apply)


async def profiles(core: InProcessGateway) -> list[int]:
    return await core.column("SELECT profile_id FROM profile ORDER BY 1")


async def look_at_two(core: InProcessGateway) -> int:
    """Both are to be looked at again. Returns the one that is first."""
    a, b = await core.column("SELECT record_id FROM record ORDER BY record_id LIMIT 2")
    await core.send(SetPin(OPERATOR, a, b, "cannot", "two"))
    await core.send(DropPin(OPERATOR, a, b))
    return (
        await core.column(
            "SELECT profile_id FROM regrouping WHERE finished_at IS NULL ORDER BY regrouping_id"
        )
    )[0]


async def state(core: InProcessGateway) -> Any:
    (found,) = await core.rows(
        "SELECT failures, due_at, failed_at, why, cursor FROM regrouping WHERE finished_at IS NULL"
    )
    return found


async def until_given_up(core: InProcessGateway, limit: int = 100) -> list[int]:
    """The pauses before each attempt."""
    pauses: list[int] = []
    with capture_logs():
        while (await state(core))[2] is None:
            due_at = (await state(core))[1]
            pauses.append(max(0, due_at - core.clock.now()))
            core.clock.time = max(core.clock.time, due_at)
            await core.regroup_some(limit)
    return pauses


async def test_a_step_that_raises_is_tried_again_and_then_given_up_while_others_pass(
    core: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await look_at_two(core)
    with monkeypatch.context() as broken:
        poison(broken, first)
        with capture_logs():
            passed = await core.regroup_some()
        assert passed is not None
        assert passed.run.profile_id != first
        assert await until_given_up(core) == [2_000, 4_000, 8_000, 16_000, 32_000]
        assert await core.regroup_some() is None
    _, _, _, why, _ = await state(core)
    assert why == f"behind {show('prf', 0)}: KeyError, {MOST_FAILURES} times"
    assert (await failed(core.store)).regroupings == 1
    (number,) = await failed_regroupings(core.store, 9)
    assert await core.send(ResumeRegroupings(OPERATOR, (number,))) == 1
    assert await core.send(ResumeRegroupings(OPERATOR, (number,))) == 0
    assert len(await core.regroup()) == 1
    assert await core.rows("SELECT 1 FROM regrouping WHERE finished_at IS NULL") == []
    assert await core.rows(FAILURES) == [
        ("regrouping.failed", "gateway", "failed"),
        ("regrouping.resumed", "operator", "running"),
    ]


async def test_one_failure_that_passes_counts_no_more(
    core: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await look_at_two(core)
    with monkeypatch.context() as broken, capture_logs():
        poison(broken, first)
        await core.regroup_some()
    assert await core.regroup_some() is None
    core.clock.advance(2_000)
    assert await core.regroup_some() is not None
    assert await core.rows(FAILURES) == []


async def test_a_walk_comes_as_near_to_the_fault_as_it_can(
    core: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await core.use(rules("2"))
    *_, before, last = await profiles(core)
    with monkeypatch.context() as broken:
        poison(broken, last)
        await until_given_up(core, 8)
    _, _, _, why, cursor = await state(core)
    assert (cursor, why.partition(":")[0]) == (before, f"behind {show('prf', before)}")
    await core.send(ResumeRegroupings(OPERATOR, tuple(await failed_regroupings(core.store, 9))))
    await core.regroup()
    assert await core.column("SELECT looked FROM regrouping WHERE finished_at IS NOT NULL") == [8]


async def test_one_failed_regrouping_stands_for_all_of_the_same_profile(
    core: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison(monkeypatch, await look_at_two(core))
    with capture_logs():
        await core.regroup_some()
    await until_given_up(core)
    await look_at_two(core)
    with capture_logs():
        for _ in range(MOST_FAILURES):
            await core.regroup_some()
            core.clock.advance(60_000)
    assert len(await core.rows("SELECT 1 FROM regrouping WHERE finished_at IS NULL")) == 1
    assert [action for action, *_ in await core.rows(FAILURES)] == ["regrouping.failed"]


async def test_a_failure_of_an_earlier_step_delays_nothing(core: InProcessGateway) -> None:
    await core.use(rules("2"))
    ((number,),) = await core.rows("SELECT regrouping_id FROM regrouping WHERE finished_at IS NULL")
    await core.regroup_some(2)
    outcome = await core.send(DelayRegrouping(OPERATOR, number, 0, "KeyError"))
    assert isinstance(outcome, Refused)
    assert (await state(core))[:2] == (0, 0)
