"""The trace that a call belongs to (W3C Trace Context): the caller's, if it names one, else one that is followed, else made from
the request id, so that it need not be stored. A followed trace is one whose steps are exported. A trace is its id and its flags,
`4bf92f3577b34da6a3ce929d0e0e4736-01`; "" is none."""

import hashlib
import re
from collections.abc import Sequence
from typing import NamedTuple

_TRACEPARENT = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<id>[0-9a-f]{32})-(?P<parent>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?",
    re.ASCII,
)
_ID_DIGITS, _SPAN_DIGITS = 32, 16
_NOT_SAMPLED, _SAMPLED = "00", "01"
_ODD = frozenset("13579bdf")
HEADER = "traceparent"
STATE_HEADER = "tracestate"


def taken(values: Sequence[str]) -> str:
    """The trace that a request's `traceparent` headers name; "" if they name none, several, or a malformed one."""
    found = _TRACEPARENT.fullmatch(values[0]) if len(values) == 1 else None
    if (
        found is None
        or found["version"] == "ff"
        or (found["version"] == "00" and found["more"])
        or not int(found["id"], 16)
        or not int(found["parent"], 16)
    ):
        return ""
    return f"{found['id']}-{found['flags']}"


def parent(values: Sequence[str]) -> str:
    """The step of the caller in these headers; "" if `taken` finds no trace in them."""
    return values[0].split("-")[2] if taken(values) else ""


def begun(number: int) -> str:
    """A trace of our own that is followed. Its number is random, so that shares can be taken of it, and it has to be stored."""
    return f"{number:0{_ID_DIGITS}x}-{_SAMPLED}"


class Work(NamedTuple):
    """The trace of a piece of work that no call waits for, and its own span there. `chance` is from 0 up to 1, and decides whether
    it is in a share."""

    trace_id: str
    span_id: str
    chance: float


def of_work(name: str) -> Work:
    """The same in every process, so that all who do a part of the work note it in one trace."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    span, rest = digest[_ID_DIGITS:][:_SPAN_DIGITS], digest[_ID_DIGITS + _SPAN_DIGITS :]
    return Work(digest[:_ID_DIGITS], span, int(rest, 16) / 16 ** len(rest))


def is_sampled(trace: str) -> bool:
    """Whether it is followed: who began the trace decides that for all who take part in it."""
    return trace[-1:] in _ODD


def trace_id(trace: str, request_id: str) -> str:
    """32 hex digits; "" without a request."""
    return (
        trace[:_ID_DIGITS] or _digits(request_id).rjust(_ID_DIGITS, "0")[-_ID_DIGITS:] if request_id else ""
    )


def step_of_call(request_id: str) -> str:
    """The call itself as a step of its trace: 16 hex digits."""
    return _digits(request_id)[-_SPAN_DIGITS:].rjust(_SPAN_DIGITS, "0")


def step_of_delivery(delivery_id: int) -> str:
    return f"{delivery_id:0{_SPAN_DIGITS}x}"


def headers(trace: str, request_id: str, step: str = "") -> dict[str, str]:
    """The trace headers of an outgoing request; none if no call caused it. `step` is the one that sends it; without one it is the
    call itself."""
    if not request_id:
        return {}
    step = step or step_of_call(request_id)
    flags = trace[_ID_DIGITS + 1 :] or _NOT_SAMPLED
    return {"X-Request-Id": request_id, HEADER: f"00-{trace_id(trace, request_id)}-{step}-{flags}"}


def _digits(request_id: str) -> str:
    return request_id.removeprefix("req_")
