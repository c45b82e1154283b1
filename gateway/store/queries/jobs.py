"""Jobs: one, lists of them, those that are to be worked on, and whether the audit log vouches for one."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal

from gateway.audit.chain import read_bound
from gateway.audit.event import Action
from gateway.ids import show
from gateway.model import Job
from gateway.store import Store
from gateway.store.queries.audit import WantedEvents, events
from gateway.store.tables.jobs import JOB
from gateway.store.vouching import TABLES, vouched

_JOBS = f"SELECT {JOB.select('j')} FROM job AS j"
_AT_ONCE = 20
_EVENTS = 20
_VOUCHED_AT = [JOB.all.index(name) for name in TABLES["job"].columns]
Trust = Literal["vouched", "distrusted", "noted"]
"""`noted`: distrusted, and the log says so."""


async def due_jobs(store: Store, now: int) -> AsyncIterator[Sequence[Any]]:
    """The rows of those that are running, oldest first. They are not read: other hands may have written them."""
    after = 0
    while True:
        rows = await store.fetch(
            f"{_JOBS} WHERE j.state = 'running' AND j.job_id > ? AND j.due_at <= ? ORDER BY j.job_id LIMIT ?",
            (after, now, _AT_ONCE),
        )
        for row in rows:
            yield row
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1][0]


def digest_of(row: Sequence[Any], key: bytes) -> str:
    return vouched("job", key, [row[place] for place in _VOUCHED_AT])


async def trust_in(store: Store, row: Sequence[Any], key: bytes) -> Trust:
    """Whether the newest event that tells of the job vouches for this row of it."""
    wanted = WantedEvents(object=show("job", row[0]))
    found = await events(store, wanted, None, _EVENTS, newest_first=True)
    for link in found:
        if told := read_bound(link.bound).rows.get("job", {}).get(str(row[0])):
            if told == digest_of(row, key):
                return "vouched"
            break
    is_noted = bool(found) and found[0].event.action == Action.JOB_DISTRUSTED
    return "noted" if is_noted else "distrusted"


async def job(store: Store, job_id: int) -> Job | None:
    rows = await store.fetch(f"{_JOBS} WHERE j.job_id = ?", (job_id,))
    return JOB.read(rows[0]) if rows else None


async def jobs(store: Store, before: int, limit: int) -> list[Job]:
    """Newest first."""
    rows = await store.fetch(f"{_JOBS} WHERE j.job_id < ? ORDER BY j.job_id DESC LIMIT ?", (before, limit))
    return [JOB.read(row) for row in rows]
