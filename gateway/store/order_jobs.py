"""The platform's batch jobs about orders that went through a gateway of this database."""

from collections.abc import Iterable

from gateway.clock import DAY
from gateway.store.protocol import Store
from gateway.store.statement import Write

KEPT = 90 * DAY
"""The status of a job is asked for while it runs, or soon after."""
_NOTE = "INSERT INTO order_job VALUES (?, ?) ON CONFLICT (job) DO UPDATE SET noted_at = excluded.noted_at"
_OLD = "SELECT job FROM order_job WHERE noted_at < ? ORDER BY noted_at LIMIT ?"
_FORGET = "DELETE FROM order_job WHERE job = ?"
_AT_ONCE = 100
_ATTEMPTS = 3


async def note_order_jobs(store: Store, jobs: Iterable[str], now: int) -> None:
    """Some of those of long ago are forgotten. Raises StoreUnavailable."""
    old = await store.fetch(_OLD, (now - KEPT, _AT_ONCE))
    writes = Write(_FORGET, old), Write(_NOTE, [(job, now) for job in sorted(jobs)])
    for _ in range(_ATTEMPTS):
        if await store.write(*writes):
            return


async def is_order_job(store: Store, job: str) -> bool:
    return bool(await store.fetch("SELECT 1 FROM order_job WHERE job = ?", (job,)))
