"""What is counted and logged of each answered call: one metric, one latency, one count, one log line, and one span if the call is
followed. Routes are templates, and nothing that a caller sent is written, because a path or an id may hold an e-mail."""

from datetime import UTC, datetime
from time import perf_counter

from gateway import trace
from gateway.clock import SECOND, Clock
from gateway.http.gameball.call import Answer, Call, Relayed
from gateway.http.gameball.envelope import Fault
from gateway.telemetry.telemetry import Telemetry
from gateway.telemetry.tracing import Tracing
from gateway.workers.activity import ActivityCounter


class AccessLog:
    def __init__(self, telemetry: Telemetry, activity: ActivityCounter, clock: Clock) -> None:
        self._telemetry = telemetry
        self._tracing = telemetry.tracing
        self._activity = activity
        self._clock = clock
        self._second = -1
        self._second_text = ""

    def note(self, call: Call, outcome: Answer | Relayed | Fault, profile: str, began: float) -> None:
        """`began` is of `perf_counter`."""
        seconds = perf_counter() - began
        route, now = call.route, self._clock.now()
        self._telemetry.metrics.calls.note(
            call.channel.name, route, outcome.status, outcome.decision, seconds
        )
        self._activity.note_call(call.channel.name, outcome.status, now, call.actor)
        if self._tracing is not None:
            _follow(self._tracing, call, outcome, seconds)
        if self._telemetry.log_requests:
            self._telemetry.request(
                {
                    "ts": self._timestamp(now),
                    "level": "info",
                    "event": "request",
                    "request_id": call.request_id,
                    "trace_id": call.trace_id,
                    "channel": call.channel.name,
                    "route": route,
                    "status": outcome.status,
                    "code": outcome.code,
                    "ms": seconds * 1_000_000 // 1 / 1_000,
                    "profile": profile,
                    "decision": outcome.decision,
                }
            )

    def _timestamp(self, now: int) -> str:
        """ISO 8601 in UTC with milliseconds; the date is formatted once a second."""
        second, milliseconds = divmod(now, SECOND)
        if second != self._second:
            self._second = second
            self._second_text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._second_text}.{milliseconds:03d}Z"


def _follow(tracing: Tracing, call: Call, outcome: Answer | Relayed | Fault, seconds: float) -> None:
    attributes: dict[str, str | int] = {"gateway.channel": call.channel.name}
    if outcome.decision:
        attributes["gateway.decision"] = outcome.decision
    if outcome.code:
        attributes["gateway.code"] = outcome.code
    tracing.note_call(
        call.trace,
        call.request_id,
        call.request.headers.getall(trace.HEADER, ()),
        call.request.method,
        call.target.operation.path if call.target else "",
        outcome.status,
        seconds,
        attributes,
    )
