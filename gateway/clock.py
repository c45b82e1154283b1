"""Time as the gateway sees it: integer milliseconds UTC.

Two clocks are looked at. The wall clock says what time it is, and may be wrong; the steady clock says nothing of the time of
day, but how much of it has passed. What the wall clock says against the steady one is not believed until it lasts.
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
JUMP = 5 * SECOND
"""A wall clock that moves by more than this against the steady one has jumped."""
_BELIEVE_BACK = MINUTE
_MS = 1_000_000


class Clock(Protocol):
    def now(self) -> int:
        """The time that deadlines are judged by. It goes back when the wall clock was put back and stays there."""
        ...

    def steady(self) -> int:
        """For spans within this process: it only grows, at its own pace, and begins anywhere."""
        ...


class Doubt(NamedTuple):
    """A jump that is not believed yet: by how much the wall clock is ahead of `now` (below 0: behind), and when it will be
    believed if it lasts, by the steady clock."""

    ahead: int
    until: int


class SystemClock:
    """The wall clock, held against a jump. It goes on at the steady clock's pace until the jump has lasted for
    `believe_after`, as it has to where a machine slept and its steady clock did not count that; a jump back, which ends nothing
    early, for a minute at most. Of a smaller difference it makes up in either direction without ever going back.

    The first look has nothing to be held against: the time at the start is believed. May be asked from any thread."""

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
        """What the database server's clock says now (ms): from here on it stands in for this machine's, so that all gateways
        on one database go by one clock."""
        with self._lock:
            self._server = (server * _MS, self._steady())

    def ahead_of_machine(self) -> int:
        """How far `now` is ahead of this machine's own clock (ms)."""
        with self._lock:
            return (self._look() - self._wall()) // _MS

    def believe(self) -> int:
        """Go by the wall clock as it is, at once; by how much that moves `now` (ms)."""
        with self._lock:
            before = self._look()
            self._now, self._doubt = self._said(), None
            return (self._now - before) // _MS

    def resume(self, line: int) -> None:
        """Go on from where an earlier run of this boot stood, whose time was `line` ms ahead of the steady clock. What the wall
        clock says otherwise is a jump."""
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
    """The times of ids and audit events of one writer. They never go back and go on from the newest that the database has, so
    with a clock that is behind it they stay where they are, but for a millisecond a batch that keeps the order."""

    def __init__(self) -> None:
        self._newest = 0

    def raise_to(self, newest: int) -> None:
        self._newest = max(self._newest, newest)

    def at(self, now: int) -> int:
        self._newest = now if now >= self._newest else self._newest + 1
        return self._newest


def boot_id() -> str:
    """The same for two processes whose steady clocks are one, "" where the system does not say it."""
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
    """With the time that the machine was suspended, where the system counts it."""
    return time.clock_gettime_ns(_STEADY) if _STEADY is not None else time.monotonic_ns()


_STEADY: int | None = getattr(time, "CLOCK_BOOTTIME", None)
