"""PostgreSQL: several processes on one database."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from gateway.audit.verify import Verifier
from gateway.clock import DAY, HOUR, MINUTE, SECOND
from gateway.store.postgres import PostgresStore
from gateway.store.queries.audit import links
from tests.support.in_process_gateway import (
    NOON,
    InProcessGateway,
    ManualClock,
    achieve,
    customer,
)
from tests.support.store_batches import (
    log,
    run,
)

# ---- several at once ----


async def test_two_processes_that_accept_the_same_achievement_accept_it_once(
    tmp_path: Any, database_url: str
) -> None:
    clock = ManualClock()
    async with (
        InProcessGateway(tmp_path, url=database_url, clock=clock) as one,
        InProcessGateway(tmp_path, url=database_url, clock=clock) as other,
    ):
        for n in range(10):
            await one.send(customer(f"web:{n}", email=f"p{n}@x.eg"))
        both = [
            core.send(achieve(f"web:{n}", email=f"p{n}@x.eg")) for n in range(10) for core in (one, other)
        ]
        outcomes = await asyncio.gather(*both)
        assert await one.column("SELECT COUNT(*) FROM achievement") == [10]
        kinds = [{type(outcome).__name__ for outcome in outcomes[n : n + 2]} for n in range(0, 20, 2)]
        assert kinds == [{"Accepted", "Duplicate"}] * 10


async def test_two_processes_that_meet_the_same_new_customer_make_one_profile(
    tmp_path: Any, database_url: str
) -> None:
    async with (
        InProcessGateway(tmp_path, url=database_url) as one,
        InProcessGateway(tmp_path, url=database_url) as other,
    ):
        await asyncio.gather(
            *(
                core.send(customer(f"{space}:{n}", email=f"p{n}@x.eg"))
                for n in range(20)
                for space, core in (("web", one), ("pos", other))
            )
        )
        assert await one.column("SELECT COUNT(*) FROM profile WHERE redirect_to IS NULL") == [20]
        verifier = Verifier()
        async for chunk in links(one.store):
            assert list(verifier.feed(chunk)) == []
        assert len(verifier.heads) == 2


async def test_one_process_does_the_housekeeping_and_another_takes_over_when_it_ends(
    opened: Callable[[], Any], clock: ManualClock
) -> None:
    one, other = await opened(), await opened()
    await run(one, log)
    clock.advance(2 * 60 * SECOND)
    assert await one.maintain(100) > 0
    await run(one, log)
    clock.advance(2 * 60 * SECOND)
    await one.maintain(1)
    assert await other.maintain(100) == 0
    clock.advance(25 * SECOND)
    assert await other.maintain(100) > 0


async def test_one_process_leads_until_it_closes_or_falls_silent(
    opened: Callable[[], Any], clock: ManualClock
) -> None:
    one, other, third = await opened(), await opened(), await opened()
    assert [await store.take_lead("grants") for store in (one, other, third)] == [True, False, False]
    await one.close()
    clock.advance(5 * SECOND)
    assert [await store.take_lead("grants") for store in (other, third)] == [True, False]
    clock.advance(20 * SECOND)
    assert [await store.take_lead("grants") for store in (third, other)] == [True, False]


async def test_stamps_never_fall_behind_what_another_process_has_stored(
    opened: Callable[[], Any], clock: ManualClock
) -> None:
    ahead: PostgresStore = await opened()
    running: PostgresStore = await opened()
    clock.ahead = 400 * DAY
    await run(ahead, log)
    clock.ahead = 0
    behind: PostgresStore = await opened()
    await running.maintain(1)
    for store in (behind, running):
        seen = await run(store, log)
        assert seen.now == clock.now()
        assert seen.stamp > NOON + 400 * DAY
    written = await ahead.fetch("SELECT at FROM audit ORDER BY event_id")
    assert written == sorted(written)


@pytest.mark.parametrize("wrong", [41 * SECOND, HOUR, 400 * DAY])
async def test_a_lease_taken_with_a_wrong_clock_blocks_no_other_process(
    opened: Callable[[], Any], clock: ManualClock, wrong: int
) -> None:
    ahead, other = await opened(), await opened()
    clock.ahead = wrong
    assert await ahead.take_lead("grants")
    await ahead.report_alive()
    assert await ahead.replicas() == 1
    clock.ahead = 0
    assert await other.take_lead("grants")
    await other.report_alive()
    assert await other.replicas() == 1


async def test_a_lease_is_renewed_at_the_pace_of_real_time_whatever_the_clock_says(
    opened: Callable[[], Any], clock: ManualClock
) -> None:
    one, other = await opened(), await opened()
    for clock.ahead in (0, 400 * DAY, 0, -400 * DAY, 0):
        assert await one.take_lead("grants")
        clock.advance(5 * SECOND)
    assert await one.take_lead("grants")
    assert not await other.take_lead("grants")


async def test_the_servers_time_is_asked_for(opened: Callable[[], Any]) -> None:
    store: PostgresStore = await opened()
    before, said = time.time_ns() // 1_000_000, await store.server_time()
    assert said is not None
    assert before - MINUTE < said < before + MINUTE
