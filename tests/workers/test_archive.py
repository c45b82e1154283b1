"""Archiving by itself: what is older than the settings say, in whole days."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.audit.segment import name_of
from gateway.clock import DAY, HOUR
from gateway.store.queries.verification import verify
from gateway.store.sqlite import SqliteStore
from gateway.telemetry.metrics import Metrics
from gateway.workers.archive import Archiver, AutomaticArchive
from tests.support.in_process_gateway import CHECKPOINT_KEY, NOON, ManualClock
from tests.support.store_batches import log, run

AGE = 10 * DAY
MIDNIGHT = NOON // DAY * DAY


class Served:
    """A store that is served from, with events of each hour."""

    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock(MIDNIGHT + 30 * DAY)
        self.store = SqliteStore(directory / "gateway.db", self.clock, checkpoint_key=CHECKPOINT_KEY)
        self.directory = directory / "archive"
        self.is_stopping = False
        archiver = Archiver(
            self.store, CHECKPOINT_KEY, self.directory, "gateway", stopping=lambda: self.is_stopping
        )
        self.metrics = Metrics().audit
        self.archive = AutomaticArchive(archiver, self.store, self.clock, AGE, asyncio.Lock(), self.metrics)

    async def pass_time(self, hours: int) -> None:
        for _ in range(hours):
            self.clock.advance(HOUR)
            await run(self.store, log)
            await self.store.maintain(1_000)

    async def oldest(self) -> int:
        [[at]] = await self.store.fetch("SELECT MIN(at) FROM audit")
        return at

    def is_refused(self) -> bool:
        """What the metric says."""
        (family,) = self.metrics.archive_refused.collect()
        (sample,) = family.samples
        return bool(sample.value)

    async def segments(self) -> int:
        return len(await self.store.fetch("SELECT segment FROM audit_cut"))


@pytest.fixture
async def served(tmp_path: Path) -> AsyncGenerator[Served]:
    built = Served(tmp_path)
    built.directory.mkdir()
    await built.store.open()
    yield built
    await built.store.close()


async def test_whole_days_are_archived_once_they_are_old_enough(served: Served) -> None:
    await served.pass_time(60)
    await served.archive.step()
    assert await served.segments() == 0
    served.clock.advance(AGE - 12 * HOUR)
    first = await served.oldest()
    await served.archive.step()
    assert (await served.segments(), await served.oldest() - first) == (1, 2 * DAY - HOUR)
    await served.archive.step()
    assert await served.segments() == 1
    assert (await verify(served.store, CHECKPOINT_KEY, directory=served.directory)).breaches == []


async def test_what_cannot_be_archived_is_told_and_tried_again(served: Served) -> None:
    await served.pass_time(1)
    served.clock.advance(AGE + DAY)
    served.directory.rmdir()
    with capture_logs() as lines:
        await served.archive.step()
    assert f"{served.directory}: is no directory" in str(lines)
    assert served.is_refused()
    served.directory.mkdir()
    await served.archive.step()
    assert not served.is_refused()
    assert [path.name for path in served.directory.glob("*.segment")] == [name_of(1)]


async def test_a_gateway_that_stops_does_not_begin_another_segment(served: Served) -> None:
    await served.pass_time(1)
    served.clock.advance(AGE + DAY)
    served.is_stopping = True
    await served.archive.step()
    assert await served.segments() == 0
