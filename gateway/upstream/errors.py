"""How a call to the upstream can fail. `reason` is one word for logs and metrics."""

from typing import Literal

from gateway.errors import GatewayError

Reason = Literal[
    "no_connection", "certificate", "timeout", "disconnected", "truncated", "malformed", "too_large"
]


class NoAnswer(GatewayError):
    """The upstream gave no usable answer; the connection is closed."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"no answer from the upstream: {reason}")
        self.reason: Reason = reason


class Unreachable(NoAnswer):
    """There was no connection, so nothing was sent."""


class Lost(NoAnswer):
    """Something was sent and no complete answer came. Whether it was carried out is unknown."""


class Garbled(NoAnswer):
    """An answer came that breaks the protocol or a limit. Whether the call was carried out is unknown."""
