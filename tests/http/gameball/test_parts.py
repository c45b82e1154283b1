"""Parts of the public listener that need no listener: targets, limits, idempotency keys, attributes and shapes."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from gateway.clock import MINUTE, SECOND
from gateway.config import RateLimit
from gateway.http.gameball.attributes import LARGEST_VALUE, MOST_CUSTOM, all_attributes, read_attributes
from gateway.http.gameball.envelope import INVALID_PAYLOAD, RESERVED_NAME, TOO_MANY_VALUES, Fault
from gateway.http.gameball.framing import path_of, texts
from gateway.http.gameball.idempotency import fingerprint, token
from gateway.http.gameball.limits import FailureBudget, TokenBucket, client_address
from gateway.http.gameball.tags import parse_tags


class HandClock:
    def __init__(self, now: int = 0) -> None:
        self.time = now

    def now(self) -> int:
        return self.time

    def steady(self) -> int:
        return self.time


# ---- targets ----


@pytest.mark.parametrize(
    "target",
    ["/api/x", "/a%2Fb", "/a%2fb?x=1&y=//", "/+20100", "/a@b.c", "/~a/b.c/...", "/a?b?c"],
)
def test_a_plain_target_has_a_path(target: str) -> None:
    assert path_of(target) == target.partition("?")[0]


@pytest.mark.parametrize(
    "target",
    [
        "http://other/api",
        "*",
        "example.org:443",
        "",
        "/a//b",
        "//a",
        "/a/../b",
        "/a/%2e%2E/b",
        "/a/.",
        "/a/%2e",
        "/a\\b",
        "/a#b",
        "/a?b#c",
        "/a%2",
        "/a%zz",
        "/a?b=%",
        "/a b",
        "/\u00e9",
    ],
)
def test_an_ambiguous_request_target_is_refused(target: str) -> None:
    assert isinstance(path_of(target), Fault)


def test_segments_are_decoded_once() -> None:
    assert texts(["a%2Fb%3Fc%23", "%252F", "+20100"]) == ("a/b?c#", "%2F", "+20100")
    assert texts(["%ff"]) is None


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


# ---- idempotency ----


@pytest.mark.parametrize(
    ("given", "key"), [("abc", "abc"), ('"abc"', "abc"), (r'"a\"b"', 'a"b'), ("x" * 255, "x" * 255)]
)
def test_a_key_comes_bare_or_quoted(given: str, key: str) -> None:
    assert token(make_mocked_request("POST", "/", headers={"Idempotency-Key": given})) == key


@pytest.mark.parametrize("given", ["", '""', "x" * 256, "a b", '"a b"', "caf\u00e9", "a\x7fb"])
def test_other_keys_are_refused(given: str) -> None:
    assert isinstance(token(make_mocked_request("POST", "/", headers={"Idempotency-Key": given})), Fault)


def test_two_keys_are_refused() -> None:
    headers = CIMultiDict([("Idempotency-Key", "a"), ("idempotency-key", "b")])
    assert isinstance(token(make_mocked_request("POST", "/", headers=headers)), Fault)


def test_the_fingerprint_sees_meaning_and_not_spelling() -> None:
    one = fingerprint("web", "POST /x", {"a": 1, "b": {"c": 2, "d": 3}})
    assert one == fingerprint("web", "POST /x", {"b": {"d": 3, "c": 2}, "a": 1})
    assert one != fingerprint("pos", "POST /x", {"a": 1, "b": {"c": 2, "d": 3}})
    assert one != fingerprint("web", "POST /y", {"a": 1, "b": {"c": 2, "d": 3}})
    assert one != fingerprint("web", "POST /x", {"a": "1", "b": {"c": 2, "d": 3}})


# ---- attributes and tags ----


def test_attributes_are_kept_under_their_wire_names() -> None:
    given = {
        "firstName": "Ann",
        "lastName": None,
        "totalOrders": 3,
        "tags": ["x"],
        "unknown": 1,
        "custom": {"color": "red", "sizes": [1]},
    }
    assert read_attributes(given) == {
        "firstName": "Ann",
        "totalOrders": 3,
        "custom.color": "red",
        "custom.sizes": [1],
    }


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("x", INVALID_PAYLOAD),
        ({"firstName": 1}, INVALID_PAYLOAD),
        ({"totalSpent": True}, INVALID_PAYLOAD),
        ({"totalOrders": 1.5}, INVALID_PAYLOAD),
        ({"utms": {}}, INVALID_PAYLOAD),
        ({"custom": []}, INVALID_PAYLOAD),
        ({"custom": {"": 1}}, INVALID_PAYLOAD),
        ({"custom": {"a\x00": 1}}, INVALID_PAYLOAD),
        ({"custom": {"FirstName": "x"}}, RESERVED_NAME),
        ({"custom": {"x" * 101: 1}}, TOO_MANY_VALUES),
        ({"custom": {f"k{n}": n for n in range(MOST_CUSTOM + 1)}}, TOO_MANY_VALUES),
        ({"firstName": "x" * LARGEST_VALUE}, TOO_MANY_VALUES),
    ],
)
def test_attributes_of_another_shape_are_refused(given: object, fault: Fault) -> None:
    assert read_attributes(given) == fault


def test_custom_attributes_come_back_as_they_went_in() -> None:
    given = {"custom": {"a.b": 1, "c": {"d": []}}}
    kept = read_attributes(given)
    assert isinstance(kept, dict)
    assert all_attributes(kept, [])["custom"] == given["custom"]


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("a", {"a"}),
        (" a, b ,a,,", {"a", "b"}),
        ("two words,x", {"two words", "x"}),
    ],
)
def test_tags_are_one_comma_separated_string(tags: str, found: set[str]) -> None:
    assert parse_tags({"tags": tags}) == found


@pytest.mark.parametrize(
    "body", [{}, {"tags": None}, {"tags": ""}, {"tags": " , "}, {"tags": ["a"]}, {"tags": "a\x00"}]
)
def test_other_tags_are_refused(body: dict[str, Any]) -> None:
    assert isinstance(parse_tags(body), Fault)
