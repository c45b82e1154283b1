"""Delivery attempts that failed because of an unexpected error in the gateway itself. They count like any other attempt."""

from typing import Final

import structlog

from gateway.ids import show
from gateway.model import Delivery

_log = structlog.get_logger("deliveries")

FAILED: Final = "failed"
"""The reason of such an attempt."""


def log_failure(delivery: Delivery, error: Exception) -> None:
    """Log its type; its message may hold personal data."""
    name = type(error).__name__
    _log.error("delivery_failed", delivery=show("dlv", delivery.delivery_id), error=name)
