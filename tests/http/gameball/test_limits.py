"""Rate limits of channels, and how often an address may fail."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from gateway.clock import MINUTE, SECOND
from gateway.config import RateLimit
from gateway.http.gameball.limits import FailureBudget, TokenBucket, client_address


class HandClock:
    def __init__(self, now: int = 0) -> None:
        self.time = now

    def now(self) -> int:
        return self.time

    def steady(self) -> int:
        return self.time


# ---- limits ----


@given(
    st.integers(1, 50),
    st.integers(1, 20),
    st.lists(st.integers(0, 3 * SECOND), min_size=1, max_size=80),
)
def test_no_time_span_has_more_calls_than_burst_and_rate_allow(
    per_second: int, burst: int, gaps: list[int]
) -> None:
    clock = HandClock()
    bucket = TokenBucket(RateLimit(per_second=per_second, burst=burst), clock)
    taken: list[int] = []
    for gap in gaps:
        clock.time += gap
        if bucket.take() == 0:
            taken.append(clock.time)
    for first, start in enumerate(taken):
        for last in range(first, len(taken)):
            span = taken[last] - start
            assert (last - first + 1) * SECOND <= burst * SECOND + span * per_second


def test_a_caller_who_waits_as_told_gets_a_token() -> None:
    clock = HandClock()
    bucket = TokenBucket(RateLimit(per_second=3, burst=1), clock)
    assert bucket.take() == 0
    wait = bucket.take()
    assert wait > 0
    clock.time += wait
    assert bucket.take() == 0


def test_failures_are_counted_by_address_and_minute() -> None:
    clock = HandClock(MINUTE * 5 + 10 * SECOND)
    budget = FailureBudget(2, clock)
    assert [budget.spend("a"), budget.spend("a"), budget.spend("b")] == [0, 0, 0]
    assert budget.spend("a") == 50 * SECOND
    clock.time += 50 * SECOND
    assert budget.spend("a") == 0


def test_without_a_limit_every_call_passes() -> None:
    budget = FailureBudget(0, HandClock())
    assert not any(budget.spend("a") for _ in range(100))


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.7", "10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["made up"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7:41234"], "198.51.100.7"),
        ("10.0.0.1", ["198.51.100.7, 10.0.0.2:8080"], "198.51.100.7"),
        ("10.0.0.1", ["[2001:db8:0:1::1]:443"], "2001:db8:0:1::/64"),
        ("10.0.0.1", ["[2001:db8:0:1::1]"], "2001:db8:0:1::/64"),
        ("10.0.0.1", ["198.51.100.7:"], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.7"], "198.51.100.7"),
        ("2001:db8:0:1:aaaa::1", [], "2001:db8:0:1::/64"),
    ],
)
def test_an_address_is_the_nearest_one_that_is_not_our_own_proxy(
    remote: str, forwarded: list[str], address: str
) -> None:
    headers = CIMultiDict([("X-Forwarded-For", value) for value in forwarded])
    request = make_mocked_request("GET", "/", headers=headers).clone(remote=remote)
    assert client_address(request, [ip_network("10.0.0.0/8")]) == address
