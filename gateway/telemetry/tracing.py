"""Spans of calls and of what comes of them, on their way to a collector. To make one costs a tuple in a bounded queue; it is
encoded and sent beside the calls. Of a call, a span has the template of the route and the ids of the trace, and nothing else
that the caller sent, because a path or a header may hold an e-mail."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import perf_counter
from typing import Final, Literal, NamedTuple

from gateway import trace as context

Kind = Literal["internal", "server", "client"]
Outcome = Literal["sent", "no_room", "refused", "not_sent"]
Attributes = Mapping[str, str | int]

BATCH: Final = 512
_MOST_WAITING: Final = 8 * BATCH
_SECOND: Final = 1_000_000_000
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})
_FAILED_CALL, _FAILED_REQUEST = 500, 400


class Span(NamedTuple):
    """`began` and `ended` are nanoseconds since 1970. A span without `parent_id` begins its trace. `error` says how it failed."""

    trace_id: str
    span_id: str
    parent_id: str
    kind: Kind
    name: str
    began: int
    ended: int
    attributes: Attributes
    error: str = ""


class Server(NamedTuple):
    """Where an outgoing request goes, without its path."""

    host: str
    port: int


class Step:
    """An outgoing request of a call, from here until `end`. `step_id` goes out with it. `resent` counts repetitions."""

    __slots__ = (
        "_attributes",
        "_began",
        "_method",
        "_request_id",
        "_template",
        "_trace",
        "_tracing",
        "resent",
        "server",
        "status",
        "step_id",
    )

    def __init__(
        self,
        tracing: "Tracing",
        trace: str,
        request_id: str,
        method: str,
        template: str,
        attributes: Attributes,
    ) -> None:
        self.step_id = tracing.new_id()
        self.server: Server | None = None
        self.status = 0
        self.resent = 0
        self._tracing = tracing
        self._trace, self._request_id = trace, request_id
        self._method = method
        self._template = template
        self._attributes = attributes
        self._began = perf_counter()

    def end(self, error: str = "") -> None:
        """There was an answer, or `error` says why not."""
        attributes: dict[str, str | int] = {"http.request.method": self._method, **self._attributes}
        if self._template:
            attributes["url.template"] = self._template
        if self.server is not None:
            attributes["server.address"], attributes["server.port"] = self.server
        if self.resent:
            attributes["http.request.resend_count"] = self.resent
        error = _with_status(attributes, self.status, error, _FAILED_REQUEST)
        self._tracing.note(
            context.trace_id(self._trace, self._request_id),
            self.step_id,
            context.step_of_call(self._request_id),
            "client",
            f"{self._method} {self._template}".rstrip(),
            perf_counter() - self._began,
            attributes,
            error,
        )


class Tracing:
    """The queue, and what decides which calls are followed: the caller, and chance for the `share` of those whose caller says
    nothing. `count` gets what became of spans. `full` is set while a batch waits."""

    def __init__(
        self,
        share: float,
        count: Callable[[Outcome, int], None],
        chance: random.Random,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self.share = share
        self.count = count
        self.full = asyncio.Event()
        self._chance = chance
        self._now = now
        self._waiting: deque[Span] = deque()

    # ---- what is followed ----

    def joined(self, taken: str) -> str:
        """The trace of a call whose caller named `taken`, or ""; "" if nothing follows the call."""
        if taken or self._chance.random() >= self.share:
            return taken
        return context.begun(self._chance.getrandbits(128))

    def new_id(self) -> str:
        return f"{self._chance.getrandbits(64) or 1:016x}"

    def step(
        self, trace: str, request_id: str, method: str, template: str, attributes: Attributes
    ) -> Step | None:
        """A request that goes out now because of that call; None if nothing follows the call."""
        if not context.is_sampled(trace):
            return None
        return Step(self, trace, request_id, method, template, attributes)

    # ---- what happened ----

    def note_call(
        self,
        trace: str,
        request_id: str,
        named: Sequence[str],
        method: str,
        template: str,
        status: int,
        seconds: float,
        attributes: Attributes,
    ) -> None:
        """A call was answered. `named` are its `traceparent` headers; without a `template` no route is known."""
        if not context.is_sampled(trace):
            return
        known = method in _METHODS
        found: dict[str, str | int] = {
            "http.request.method": method if known else "_OTHER",
            "url.scheme": "http",
            "gateway.request_id": request_id,
            **attributes,
        }
        if template:
            found["http.route"] = template
        error = _with_status(found, status, "", _FAILED_CALL)
        self.note(
            context.trace_id(trace, request_id),
            context.step_of_call(request_id),
            context.parent(named),
            "server",
            f"{method if known else 'HTTP'} {template}".rstrip(),
            seconds,
            found,
            error,
        )

    def note_commit(self, calls: Iterable[tuple[str, str]], size: int, seconds: float) -> None:
        """Calls, by trace and request id, were decided and committed in a batch of `size`."""
        for trace, request_id in calls:
            if context.is_sampled(trace):
                self.note(
                    context.trace_id(trace, request_id),
                    self.new_id(),
                    context.step_of_call(request_id),
                    "internal",
                    "commit",
                    seconds,
                    {"gateway.batch.size": size},
                )

    def note_part(
        self,
        trace: str,
        request_id: str,
        name: str,
        seconds: float,
        attributes: Attributes,
        error: str = "",
    ) -> None:
        """Something that was done for a call, and ends now."""
        if context.is_sampled(trace):
            trace_id, step = context.trace_id(trace, request_id), context.step_of_call(request_id)
            self.note(trace_id, self.new_id(), step, "internal", name, seconds, attributes, error)

    def note_work(self, of: str, name: str, seconds: float, attributes: Attributes, error: str = "") -> None:
        """A part of the work with the name `of`, which ends now."""
        work = context.of_work(of)
        if work.chance < self.share:
            self.note(
                work.trace_id, self.new_id(), work.span_id, "internal", name, seconds, attributes, error
            )

    def note_whole_work(self, of: str, name: str, seconds: float, attributes: Attributes) -> None:
        """The work with the name `of` is done. Its parts are under this span, also those that other processes noted."""
        work = context.of_work(of)
        if work.chance < self.share:
            self.note(work.trace_id, work.span_id, "", "internal", name, seconds, attributes)

    def note(
        self,
        trace_id: str,
        span_id: str,
        parent_id: str,
        kind: Kind,
        name: str,
        seconds: float,
        attributes: Attributes,
        error: str = "",
    ) -> None:
        """A span that ends now. If too many wait, it is dropped and counted."""
        waiting = self._waiting
        if len(waiting) >= _MOST_WAITING:
            self.count("no_room", 1)
            return
        ended = self._now()
        began = ended - int(seconds * _SECOND)
        waiting.append(Span(trace_id, span_id, parent_id, kind, name, began, ended, attributes, error))
        if len(waiting) == BATCH:
            self.full.set()

    # ---- for the exporter ----

    def take(self) -> list[Span]:
        """The oldest spans, a batch of them at most."""
        waiting = self._waiting
        taken = [waiting.popleft() for _ in range(min(len(waiting), BATCH))]
        if len(waiting) < BATCH:
            self.full.clear()
        return taken


def _with_status(attributes: dict[str, str | int], status: int, error: str, failed_from: int) -> str:
    """The error, which an answer may be too; both are among the attributes."""
    if status:
        attributes["http.response.status_code"] = status
        if status >= failed_from and not error:
            error = str(status)
    if error:
        attributes["error.type"] = error
    return error
