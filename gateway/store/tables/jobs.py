"""Jobs: how they are stored."""

from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from gateway.model import Job
from gateway.store.statement import Query, Write
from gateway.store.tables.columns import Columns
from gateway.store.tables.table import Loading, Table, entities
from gateway.workingset import WorkingSet, Written

JOB = Columns(
    "job",
    Job,
    "job_id bigint",
    fixed=("kind", "filter", "reason", "matched", "created_by", "created_at", "above"),
)
_PROGRESS = ("before", "done", "refused", "closed", "passed", "failures", "due_at", "skipped", "stuck_at")
_MOVE_ON = f"UPDATE job SET {', '.join(f'{name} = ?' for name in _PROGRESS)} WHERE job_id = ?"
_UNENDED = """
SELECT j.job_id FROM keys(job_id bigint) AS k CROSS JOIN job AS j ON j.job_id = k.job_id
WHERE j.state NOT IN ('done', 'cancelled')
"""
_progress = attrgetter(*_PROGRESS, "job_id")


def _save_steps(ws: WorkingSet, steps: Written[int, Job]) -> Iterator[Write]:
    yield Write(_MOVE_ON, [_progress(job) for job in steps.changed.values()])


def _load_unended(ws: WorkingSet, keys: list[Any]) -> Loading:
    for job_id in keys:
        ws.unended_jobs.put(job_id, False)
    [rows] = yield [Query(_UNENDED, keys)]
    for (job_id,) in rows:
        ws.unended_jobs.put(job_id, True)


TABLES = (
    Table("job_steps", save=_save_steps),
    Table("unended_jobs", load=_load_unended),
    entities("jobs", JOB),
)
