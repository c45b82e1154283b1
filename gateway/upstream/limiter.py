"""How fast work that waits may go to the upstream. Its quotas are per rate class, and calls that channels wait for come first:
they are counted and never held up, so deliveries take what is left.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple

from gateway.clock import HOUR, SECOND, Clock

Rate = Literal[
    "coupons",
    "customers_read",
    "customers_write",
    "events",
    "order_previews",
    "orders",
    "others",
    "transactions",
]
"""The platform's rate class, in calls a second / 30 seconds: 100 / 1,200 for customers_read and events,
1,000 / 15,000 for order_previews, 30 / 360 for all others. Our quotas stay below."""
Draw = Callable[[int, int], int]
"""A uniform integer of the closed range."""

WINDOW: Final = 30 * SECOND
_BARE_PAUSE: Final = (30 * SECOND, 45 * SECOND)
_SHORTEST, _LONGEST = SECOND, HOUR
_STEP: Final = 10
_SLOWEST: Final = 10
_FULL: Final = 100


class Quota(NamedTuple):
    """Calls in any second, and in any 30 seconds."""

    per_second: int
    per_window: int


class Limiter:
    """Asks nobody to sleep: `wait` says how long. `share` is the part of the quotas that is this process's, above 0 to 1."""

    def __init__(self, quotas: Mapping[Rate, Quota], clock: Clock, draw: Draw) -> None:
        self.share = 1.0
        self._clock = clock
        self._draw = draw
        self._lanes = {rate: _Lane(quota) for rate, quota in quotas.items()}

    def note(self, rate: Rate) -> None:
        """A call goes out now."""
        self._lanes[rate].sent.append(self._clock.now())

    def wait(self, rate: Rate) -> int:
        """Milliseconds until a delivery of this class may go; 0 is now. Whoever then sends says so by `note`."""
        return self._lanes[rate].wait(self._clock.now(), self.share)

    def refused(self, rate: Rate, retry_after: int | None) -> None:
        """The upstream answered 429. Without a Retry-After (in ms) the class rests for a whole window of the upstream, then
        starts again at half its speed and gains a tenth every 30 seconds."""
        lane, now = self._lanes[rate], self._clock.now()
        if retry_after is not None:
            lane.pause(now + min(max(retry_after, _SHORTEST), _LONGEST))
        elif now >= lane.paused_until:  # later answers to calls of the same burst tell nothing new
            lane.slow_down(now + self._draw(*_BARE_PAUSE))


class _Lane:
    """One rate class: when its newest calls went out, and how fast it may go at the moment, in percent."""

    def __init__(self, quota: Quota) -> None:
        self.quota = quota
        self.sent: deque[int] = deque(maxlen=quota.per_window)
        self.paused_until = 0
        self._percent = _FULL
        self._slow_since = 0

    def pause(self, until: int) -> None:
        self.paused_until = max(self.paused_until, until)

    def slow_down(self, until: int) -> None:
        self._percent = max(_SLOWEST, self._speed(until) // 2)
        self._slow_since = until
        self.pause(until)

    def wait(self, now: int, share: float) -> int:
        part = share * self._speed(now) / _FULL
        free_at = max(
            self.paused_until,
            self._free_at(max(1, int(self.quota.per_second * part)), SECOND),
            self._free_at(max(1, int(self.quota.per_window * part)), WINDOW),
        )
        return max(0, free_at - now)

    def _speed(self, now: int) -> int:
        return min(_FULL, self._percent + _STEP * (max(0, now - self._slow_since) // WINDOW))

    def _free_at(self, count: int, span: int) -> int:
        """When the `count` newest calls no longer all lie within `span`."""
        return self.sent[-count] + span if len(self.sent) >= count else 0
