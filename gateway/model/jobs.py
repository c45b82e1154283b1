"""Jobs: one change after the other on everything that matches a filter."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from gateway.model.caller import Caller
from gateway.model.command import Command, Refused

JobKind = Literal["undo_merges"]
JobState = Literal["running", "done", "cancelled"]


class Job(msgspec.Struct, frozen=True):
    """`matched` is how many the filter found at the start. The job goes from the newest to the oldest: `before` is the id that it
    has come down to. What was `refused` stayed as it is. What another change has undone in the meantime counts as neither."""

    job_id: int
    kind: JobKind
    filter: Mapping[str, str | int]
    reason: str
    matched: int
    created_by: str
    created_at: int
    before: int
    state: JobState = "running"
    done: int = 0
    refused: int = 0
    ended_at: int | None = None


class StartJob(Command[Job], frozen=True):
    """Begin below the id `before`."""

    caller: Caller
    kind: JobKind
    filter: Mapping[str, str | int]
    reason: str
    matched: int
    before: int


class WorkJob(Command[Job | Refused], frozen=True):
    """Undo the next merge of a job and move on, in one transaction. Without a merge, the job is done."""

    caller: Caller
    job_id: int
    merge_id: int | None


class CancelJob(Command[Job | Refused], frozen=True):
    """What the job did stays done."""

    caller: Caller
    job_id: int
