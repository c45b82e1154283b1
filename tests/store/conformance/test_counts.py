"""What the Store protocol promises of figures that housekeeping counts: cases for any engine."""

from gateway.clock import HOUR
from gateway.model import ReviewItem
from gateway.store import Store
from gateway.store.queries.odd_profiles import odd_profiles, walked_at
from gateway.workingset import WorkingSet
from rules.identifier import Identifier
from tests.support.in_process_gateway import ManualClock
from tests.support.store_batches import achievement, entry, observe, person, run


async def kept_house(store: Store) -> None:
    while await store.maintain(3) >= 3:
        pass


async def test_profiles_that_stand_out_are_found_by_a_walk_once_a_day(
    store: Store, clock: ManualClock
) -> None:
    def save(ws: WorkingSet) -> None:
        for number in range(7):
            _, records = person(
                ws, *(f"{space}:{number}-{n}" for n in range(number) for space in ("web", "pos"))
            )
            for n, record in enumerate(records[: number + 1]):
                observe(ws, record, Identifier("email", f"{number}-{n // 2}@x.eg"), None)
                ws.set_attribute(record, "displayName", f'"{n % 3}"')

    async def found() -> list[tuple[str, int]]:
        return [(one.measure, one.number) for one in await odd_profiles(store)]

    await run(store, save)
    assert (await found(), await walked_at(store)) == ([], None)
    for _ in range(12):
        await kept_house(store)
        clock.advance(HOUR)
    told = await found()
    assert [number for measure, number in told if measure == "records"] == [12, 10, 8, 6, 4, 2]
    assert {number for measure, number in told if measure == "id_spaces"} == {2}
    assert [number for measure, number in told if measure == "names"] == [3, 3, 3, 3, 3, 2]
    assert [number for measure, number in told if measure == "values email"] == [4, 3, 3, 2, 2]
    assert {measure for measure, _ in told} == {"records", "id_spaces", "names", "values email"}
    walked = await walked_at(store)
    assert walked is not None
    await run(store, lambda ws: person(ws, *(f"app:{n}" for n in range(20))) and None)
    await kept_house(store)
    assert await found() == told
    for _ in range(30):
        clock.advance(HOUR)
        await kept_house(store)
    assert ("records", 20) in await found()
    assert (await walked_at(store) or 0) > walked


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
