"""The pace of what waits: never over the quotas, slower when told, and last in line."""

import contextlib
import random
from collections.abc import Sequence
from heapq import heappop, heappush

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import HOUR, SECOND
from gateway.config import Rates
from gateway.upstream.limiter import WINDOW, Limiter, Quota, Rate
from tests.support.in_process_gateway import NOON, ManualClock
from tests.support.loyalty_platform import OPERATIONS, Platform, Refused

WRITES: Rate = "customers_write"


USUAL = Quota(25, 330)


def limiter(clock: ManualClock, quota: Quota = USUAL, seed: int = 1) -> Limiter:
    return Limiter({WRITES: quota, "events": Quota(80, 1_100)}, clock, random.Random(seed).randint)


def deliver(pace: Limiter, clock: ManualClock, count: int) -> list[int]:
    """When each of `count` deliveries went, one worker waiting as long as it is told."""
    times: list[int] = []
    for _ in range(count):
        while wait := pace.wait(WRITES):
            clock.advance(wait)
        call(pace)
        times.append(clock.now())
    return times


def call(pace: Limiter) -> None:
    """A call that takes no time."""
    pace.note(WRITES)
    pace.done(WRITES)


def most_within(times: Sequence[int], span: int) -> int:
    """The most calls in any stretch of time shorter than `span`."""
    most, oldest = 0, 0
    for newest, at in enumerate(times):
        while times[oldest] <= at - span:
            oldest += 1
        most = max(most, newest - oldest + 1)
    return most


def test_deliveries_go_at_25_a_second_and_330_in_30_seconds() -> None:
    clock = ManualClock()
    times = deliver(limiter(clock), clock, 1_000)
    assert most_within(times, SECOND) == 25
    assert most_within(times, WINDOW) == 330
    assert times[329] - NOON == 13 * SECOND
    assert times[330] - NOON == WINDOW


@given(
    st.integers(1, 30), st.integers(0, 300), st.lists(st.integers(0, 3_000), max_size=60), st.floats(0.05, 1)
)
def test_no_second_and_no_window_ever_holds_more_than_the_quota(
    per_second: int, more: int, pauses: list[int], share: float
) -> None:
    clock = ManualClock()
    quota = Quota(per_second, per_second + more)
    pace = limiter(clock, quota)
    pace.share = share
    times: list[int] = []
    for pause in [*pauses, *[0] * 60]:
        clock.advance(pause)
        times += deliver(pace, clock, 1)
    assert most_within(times, SECOND) <= max(1, quota.per_second * share)
    assert most_within(times, WINDOW) <= max(1, quota.per_window * share)


@given(st.lists(st.integers(0, 2_000), min_size=1, max_size=200))
def test_deliveries_take_what_the_calls_of_channels_leave(pauses: list[int]) -> None:
    clock = ManualClock()
    pace = limiter(clock, Quota(5, 20))
    calls: list[int] = []
    for pause in pauses:
        clock.advance(pause)
        call(pace)
        calls.append(clock.now())
        if not pace.wait(WRITES):
            call(pace)
            calls.append(clock.now())
            assert len([at for at in calls if at > clock.now() - SECOND]) <= 5
            assert len([at for at in calls if at > clock.now() - WINDOW]) <= 20


def test_classes_do_not_wait_for_each_other() -> None:
    clock = ManualClock()
    pace = limiter(clock)
    deliver(pace, clock, 25)
    assert pace.wait(WRITES) == SECOND
    assert pace.wait("events") == 0


# ---- told to wait ----


@pytest.mark.parametrize(("after", "waits"), [(7 * SECOND, 7 * SECOND), (1, SECOND), (10**12, HOUR)])
def test_f15_a_retry_after_pauses_its_class_within_bounds(after: int, waits: int) -> None:
    pace = limiter(ManualClock())
    pace.refused(WRITES, after)
    assert (pace.wait(WRITES), pace.wait("events")) == (waits, 0)


def test_f15_a_longer_pause_is_not_cut_short_by_a_later_answer() -> None:
    pace = limiter(ManualClock())
    pace.refused(WRITES, 60 * SECOND)
    pace.refused(WRITES, SECOND)
    assert pace.wait(WRITES) == 60 * SECOND


@given(st.integers(0, 10_000))
def test_a_429_without_a_word_pauses_for_a_whole_window_and_then_halves_the_pace(seed: int) -> None:
    clock = ManualClock()
    pace = limiter(clock, seed=seed)
    pace.refused(WRITES, None)
    pause = pace.wait(WRITES)
    assert 30 * SECOND <= pause <= 45 * SECOND
    times = deliver(pace, clock, 400)
    assert times[0] == NOON + pause
    assert most_within(times[:165], SECOND) == 12
    assert most_within([at for at in times if at < times[0] + WINDOW], WINDOW) == 165


def test_after_a_429_without_a_word_the_pace_comes_back_by_a_tenth_every_30_seconds() -> None:
    clock = ManualClock()
    pace = limiter(clock)
    pace.refused(WRITES, None)
    clock.advance(pace.wait(WRITES))
    began = clock.now()
    times = deliver(pace, clock, 3_000)
    windows = [
        len([at for at in times if began + n * WINDOW <= at < began + (n + 1) * WINDOW]) for n in range(7)
    ]
    assert windows == [165, 198, 231, 264, 297, 330, 330]


def test_further_refusals_of_one_burst_tell_nothing_new_but_a_refusal_after_the_pause_halves_again() -> None:
    clock = ManualClock()
    pace = limiter(clock)
    for _ in range(20):
        pace.refused(WRITES, None)
    clock.advance(pace.wait(WRITES))
    pace.refused(WRITES, None)
    clock.advance(pace.wait(WRITES))
    assert most_within(deliver(pace, clock, 50), SECOND) == 6
    for _ in range(20):
        clock.advance(pace.wait(WRITES))
        pace.refused(WRITES, None)
    clock.advance(pace.wait(WRITES))
    assert most_within(deliver(pace, clock, 10), SECOND) == 2


# ---- against the platform's own counting ----


def test_a_call_has_its_place_until_a_second_after_its_answer() -> None:
    clock = ManualClock()
    pace = limiter(clock)
    for _ in range(25):
        pace.note(WRITES)
    clock.advance(5 * SECOND)
    assert pace.wait(WRITES) > 0
    pace.done(WRITES)
    assert pace.wait(WRITES) > 0
    clock.advance(SECOND)
    assert pace.wait(WRITES) == 0


def arrivals(pace: Limiter, clock: ManualClock, chance: random.Random, latency: int, count: int) -> list[int]:
    """When `count` deliveries by many senders at once reach the platform: each at any moment between its begin and its answer."""
    arrived: list[int] = []
    answers: list[int] = []
    while len(arrived) < count:
        wait = pace.wait(WRITES)
        if answers and answers[0] <= clock.now() + wait:
            clock.time = max(clock.now(), heappop(answers))
            pace.done(WRITES)
        elif wait:
            clock.advance(wait)
        else:
            pace.note(WRITES)
            ends = clock.now() + chance.randint(0, latency)
            heappush(answers, ends)
            arrived.append(chance.randint(clock.now(), ends))
    return sorted(arrived)


@pytest.mark.parametrize("latency", [0, 20, 150, 1_000])
def test_f14_5000_deliveries_never_overrun_the_platform_and_lose_no_time(latency: int) -> None:
    clock, writes = ManualClock(), Rates().customers_write
    times = arrivals(limiter(clock, Quota(*writes)), clock, random.Random(latency), latency, 5_000)
    platform = Platform(arriving := ManualClock())
    (achieve,) = [one for one in OPERATIONS if one.path[-1] == "social-challenges"]
    for arriving.time in times:
        with contextlib.suppress(Refused):
            platform.count(achieve)
    assert platform.overruns == 0
    assert 5_000 * SECOND / (times[-1] - times[0]) >= 11
