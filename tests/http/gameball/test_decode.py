from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.gameball.decode import DEEPEST, parse_object
from gateway.http.gameball.envelope import (
    CUSTOMER_ID_MISSING,
    CUSTOMER_ID_TOO_LONG,
    INVALID_PAYLOAD,
    Fault,
)
from gateway.http.gameball.texts import read_customer_id

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=8,
)
NAMES = st.sampled_from(["customerId", "challengeId", "email", "a:b", "x"])


@given(st.dictionaries(NAMES, VALUES), st.booleans())
def test_an_object_is_read_as_it_is_written(body: dict[str, Any], escaped: bool) -> None:
    assert parse_object(json.dumps(body, ensure_ascii=escaped).encode()) == body


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_an_object_or_refused(raw: bytes) -> None:
    assert isinstance(parse_object(raw), dict | Fault)


@given(st.lists(st.tuples(NAMES, VALUES), min_size=1, max_size=5))
def test_a_repeated_name_is_refused(members: list[tuple[str, Any]]) -> None:
    written = ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in members)
    repeated = len({name for name, _ in members}) < len(members)
    assert (parse_object(f"{{{written}}}".encode()) == INVALID_PAYLOAD) is repeated


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b"{} {}",
        b"\xef\xbb\xbf{}",
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        rb'{"a":"\ud800"}',
        b'{"a":NaN}',
        b'{"a":1e999}',
        b'{"a":1,"a":2}',
        rb'{"a":1,"\u0061":2}',
        b'{"x":{"a":1,"a":2}}',
        b'{"a":1,}',
        b"{'a':1}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        '{"a":1}'.encode("utf-16"),
    ],
)
def test_ambiguous_json_is_refused(raw: bytes) -> None:
    assert parse_object(raw) == INVALID_PAYLOAD


@pytest.mark.parametrize(("depth", "fits"), [(DEEPEST, True), (DEEPEST + 1, False)])
def test_nesting_is_bounded(depth: int, fits: bool) -> None:
    raw = b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
    assert isinstance(parse_object(raw), dict) is fits


def test_many_shallow_brackets_are_not_deep() -> None:
    assert parse_object(b'{"a":[' + b"[]," * 500 + b"[]]}") == {"a": [[]] * 501}


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("a", None),
        (" a ", None),
        ("+201001234567", None),
        ("a/b?c#d", None),
        ("😀" * 100, None),
        ("x" * 101, CUSTOMER_ID_TOO_LONG),
        (None, CUSTOMER_ID_MISSING),
        ("", CUSTOMER_ID_MISSING),
        (" \t", CUSTOMER_ID_MISSING),
        ("a\x00b", INVALID_PAYLOAD),
        ("a\nb", INVALID_PAYLOAD),
        ("a\x85b", INVALID_PAYLOAD),
        (7, None),
        (7.0, None),
        (7.5, INVALID_PAYLOAD),
        (10**50, INVALID_PAYLOAD),
        ({}, INVALID_PAYLOAD),
        (" " * 900 + "a", None),
        (" " * 2_000, CUSTOMER_ID_TOO_LONG),
        (True, INVALID_PAYLOAD),
        ([], INVALID_PAYLOAD),
    ],
)
def test_a_customer_id_is_one_to_a_hundred_plain_characters(value: object, fault: Fault | None) -> None:
    read = read_customer_id(value)
    assert (read if isinstance(read, Fault) else None) == fault
