"""What the Store protocol promises of figures that housekeeping counts: cases for any engine."""

from gateway.clock import HOUR
from gateway.model import ReviewItem
from gateway.store import Store
from gateway.workingset import WorkingSet
from tests.store.conformance import achievement, entry, person, run
from tests.support.in_process_gateway import ManualClock


async def kept_house(store: Store) -> None:
    while await store.maintain(3) >= 3:
        pass


async def stakes(store: Store) -> list[tuple[str, int]]:
    rows = await store.fetch("SELECT state, points FROM review ORDER BY review_id")
    return [(state, points) for state, points in rows]


async def test_the_points_of_both_sides_of_an_open_question_are_counted_every_hour(
    store: Store, clock: ManualClock
) -> None:
    records: list[int] = []

    def ask(ws: WorkingSet) -> None:
        people = [person(ws, f"web:{n}", f"pos:{n}") for n in range(8)]
        records.extend(record.record_id for _, some in people for record in some)
        profiles = [profile.profile_id for profile, _ in people]
        for a, b in (*zip(profiles[:4], profiles[4:], strict=True), (profiles[0], profiles[0])):
            ws.keep_review(ReviewItem(ws.next_id(), a, b, "open", "rule:email", "email", (), ws.now))

    def earn(ws: WorkingSet) -> None:
        for record_id, points in ((records[0], 100), (records[1], 20), (records[8], 3), (records[2], 50)):
            ws.enter(entry(ws, achievement(ws, record_id), points))

    await run(store, ask)
    await run(store, earn)
    assert await stakes(store) == [("open", 0)] * 5
    for _ in range(12):  # a step that collides with another writer is made up for in the next hour
        clock.advance(HOUR)
        await kept_house(store)
    assert await stakes(store) == [("open", 123), ("open", 50), ("open", 0), ("open", 0), ("open", 120)]
