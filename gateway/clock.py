"""Time as the gateway sees it: integer milliseconds UTC that never run backwards, so that no window re-opens."""

import time
from typing import Protocol

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Clock(Protocol):
    def now(self) -> int: ...


class SystemClock:
    """The wall clock, held from going back: after a backward jump time goes on from where it was, at the monotonic
    clock's pace. `raise_to` sets the floor to what the database has already seen."""

    def __init__(self) -> None:
        self._last = time.time_ns() // 1_000_000
        self._last_monotonic = time.monotonic_ns()

    def now(self) -> int:
        monotonic = time.monotonic_ns()
        elapsed = (monotonic - self._last_monotonic) // 1_000_000
        wall = time.time_ns() // 1_000_000
        if wall > self._last + elapsed:
            self._last, self._last_monotonic = wall, monotonic
        else:
            self._last += elapsed
            self._last_monotonic += elapsed * 1_000_000
        return self._last

    def raise_to(self, floor: int) -> None:
        """No later answer is below `floor`. May be called again."""
        if floor > self._last:
            self._last = floor
            self._last_monotonic = time.monotonic_ns()
