"""How fast deliveries may go to the upstream. Its quotas are per rate class, and calls that channels wait for come first: they are
counted and never held up, so deliveries take what is left."""

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
RandomBetween = Callable[[int, int], int]
"""A uniform integer of the closed range."""

WINDOW: Final = 30 * SECOND
_BARE_PAUSE: Final = (30 * SECOND, 45 * SECOND)
_SHORTEST, _LONGEST = SECOND, HOUR
_STEP: Final = 10
_SLOWEST: Final = 10
_FULL: Final = 100
_SOON: Final = 20
"""Milliseconds to wait while the limit depends on an answer that has not come yet."""


class Quota(NamedTuple):
    """Calls in any second, and in any 30 seconds."""

    per_second: int
    per_window: int


class Limiter:
    """It never sleeps itself: `wait` says how long. `share` is this process's part of the quotas, 0 to 1; with 0, no delivery may
    go.

    The upstream counts a call when it arrives, which is some time between `note` and `done`. In the short quota, a little jitter
    would be too much, so there a call keeps its place from `note` until a second after `done`.
    """

    def __init__(self, quotas: Mapping[Rate, Quota], clock: Clock, random_between: RandomBetween) -> None:
        self.share = 1.0
        self._clock = clock
        self._random_between = random_between
        self._lanes = {rate: _Lane(quota) for rate, quota in quotas.items()}

    def wait(self, rate: Rate) -> int:
        """Milliseconds until a delivery of this class may go, or until asking again; 0 is now. The sender reports the call with
        `note`."""
        if not self.share:
            return SECOND
        return self._lanes[rate].wait(self._clock.steady(), self.share)

    def note(self, rate: Rate) -> None:
        """A call goes out now."""
        lane = self._lanes[rate]
        lane.in_flight += 1
        lane.begun.append(self._clock.steady())

    def done(self, rate: Rate) -> None:
        """A call that was noted has its answer, or will never have one."""
        lane = self._lanes[rate]
        lane.in_flight -= 1
        lane.ended.append(self._clock.steady())

    def refused(self, rate: Rate, retry_after: int | None) -> None:
        """The upstream answered 429. Without a Retry-After (in ms), the class pauses for a whole window of the upstream, then
        starts again at half its speed and gains a tenth every 30 seconds."""
        lane, now = self._lanes[rate], self._clock.steady()
        if retry_after is not None:
            lane.pause(now + min(max(retry_after, _SHORTEST), _LONGEST))
        elif now >= lane.paused_until:  # later answers to calls of the same burst say nothing new
            lane.slow_down(now, now + self._random_between(*_BARE_PAUSE))


class _Lane:
    """One rate class: when its newest calls began and ended, and its present speed in percent."""

    def __init__(self, quota: Quota) -> None:
        self.quota = quota
        self.in_flight = 0
        self.begun: deque[int] = deque(maxlen=quota.per_window)
        self.ended: deque[int] = deque(maxlen=quota.per_second)
        self.paused_until = 0
        self._percent = _FULL
        self._slow_since = 0

    def pause(self, until: int) -> None:
        self.paused_until = max(self.paused_until, until)

    def slow_down(self, now: int, until: int) -> None:
        self._percent = max(_SLOWEST, self._speed(now) // 2)
        self._slow_since = until
        self.pause(until)

    def wait(self, now: int, share: float) -> int:
        speed = self._speed(now)
        at_once, in_window = (max(1, int(share * (calls * speed // _FULL))) for calls in self.quota)
        places = at_once - self.in_flight
        if places <= 0:
            return max(_SOON, self.paused_until - now)
        free_at = max(
            self.paused_until,
            _passed(self.ended, places, SECOND),
            _passed(self.begun, in_window, WINDOW),
        )
        return max(0, free_at - now)

    def _speed(self, now: int) -> int:
        return min(_FULL, self._percent + _STEP * (max(0, now - self._slow_since) // WINDOW))


def _passed(times: deque[int], count: int, span: int) -> int:
    """When the `count` newest no longer all lie within `span`."""
    return times[-count] + span if len(times) >= count else 0
