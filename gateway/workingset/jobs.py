"""Jobs: work on everything that matches a filter."""

from gateway.model import Job
from gateway.workingset.collection import Collection, Of
from gateway.workingset.moment import Moment


class Jobs(Moment):
    jobs = Of(Collection[int, Job | None])
