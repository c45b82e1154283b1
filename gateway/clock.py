"""Time for the gateway: integer milliseconds UTC.

There are two clocks. The wall clock says what time it is, and may be wrong. The steady clock does not know the time of day, but how
much time has passed. If the wall clock moves against the steady one, that is not believed until it lasts.
"""

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LATEST = 253_402_300_799_999
"""The last millisecond of the year 9999, the latest time that RFC 3339 can express."""
JUMP = 5 * SECOND
"""A wall clock that moves by more than this against the steady one has jumped."""
_BELIEVE_BACK = MINUTE
_MS = 1_000_000


class Clock(Protocol):
    def now(self) -> int:
        """The time that decides deadlines. It only goes back if the wall clock was set back and stays there."""
        ...

    def steady(self) -> int:
        """For spans within this process: it only grows, at its own pace, from any start."""
        ...


class Doubt(NamedTuple):
    """A jump that is not believed yet: how far the wall clock is ahead of `now` (below 0: behind), and when it will be believed if
    it lasts, by the steady clock."""

    ahead: int
    until: int


class SystemClock:
    """The wall clock, protected against jumps. After a jump it continues at the steady clock's pace until the jump has lasted for
    `believe_after`: the machine may have slept while its steady clock stood still. A jump back ends nothing early, and is believed
    after a minute at most. A smaller difference is made up in either direction without ever going back.

    The time at the start is believed, because there is nothing to compare it with. May be used from any thread.
    """

    def __init__(
        self,
        believe_after: int = 10 * MINUTE,
        *,
        wall: Callable[[], int] | None = None,
        steady: Callable[[], int] | None = None,
    ) -> None:
        self._believe_after = believe_after
        self._wall = wall or time.time_ns
        self._steady = steady or _steady_ns
        self._lock = threading.Lock()
        self._server: tuple[int, int] | None = None
        self._doubt: Doubt | None = None
        self._looked_at = self._steady()
        self._now = self._wall()

    def now(self) -> int:
        with self._lock:
            return self._look() // _MS

    def steady(self) -> int:
        return self._steady() // _MS

    def doubt(self) -> Doubt | None:
        with self._lock:
            self._look()
            return self._doubt

    def note_server_time(self, server: int) -> None:
        """The time of the database server's clock (ms): from here on it replaces this machine's, so that all gateways on one
        database use one clock."""
        with self._lock:
            self._server = (server * _MS, self._steady())

    def ahead_of_machine(self) -> int:
        """How far `now` is ahead of this machine's own clock (ms)."""
        with self._lock:
            return (self._look() - self._wall()) // _MS

    def believe(self) -> int:
        """Use the wall clock as it is, at once. Returns by how much that moves `now` (ms)."""
        with self._lock:
            before = self._look()
            self._now, self._doubt = self._said(), None
            return (self._now - before) // _MS

    def resume(self, line: int) -> None:
        """Continue from an earlier run of this boot, with a time `line` ms ahead of the steady clock. A wall clock that says
        otherwise has jumped."""
        with self._lock:
            self._looked_at = self._steady()
            self._now, self._doubt = line * _MS + self._looked_at, None

    def _look(self) -> int:
        steady = self._steady()
        passed = steady - self._looked_at
        gap = self._said() - self._now - passed
        if abs(gap) <= JUMP * _MS:
            self._doubt = None
            self._now += passed + max(gap, -passed // 2)
        elif self._lasts(gap // _MS, steady // _MS):
            self._doubt = None
            self._now += passed + gap
        else:
            self._now += passed
        self._looked_at = steady
        return self._now

    def _said(self) -> int:
        if self._server is None:
            return self._wall()
        said, at = self._server
        return said + self._steady() - at

    def _lasts(self, ahead: int, steady: int) -> bool:
        """Another jump on top of the first is a new one."""
        if self._doubt is None or abs(ahead - self._doubt.ahead) > JUMP:
            wait = self._believe_after if ahead > 0 else min(self._believe_after, _BELIEVE_BACK)
            self._doubt = Doubt(ahead, steady + wait)
        else:
            self._doubt = self._doubt._replace(ahead=ahead)
        return steady >= self._doubt.until


class Stamps:
    """The times of ids and audit events of one writer. They never go back, and continue from the newest in the database. If the
    clock is behind it, they stand still, except for a millisecond a batch, which keeps the order."""

    def __init__(self) -> None:
        self._newest = 0

    def raise_to(self, newest: int) -> None:
        self._newest = max(self._newest, newest)

    def at(self, now: int) -> int:
        self._newest = now if now >= self._newest else self._newest + 1
        return self._newest


def boot_id() -> str:
    """The same for two processes with the same steady clock; "" if the system does not say."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/time')}" if _STEADY is not None else ""
    except OSError:
        return ""


def timestamp(at: int) -> str:
    """ISO 8601 in UTC with milliseconds."""
    second, milliseconds = divmod(at, SECOND)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"


def _steady_ns() -> int:
    """Includes the time that the machine was suspended, if the system counts it."""
    return time.clock_gettime_ns(_STEADY) if _STEADY is not None else time.monotonic_ns()


_STEADY: int | None = getattr(time, "CLOCK_BOOTTIME", None)
