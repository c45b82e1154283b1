"""What waits for the workers is asked in one statement for all of them."""

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import DAY
from gateway.workers.due_work import DueWork
from tests.support.in_process_gateway import InProcessGateway, achieve, customer


class CountingStore:
    """Counts the statements."""

    def __init__(self, core: InProcessGateway) -> None:
        self.asked = 0
        self._store = core.store

    async def fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self.asked += 1
        return await self._store.fetch(sql, parameters)


@pytest.fixture
async def core(tmp_path: Path) -> AsyncGenerator[InProcessGateway]:
    async with InProcessGateway(tmp_path) as running:
        yield running


async def test_one_statement_answers_all_workers_and_each_of_them_once(core: InProcessGateway) -> None:
    store: Any = CountingStore(core)
    due = DueWork(store, core.clock)
    assert [await due.has("grants"), await due.has("jobs"), await due.has("regroupings")] == [False] * 3
    assert store.asked == 1
    await core.send(customer("web:ann"))
    await core.send(achieve("web:ann"))
    core.clock.advance(DAY)
    assert (await due.has("grants"), store.asked) == (True, 2)
    assert (await due.has("grants"), store.asked) == (True, 3)
    assert (await due.has("jobs"), store.asked) == (False, 3)


async def test_an_answer_that_nobody_took_is_not_given_later(core: InProcessGateway) -> None:
    store: Any = CountingStore(core)
    due = DueWork(store, core.clock)
    assert not await due.has("jobs")
    await core.send(customer("web:ann"))
    await core.send(achieve("web:ann"))
    core.clock.advance(DAY)
    assert await due.has("grants")
