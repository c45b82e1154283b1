"""Jobs: one, lists of them, those that are to be run, and whether the audit log vouches for one. A row may have been damaged
outside the gateway, so that the engine or the gateway cannot read it. It does not hide other rows, and what can be read of it
is shown."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal, NamedTuple, get_type_hints

import msgspec

from gateway.audit.chain import read_bound
from gateway.audit.event import Action
from gateway.clock import LATEST
from gateway.errors import ReadFailed
from gateway.ids import show
from gateway.model import Filter, Job
from gateway.store import Store
from gateway.store.queries.audit import WantedEvents, events
from gateway.store.row_digests import TABLES, logged_digest
from gateway.store.tables.jobs import JOB

_JOBS = f"SELECT {JOB.select('j')} FROM job AS j"
_TYPES = get_type_hints(Job)
_MOMENTS = ("created_at", "run_since", "ended_at", "due_at")
_UNREADABLE: dict[str, Any] = {
    **{name: "" if kind is str else 0 for name, kind in _TYPES.items()},
    "kind": "unreadable",
    "filter": {},
    "state": "failed",
    "ended_at": None,
    "stuck_at": None,
}
_AT_ONCE = 20
_EVENTS = 20
_DIGESTED_AT = [JOB.all.index(name) for name in TABLES["job"].columns]
Trust = Literal["trusted", "distrusted", "noted"]
"""`noted`: distrusted, and the log says so."""


class ReadJob(NamedTuple):
    """A job. `damaged` are the columns that cannot be read; the job has other values in their place."""

    job: Job
    damaged: tuple[str, ...]


def read(row: Sequence[Any]) -> ReadJob:
    values, damaged = dict[str, Any](), list[str]()
    for name, stored in zip(JOB.all, row, strict=True):
        try:
            values[name] = _value(name, stored)
        except ValueError:
            values[name] = _UNREADABLE[name]
            damaged.append(name)
    return ReadJob(Job(**values), tuple(damaged))


def _value(name: str, stored: Any) -> Any:
    """Raises ValueError."""
    if name == "filter":
        return msgspec.json.decode("" if stored is None else stored, type=Filter)
    if name in _MOMENTS and stored is not None and not 0 <= stored <= LATEST:
        raise ValueError(name)
    return msgspec.convert(stored, _TYPES[name])


async def _rows(store: Store, which: str, parameters: tuple[int, ...]) -> list[Sequence[Any]]:
    """The rows that the end of a SELECT picks."""
    try:
        return [*await store.fetch(f"{_JOBS} {which}", parameters)]
    except ReadFailed:
        ids = await store.fetch(f"SELECT j.job_id FROM job AS j {which}", parameters)
        return [await _row(store, job_id) for (job_id,) in ids]


async def _row(store: Store, job_id: int) -> Sequence[Any]:
    """None for columns that the engine cannot read."""
    values: list[Any] = []
    for name in JOB.all:
        try:
            [(value,)] = await store.fetch(f"SELECT j.{name} FROM job AS j WHERE j.job_id = ?", (job_id,))
        except ReadFailed:
            value = None
        values.append(value)
    return values


async def due_jobs(store: Store, now: int) -> AsyncIterator[Sequence[Any]]:
    """The rows of those that are running, oldest first."""
    after = 0
    while True:
        rows = await _rows(
            store,
            "WHERE j.state = 'running' AND j.job_id > ? AND j.due_at <= ? ORDER BY j.job_id LIMIT ?",
            (after, now, _AT_ONCE),
        )
        for row in rows:
            yield row
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1][0]


def digest_of(row: Sequence[Any], key: bytes) -> str:
    return logged_digest("job", key, [row[place] for place in _DIGESTED_AT])


async def trust_in(store: Store, row: Sequence[Any], key: bytes) -> Trust:
    """Whether the job's newest event has the digest of this row. A row that cannot be read is never trusted."""
    wanted = WantedEvents(object=show("job", row[0]))
    found = await events(store, wanted, None, _EVENTS, newest_first=True)
    for link in found:
        if told := read_bound(link.bound).rows.get("job", {}).get(str(row[0])):
            if told == digest_of(row, key) and not read(row).damaged:
                return "trusted"
            break
    is_noted = bool(found) and found[0].event.action == Action.JOB_DISTRUSTED
    return "noted" if is_noted else "distrusted"


async def count_distrusted(store: Store) -> int:
    """The running jobs that the worker has noted as distrusted, among the oldest."""
    running = await store.fetch(
        "SELECT job_id FROM job WHERE state = 'running' ORDER BY job_id LIMIT ?", (_AT_ONCE,)
    )
    newest = [
        await events(store, WantedEvents(object=show("job", job_id)), None, 1, newest_first=True)
        for (job_id,) in running
    ]
    return sum(found[0].event.action == Action.JOB_DISTRUSTED for found in newest if found)


async def job(store: Store, job_id: int) -> ReadJob | None:
    rows = await _rows(store, "WHERE j.job_id = ?", (job_id,))
    return read(rows[0]) if rows else None


async def jobs(store: Store, before: int, limit: int) -> list[ReadJob]:
    """Newest first."""
    rows = await _rows(store, "WHERE j.job_id < ? ORDER BY j.job_id DESC LIMIT ?", (before, limit))
    return [read(row) for row in rows]
