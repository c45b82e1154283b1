"""Helpers of property tests."""

from typing import cast

from hypothesis import HealthCheck

ANY_HEALTH = cast("list[HealthCheck]", list(HealthCheck))
"""For `suppress_health_check`: no property fails for how its cases are made."""
