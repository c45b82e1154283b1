"""Jobs: how they are stored."""

from gateway.model import Job
from gateway.store.tables.columns import Columns
from gateway.store.tables.table import entities

JOB = Columns(
    "job",
    Job,
    "job_id bigint",
    fixed=("kind", "filter", "reason", "matched", "created_by", "created_at"),
)

TABLES = (entities("jobs", JOB),)
