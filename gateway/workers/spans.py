"""Spans of work in the background. A job and a regrouping may go on for hours and in several processes; their traces follow from
their ids, so that all of them note in the same one. A search belongs to the call that started it."""

from collections.abc import Mapping
from time import perf_counter

from gateway.clock import SECOND
from gateway.ids import show
from gateway.model import Caller, Job, Regrouping
from gateway.telemetry.tracing import Attributes, Tracing


def note_job(tracing: Tracing | None, job: Job, changes: int, seconds: float, error: str = "") -> None:
    """Some changes of a job; with the last of them, all of it."""
    if tracing is None:
        return
    name = show("job", job.job_id)
    known: Attributes = {"gateway.job.id": name, "gateway.job.kind": job.kind}
    tracing.note_work(name, "job changes", seconds, {**known, "gateway.job.changes": changes}, error)
    if job.state == "done" and job.ended_at is not None:
        counts = _named("job", {"done": job.done, "refused": job.refused, "passed": job.passed})
        span = (job.ended_at - job.created_at) / SECOND
        tracing.note_whole_work(name, f"job {job.kind}", span, {**known, **counts})


def note_regrouping(
    tracing: Tracing | None, run: Regrouping, done: Mapping[str, int], seconds: float, error: str = ""
) -> None:
    """A step of a regrouping; with the last one, all of it. The value or profile that it is about is not in the spans."""
    if tracing is None:
        return
    name = f"{run.regrouping_id:016x}"
    known: Attributes = {"gateway.regrouping.id": name, "gateway.regrouping.scope": run.scope}
    tracing.note_work(
        f"regrouping {name}",
        "regrouping step",
        seconds,
        {**known, **_named("regrouping", done)},
        error,
    )
    if run.finished_at is not None:
        counts = {"looked": run.looked, "merged": run.merged, "split": run.split, "asked": run.asked}
        span = (run.finished_at - run.started_at) / SECOND
        tracing.note_whole_work(
            f"regrouping {name}",
            f"regrouping {run.scope}",
            span,
            {**known, **_named("regrouping", counts)},
        )


class SearchSpans:
    """Of one search: a span for each stage, and one for all of it."""

    def __init__(self, tracing: Tracing | None, caller: Caller, search_id: int) -> None:
        self._tracing, self._caller = tracing, caller
        self._known: Attributes = {"gateway.search.id": show("srh", search_id)}
        self._began = self._stage_began = perf_counter()
        self._stage = ""

    def begin_stage(self, stage: str) -> None:
        """The one before it has ended."""
        if stage != self._stage:
            self._end_stage()
            self._stage, self._stage_began = stage, perf_counter()

    def end(self, error: str = "") -> None:
        self._end_stage(error)
        self._note("search", self._began, error)

    def _end_stage(self, error: str = "") -> None:
        if self._stage:
            self._note(f"search {self._stage}", self._stage_began, error)
            self._stage = ""

    def _note(self, name: str, began: float, error: str) -> None:
        if self._tracing is not None:
            trace, request_id = self._caller.trace, self._caller.request_id
            self._tracing.note_part(trace, request_id, name, perf_counter() - began, self._known, error)


def _named(kind: str, counts: Mapping[str, int]) -> dict[str, str | int]:
    return {f"gateway.{kind}.{name}": count for name, count in counts.items()}
