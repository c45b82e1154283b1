"""Jobs: work on everything that matches a filter."""

from gateway.model import Job
from gateway.workingset.batch_context import BatchContext
from gateway.workingset.collection import Collection, Of, Written


class Jobs(BatchContext):
    """`job_steps` are jobs that only moved on. The audit log vouches for what a job is, not for how far it has come.
    `unended_jobs` says whether there is such a job that may still run, and needs no other column of its row."""

    jobs = Of(Collection[int, Job | None])
    unended_jobs = Of(Collection[int, bool])
    job_steps = Of(Written[int, Job])

    def move_on(self, job: Job) -> None:
        self.jobs.put(job.job_id, job)
        self.job_steps.keep(job.job_id, job)
