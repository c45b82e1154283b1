"""What is over goes once it is older than the settings say, and stays for good where they say nothing."""

from pathlib import Path

import pytest

from gateway.clock import DAY, HOUR
from gateway.model import ImportPosition, ImportRun, RefusedLine, ReviewItem, WarnedLine
from gateway.store import Store
from gateway.store.maintenance import KeepFor
from gateway.store.postgres import PostgresStore
from gateway.store.sqlite import SqliteStore
from gateway.workingset import WorkingSet
from tests.support.in_process_gateway import CHECKPOINT_KEY, ManualClock
from tests.support.postgresql import PostgresServer

OLD = 10 * DAY


class Batch:
    def wants(self, ws: WorkingSet) -> None:
        """Nothing is loaded."""

    def process(self, ws: WorkingSet) -> None:
        """An import that ended, an answered review and an open one."""
        run = ImportRun("i", "web", ws.now, ImportPosition(3), finished_at=ws.now)
        ws.keep_import(
            run, [RefusedLine(1, "bad_csv"), RefusedLine(2, "bad_csv")], [WarnedLine(3, "email", "rounded")]
        )
        for number, state in enumerate(("rejected", "open")):
            closed_at = ws.now if state == "rejected" else None
            item = ReviewItem(
                ws.next_id(), 2 * number + 1, 2 * number + 2, state, "", "", (), ws.now, closed_at
            )  # pyright: ignore
            ws.touch_review(item)


async def left(store: Store, clock: ManualClock, age: int) -> tuple[int, int, list[str]]:
    await store.open()
    try:
        await store.run(Batch())
        await store.maintain(1)
        clock.advance(age)
        while await store.maintain(1):
            pass
        ((refused,),) = await store.fetch("SELECT COUNT(*) FROM import_refusal")
        ((warned,),) = await store.fetch("SELECT COUNT(*) FROM import_warning")
        reviews = [state for (state,) in await store.fetch("SELECT state FROM review ORDER BY review_id")]
        return refused, warned, reviews
    finally:
        await store.close()


@pytest.mark.parametrize(
    ("kept", "age", "expected"),
    [
        (KeepFor(), 1000 * DAY, (2, 1, ["rejected", "open"])),
        (KeepFor(import_lists=OLD), OLD - HOUR, (2, 1, ["rejected", "open"])),
        (KeepFor(import_lists=OLD), OLD + HOUR, (0, 0, ["rejected", "open"])),
        (KeepFor(reviews=OLD), OLD - HOUR, (2, 1, ["rejected", "open"])),
        (KeepFor(reviews=OLD), OLD + HOUR, (2, 1, ["open"])),
        (KeepFor(import_lists=OLD, reviews=OLD), OLD + HOUR, (0, 0, ["open"])),
    ],
)
async def test_finished_rows_are_removed_after_their_retention(
    tmp_path: Path, kept: KeepFor, age: int, expected: tuple[int, int, list[str]]
) -> None:
    clock = ManualClock()
    store = SqliteStore(tmp_path / "gateway.db", clock, checkpoint_key=CHECKPOINT_KEY, kept=kept)
    assert await left(store, clock, age) == expected


async def test_finished_rows_are_removed_on_postgresql_too(postgres: PostgresServer) -> None:
    clock, kept = ManualClock(), KeepFor(import_lists=OLD, reviews=OLD)
    url = postgres.url(await postgres.empty())
    store = PostgresStore(url, clock, checkpoint_key=CHECKPOINT_KEY, kept=kept)
    assert await left(store, clock, OLD + HOUR) == (0, 0, ["open"])
