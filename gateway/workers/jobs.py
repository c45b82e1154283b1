"""Runs jobs in the background: each change is one command, which also stores the progress of the job. If a process stops or dies in
the middle, the next one continues there.

A job is run only if the audit log vouches for its row. If a row was inserted, changed or damaged outside the gateway, the job is
not run, and an event says so. A step that meets an unexpected error is tried again later; other jobs run in the meantime.
"""

from collections.abc import Sequence
from time import perf_counter
from typing import Any

from gateway.audit.event import Action
from gateway.clock import Clock
from gateway.errors import MISTAKES, CommandFailed
from gateway.ids import show
from gateway.model import Caller, DelayJob, Job, NoteEvent, Refused, WorkJob, shown_thing
from gateway.pipeline import Pipeline
from gateway.store import Store
from gateway.store.queries.job_targets import id_of, matching
from gateway.store.queries.jobs import digest_of, due_jobs, read, trust_in
from gateway.telemetry.tracing import Tracing
from gateway.workers.spans import note_job

_ITSELF = Caller("", "", "gateway", "", "gateway")


class JobWorker:
    """`key` is the key of the rows' digests."""

    def __init__(
        self, store: Store, pipeline: Pipeline, clock: Clock, key: bytes, tracing: Tracing | None = None
    ) -> None:
        self._store = store
        self._pipeline = pipeline
        self._clock = clock
        self._key = key
        self._tracing = tracing
        self._trusted: dict[int, str] = {}
        """By job, the digest of the row for which the log vouched when it was last asked."""

    async def work(self, limit: int) -> bool:
        """Up to `limit` changes of the oldest job that is due. False: there is nothing to do."""
        async for row in due_jobs(self._store, self._clock.now()):
            if await self._is_trusted(row):
                await self._work_on(read(row).job, limit)
                return True
        return False

    async def _is_trusted(self, row: Sequence[Any]) -> bool:
        digest = digest_of(row, self._key)
        if self._trusted.get(row[0]) == digest:
            return True
        trust = await trust_in(self._store, row, self._key)
        if trust == "trusted":
            self._trusted = {row[0]: digest}
        elif trust == "distrusted":
            event = NoteEvent(
                _ITSELF, Action.JOB_DISTRUSTED, subject=show("job", row[0]), detail=_damage(row)
            )
            await self._pipeline.submit_background(event)
        return trust == "trusted"

    async def _work_on(self, job: Job, limit: int) -> None:
        place, item, changes, started = f"below {job.before:016x}", None, 0, perf_counter()
        moved, cause = job, ""
        try:
            found, behind = await matching(
                self._store, job.kind, job.filter, min(job.before, job.above), limit
            )
            steps: list[int | None] = [id_of(job.kind, thing) for thing in found]
            if behind is None:
                steps.append(None)
            caller = Caller("", "", job.run_by, show("job", job.job_id), "operator")
            for item in steps:
                place = "the end" if item is None else shown_thing(job.kind, item)
                outcome = await self._pipeline.submit_background(WorkJob(caller, job, item))
                if isinstance(outcome, Refused):
                    break
                moved, changes = outcome, changes + (item is not None)
                if moved.state != "running":
                    break
        except CommandFailed as error:
            cause = error.cause
        except MISTAKES as error:
            cause = type(error).__name__
        note_job(self._tracing, moved, changes, perf_counter() - started, cause)
        if cause:
            await self._delay(job, f"{place}: {cause}", item)

    async def _delay(self, job: Job, error: str, item: int | None) -> None:
        caller = Caller("", "", "gateway", show("job", job.job_id), "gateway")
        await self._pipeline.submit_background(DelayJob(caller, job, error, item))


def _damage(row: Sequence[Any]) -> dict[str, list[str]]:
    damaged = read(row).damaged
    return {"damaged": [*damaged]} if damaged else {}
