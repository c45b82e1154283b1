"""Jobs: one change after the other on everything that matches a filter."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from gateway.ids import Prefix, show
from gateway.model.caller import Caller
from gateway.model.command import Command, Refused

JobKind = Literal[
    "undo_merges",
    "accept_reviews",
    "reject_reviews",
    "retry_deliveries",
    "discard_deliveries",
    "retry_achievements",
]
JobState = Literal["running", "done", "failed", "cancelled"]
StepResult = Literal["done", "refused", "passed"]
Filter = Mapping[str, str | int]


class Job(msgspec.Struct, frozen=True):
    """`matched` is how many the filter found at the start, all of them below the id `above`. The job goes from the newest to the
    oldest: `before` is the id that it has come down to. It changes things in the name of `run_by`, the operator who
    started it or last resumed it, at `run_since`.

    What was `refused` stayed as it is. `closed` are questions that an answer of the job closed beside its own. `passed` is what was
    left at the end: others dealt with it in the meantime. `skipped` is what an operator left out who resumed the job, because its
    change failed. `failures` are the attempts in a row that ended with an unexpected error;
    the next one waits until `due_at`. `stuck_at` is the thing whose change they were; None: they came before or behind one. `why`
    says what made the job fail.
    """

    job_id: int
    kind: JobKind
    filter: Filter
    reason: str
    matched: int
    created_by: str
    created_at: int
    above: int
    run_by: str
    run_since: int
    before: int
    state: JobState = "running"
    why: str = ""
    ended_at: int | None = None
    done: int = 0
    refused: int = 0
    closed: int = 0
    passed: int = 0
    failures: int = 0
    due_at: int = 0
    skipped: int = 0
    stuck_at: int | None = None


JOB_DIGESTED = (
    *("job_id", "kind", "filter", "reason", "matched", "created_by", "created_at", "above"),
    *("run_by", "run_since", "state", "why", "ended_at"),
)
"""What the audit log vouches for: what a job is, and not how far it has come. In the order in which it is digested."""


_PREFIXES: dict[str, Prefix] = {"merges": "mrg", "reviews": "rev", "deliveries": "dlv", "achievements": "ach"}


def shown_thing(kind: JobKind, number: int) -> str:
    """The id of a thing that such a job changes."""
    return show(_PREFIXES[kind.partition("_")[2]], number)


class Step(msgspec.Struct, frozen=True):
    """What a job did to one thing: `code` and `why` if that was `refused`. `closed` is how many others of its things an answer
    closed."""

    result: StepResult
    code: str = ""
    why: str = ""
    closed: int = 0


class StartJob(Command[Job], frozen=True):
    """Begin below the id `above`."""

    caller: Caller
    kind: JobKind
    filter: Filter
    reason: str
    matched: int
    above: int


class WorkJob(Command[Job | Refused], frozen=True):
    """Change the next thing of a job and move on, in one transaction. Without a thing, the job is done. `job` is the job as the
    audit log vouches for it."""

    caller: Caller
    job: Job
    item: int | None


class DelayJob(Command[Job | Refused], frozen=True):
    """The next step of a job, the change of `item`, met this unexpected error: try it again later, or let the job fail. `job` as
    above."""

    caller: Caller
    job: Job
    error: str
    item: int | None = None


class RehearseJob(Command[tuple[Step, ...]], frozen=True):
    """Change these things as a job would, one after the other. Fewer steps than things: the next thing depends on what the steps
    changed in a way that one transaction cannot see. Only for a preview."""

    caller: Caller
    kind: JobKind
    filter: Filter
    reason: str
    items: tuple[int, ...]


class CancelJob(Command[Job | Refused], frozen=True):
    """What the job did stays done."""

    caller: Caller
    job_id: int


class CancelDamagedJob(Command[Job | Refused], frozen=True):
    """Cancel a job whose row cannot be read. `job` is what can be read of it; the row is written anew with that. `columns` are
    those that cannot."""

    caller: Caller
    job: Job
    columns: tuple[str, ...]


class ResumeJob(Command[Job | Refused], frozen=True):
    """Continue a failed job in the caller's name. `skip`: behind the thing whose change failed. `job` as above."""

    caller: Caller
    job: Job
    skip: bool = False
