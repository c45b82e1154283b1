"""Jobs: how they are stored."""

from collections.abc import Iterator
from operator import attrgetter

from gateway.model import Job
from gateway.store.statement import Write
from gateway.store.tables.columns import Columns
from gateway.store.tables.table import Table, entities
from gateway.workingset import WorkingSet, Written

JOB = Columns(
    "job",
    Job,
    "job_id bigint",
    fixed=("kind", "filter", "reason", "matched", "created_by", "created_at", "above"),
)
_PROGRESS = ("before", "done", "refused", "closed", "passed", "failures", "due_at")
_MOVE_ON = f"UPDATE job SET {', '.join(f'{name} = ?' for name in _PROGRESS)} WHERE job_id = ?"
_progress = attrgetter(*_PROGRESS, "job_id")


def _save_steps(ws: WorkingSet, steps: Written[int, Job]) -> Iterator[Write]:
    yield Write(_MOVE_ON, [_progress(job) for job in steps.changed.values()])


TABLES = (Table("job_steps", save=_save_steps), entities("jobs", JOB))
