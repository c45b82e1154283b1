"""When nothing is tried: after failures in a row, when every second call fails, and while our keys are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import SECOND
from gateway.upstream.breaker import Breaker
from tests.support.in_process_gateway import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def breaker(clock: ManualClock) -> Breaker:
    return Breaker(clock)


def opened(breaker: Breaker) -> None:
    for _ in range(5):
        breaker.admit()
        breaker.failed()


def test_it_opens_at_the_fifth_failure_in_a_row(breaker: Breaker) -> None:
    for _ in range(4):
        breaker.failed()
    breaker.succeeded()
    for _ in range(4):
        breaker.failed()
    assert (breaker.state, breaker.wait()) == ("closed", 0)
    breaker.failed()
    assert (breaker.state, breaker.wait()) == ("open", 30 * SECOND)


def test_it_opens_when_half_of_the_last_twenty_failed(breaker: Breaker) -> None:
    for _ in range(9):
        breaker.succeeded()
        breaker.failed()
    breaker.succeeded()
    assert breaker.state == "closed"
    breaker.failed()
    assert breaker.state == "open"


def test_one_call_probes_and_no_other_passes_meanwhile(clock: ManualClock, breaker: Breaker) -> None:
    opened(breaker)
    clock.advance(breaker.wait())
    breaker.admit()
    assert breaker.state == "probing"
    assert breaker.wait() > 0
    breaker.succeeded()
    assert (breaker.state, breaker.wait()) == ("closed", 0)


def test_each_time_that_the_probe_fails_it_stays_open_longer_up_to_five_minutes(
    clock: ManualClock, breaker: Breaker
) -> None:
    opened(breaker)
    waits: list[int] = []
    for _ in range(12):
        waits.append(breaker.wait() // SECOND)
        clock.advance(breaker.wait())
        breaker.admit()
        breaker.failed()
    assert waits == [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300]
    clock.advance(breaker.wait())
    breaker.admit()
    breaker.succeeded()
    opened(breaker)
    assert breaker.wait() == 30 * SECOND


def test_a_probe_that_never_comes_back_is_followed_by_another(clock: ManualClock, breaker: Breaker) -> None:
    opened(breaker)
    clock.advance(breaker.wait())
    breaker.admit()
    clock.advance(breaker.wait())
    assert breaker.wait() == 0


def test_calls_that_were_under_way_when_it_opened_do_not_open_it_again(
    clock: ManualClock, breaker: Breaker
) -> None:
    opened(breaker)
    clock.advance(10 * SECOND)
    for _ in range(20):
        breaker.failed()
    assert breaker.wait() == 20 * SECOND


def test_refused_keys_hold_everything_and_are_tried_every_five_minutes(
    clock: ManualClock, breaker: Breaker
) -> None:
    breaker.denied()
    assert (breaker.state, breaker.wait()) == ("auth", 300 * SECOND)
    clock.advance(300 * SECOND)
    breaker.admit()
    assert (breaker.state, breaker.wait()) == ("auth", 300 * SECOND)
    breaker.succeeded()
    assert (breaker.state, breaker.wait()) == ("closed", 0)


@given(st.lists(st.sampled_from(["ok", "fail", "deny", "later"]), max_size=200))
def test_it_always_lets_calls_through_again_eventually(steps: list[str]) -> None:
    clock = ManualClock()
    breaker = Breaker(clock)
    for step in steps:
        if step == "later":
            clock.advance(7 * SECOND)
        elif not breaker.wait():
            breaker.admit()
            {"ok": breaker.succeeded, "fail": breaker.failed, "deny": breaker.denied}[step]()
        assert 0 <= breaker.wait() <= 300 * SECOND
    clock.advance(breaker.wait())
    assert breaker.wait() == 0
    breaker.admit()
    breaker.succeeded()
    assert breaker.state == "closed"


def test_f16_a_dead_upstream_is_detected_after_few_calls(clock: ManualClock, breaker: Breaker) -> None:
    """Ten minutes of darkness while a thousand deliveries wait: six calls to open, then one each half minute and slower."""
    tried, ends = 0, clock.now() + 600 * SECOND
    while clock.now() < ends:
        if wait := breaker.wait():
            clock.advance(wait)
            continue
        breaker.admit()
        tried += 1
        clock.advance(10 * SECOND)
        breaker.failed()
    assert tried <= 5 + 6
