"""Works off jobs, in the background: one change as one command, which also stores how far the job has come. If a process stops or
dies in the middle, the next one continues there."""

from gateway.ids import show
from gateway.model import Caller, Refused, WorkJob
from gateway.pipeline import Pipeline
from gateway.store import Store
from gateway.store.queries.jobs import next_job
from gateway.store.queries.merges import WantedMerges, merges


async def work_on_jobs(store: Store, pipeline: Pipeline, limit: int) -> bool:
    """Up to `limit` merges of the oldest job. False: there is nothing to do."""
    job = await next_job(store)
    if job is None:
        return False
    wanted = WantedMerges.of(job.filter, "standing")
    found, behind = await merges(store, wanted, job.before, limit)
    while not found and behind is not None:
        found, behind = await merges(store, wanted, behind, limit)
    steps: list[int | None] = [row.merge_id for row in found]
    if behind is None:
        steps.append(None)
    caller = Caller("", "", job.created_by, show("job", job.job_id), "operator")
    for step in steps:
        if isinstance(await pipeline.submit_background(WorkJob(caller, job.job_id, step)), Refused):
            break
    return True
