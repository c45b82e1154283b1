"""A delivery as a step of the trace of the call that caused it, which may have been answered days ago."""

from multidict import CIMultiDict

from gateway import trace
from gateway.ids import show
from gateway.model import Delivery
from gateway.telemetry.tracing import Step, Tracing


def step_of(tracing: Tracing | None, delivery: Delivery, method: str, template: str) -> Step | None:
    """A span of its own for each request of each attempt; None if nothing follows the call."""
    if tracing is None:
        return None
    attributes: dict[str, str | int] = {
        "gateway.request_id": delivery.request_id,
        "gateway.delivery.id": show("dlv", delivery.delivery_id),
        "gateway.delivery.target": delivery.target,
        "gateway.delivery.attempt": delivery.attempts + 1,
    }
    return tracing.step(delivery.trace, delivery.request_id, method, template, attributes)


def cause_of(delivery: Delivery, step: Step | None) -> dict[str, str]:
    """Headers that name the call and the step."""
    own = step.step_id if step is not None else trace.step_of_delivery(delivery.delivery_id)
    return trace.headers(delivery.trace, delivery.request_id, own)


def headers_of(delivery: Delivery, step: Step | None) -> CIMultiDict[str]:
    """Of a request to the upstream whose answer is JSON."""
    wanted = {"Accept": "application/json", "Accept-Encoding": "identity"}
    return CIMultiDict({**wanted, **cause_of(delivery, step)})
