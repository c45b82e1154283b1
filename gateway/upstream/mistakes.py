"""A mistake of the gateway itself in a delivery ends as an attempt like any other."""

from typing import Final

import structlog

from gateway.ids import show
from gateway.model import Delivery

_log = structlog.get_logger("deliveries")

FAILED: Final = "failed"
"""The reason of such an attempt."""


def tell(delivery: Delivery, mistake: Exception) -> None:
    """Log its type; its message may hold personal data."""
    name = type(mistake).__name__
    _log.error("delivery_failed", delivery=show("dlv", delivery.delivery_id), error=name)
