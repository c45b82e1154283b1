"""How often housekeeping asks the store whether something is left to do."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gateway.clock import MINUTE, SECOND
from gateway.telemetry.metrics import Metrics
from gateway.workers.housekeeping import Housekeeper
from tests.support.in_process_gateway import InProcessGateway, customer


@pytest.fixture
async def core(tmp_path: Path) -> AsyncGenerator[InProcessGateway]:
    async with InProcessGateway(tmp_path) as built:
        yield built


async def test_housekeeping_rests_until_the_next_commit_and_a_few_seconds_at_most(
    core: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    maintain, asked = core.store.maintain, list[int]()

    async def ask(limit: int) -> int:
        asked.append(await maintain(limit))
        return asked[-1]

    async def steps() -> list[int]:
        """What it did until it rested."""
        asked.clear()
        before = -1
        while len(asked) > before:
            before = len(asked)
            await keeper.step()
        return asked

    monkeypatch.setattr(core.store, "maintain", ask)
    keeper = Housekeeper(core.store, core.pipeline, core.clock, Metrics())
    await core.send(customer("web:a", email="a@x.eg"))
    *some, last = await steps()
    assert all(some)
    assert last == 0
    assert await steps() == []
    await core.send(customer("web:b", email="b@x.eg"))
    assert any(await steps())
    core.clock.advance(4 * SECOND)
    assert await steps() == []
    core.clock.advance(SECOND)
    assert await steps() == [0]


async def test_while_background_work_is_committed_housekeeping_pauses_between_its_steps(
    core: InProcessGateway,
) -> None:
    await asyncio.gather(*(core.send(customer(f"web:{n}")) for n in range(2_000)))
    keeper = Housekeeper(core.store, core.pipeline, core.clock, Metrics())
    await keeper.step()
    assert await keeper.step() == 0
    await core.grant()
    assert await keeper.step() > 0
    assert await keeper.step() == 0


async def test_no_rest_delays_a_signature(core: InProcessGateway) -> None:
    async def signed() -> int:
        """After enough steps to begin a rest."""
        for _ in range(5):
            await keeper.step()
        return len(await core.rows("SELECT 1 FROM audit_checkpoint"))

    keeper = Housekeeper(core.store, core.pipeline, core.clock, Metrics())
    await core.send(customer("web:a", email="a@x.eg"))
    before = await signed()
    core.clock.advance(MINUTE - SECOND)
    await core.send(customer("web:b", email="b@x.eg"))
    assert await signed() == before
    core.clock.advance(SECOND)
    assert await signed() == before + 1
