"""Idempotency keys: how they are written, and what counts as the same request."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from gateway.http.gameball.envelope import Fault
from gateway.http.gameball.idempotency import fingerprint, token

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
