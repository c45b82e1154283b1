"""Jobs: one, lists of them, and the next one to work on."""

from gateway.model import Job
from gateway.store import Store
from gateway.store.tables.jobs import JOB

_JOBS = f"SELECT {JOB.select('j')} FROM job AS j"


async def next_job(store: Store) -> Job | None:
    """The oldest that is running."""
    rows = await store.fetch(f"{_JOBS} WHERE j.state = 'running' ORDER BY j.job_id LIMIT 1")
    return JOB.read(rows[0]) if rows else None


async def job(store: Store, job_id: int) -> Job | None:
    rows = await store.fetch(f"{_JOBS} WHERE j.job_id = ?", (job_id,))
    return JOB.read(rows[0]) if rows else None


async def jobs(store: Store, before: int, limit: int) -> list[Job]:
    """Newest first."""
    rows = await store.fetch(f"{_JOBS} WHERE j.job_id < ? ORDER BY j.job_id DESC LIMIT ?", (before, limit))
    return [JOB.read(row) for row in rows]
