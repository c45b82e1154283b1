"""What the Store protocol promises of the platform's jobs about orders: cases for any engine."""

from gateway.store import Store
from gateway.store.order_jobs import KEPT, is_order_job, note_order_jobs
from tests.support.in_process_gateway import ManualClock


async def test_jobs_are_known_until_they_are_old(store: Store, clock: ManualClock) -> None:
    began = clock.now()
    await note_order_jobs(store, ["1", "2"], began)
    await note_order_jobs(store, ["2"], began + 1)
    assert [await is_order_job(store, job) for job in ("1", "2", "3")] == [True, True, False]
    await note_order_jobs(store, ["3"], began + 1 + KEPT)
    assert [await is_order_job(store, job) for job in ("1", "2", "3")] == [False, True, True]
