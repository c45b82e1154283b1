"""The hash of older clients: found in every form that they make, and made anew with another id and key."""

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.proxy.signature import find, signature


def sha1(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


FORMS: list[tuple[dict[str, Any], str]] = [
    ({}, ":"),
    ({"amount": 10}, ":"),
    ({"amount": 10}, ":10"),
    ({"amount": 10}, ":10.0"),
    ({"amount": 10.0}, ":10.0"),
    ({"amount": 10.0}, ":10"),
    ({"amount": "10.50"}, ":10.50"),
    ({"amount": 10.5}, ":10.5"),
    ({"amount": 1e21}, ":1e21"),
    ({}, ":0.0"),
    ({"transactionTime": "2026-01-02T03:04:05Z"}, "260102030405:"),
    ({"transactionTime": "2026-01-02T03:04:05.1234Z", "amount": 3}, "260102030405:3"),
    ({"transactionTime": "2026-01-02T03:04:05.1234567Z", "amount": 0.0}, "260102030405:0.0"),
    ({"transactionTime": "2026-01-02 03:04:05 UTC"}, "260102030405:"),
    ({"transactionTime": "2026-01-02T03:04:05+02:00"}, "260102030405:"),
    ({"transactionTime": "2026-01-02T03:04:05+02:00"}, "260102010405:"),
    ({"rewardAmount": "7", "transactionTime": "2026-01-02T03:04:05Z"}, "260102030405:7"),
]


@pytest.mark.parametrize(("members", "form"), FORMS)
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("customer_id", ["4711", 4711, "ä@x", ":"])
def test_each_form_of_hash_is_recognised_and_replaced(
    members: dict[str, Any], form: str, customer_id: object, *, nested: bool
) -> None:
    signed = {**members, "hash": sha1(f"{customer_id}:{form}:key")}
    body = {"playerUniqueId": customer_id, **({"pointsTransaction": signed} if nested else signed)}
    found = find(body)
    assert found is not None
    parts = found.form("key")
    assert parts is not None
    assert signature("c-17", *parts, "other") == sha1(f"c-17:{form}:other")
    assert found.form("another key") is None


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "x",
        {},
        {"hash": sha1("x")},
        {"playerUniqueId": None, "hash": sha1("x")},
        {"playerUniqueId": ["a"], "hash": sha1("x")},
        {"playerUniqueId": "a", "hash": 5},
        {"playerUniqueId": "a", "hash": "5"},
        {"playerUniqueId": "a", "hash": sha1("x") + "0"},
        {"playerUniqueId": "a", "pointsTransaction": [sha1("x")]},
        {"playerUniqueId": "a", "other": {"hash": sha1("x")}},
    ],
)
def test_text_that_is_not_a_hash_of_the_platform_is_left_unchanged(body: object) -> None:
    assert find(body) is None


@given(st.text(), st.text(), st.dictionaries(st.text(), st.integers() | st.text() | st.none() | st.floats()))
def test_nothing_that_a_body_holds_makes_it_fail(customer_id: str, time: str, more: dict[str, Any]) -> None:
    body = {**more, "playerUniqueId": customer_id, "transactionTime": time, "hash": sha1("x")}
    found = find(body)
    assert found is None or found.form("key") is None
