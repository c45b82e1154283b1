"""Customer ids in an answer are found and replaced by their names, and everything else keeps its bytes."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.http.proxy import answer_ids

DEEP = b'{"a":' * 5_000


def replaced(raw: bytes, names: dict[str, str]) -> bytes:
    spans = answer_ids.ids_in(raw)
    return answer_ids.replaced(raw, spans, [names.get(span.customer_id, span.customer_id) for span in spans])


# ---- finding ids ----


@pytest.mark.parametrize(
    ("raw", "new"),
    [
        (b'{"customerId":"c1"}', b'{"customerId":"mine"}'),
        (b'{ "n": 1.0,"r" : [ {"customerId" : "c1", "x" :1e5}] }', b'{ "n": 1.0,"r" : [ {"customerId" : "mine", "x" :1e5}] }'),
        (b'\xef\xbb\xbf{"customerId":"c1"}', b'\xef\xbb\xbf{"customerId":"mine"}'),
        (b'{"customerId":"c1","customerId":"c1"}', b'{"customerId":"mine","customerId":"mine"}'),
        (b'{"x":NaN,"customerId":"c1","y":-Infinity}', b'{"x":NaN,"customerId":"mine","y":-Infinity}'),
        (b'{"CustomerID":"c1","customer_id":"c1"}', b'{"CustomerID":"mine","customer_id":"mine"}'),
        (b'{"playerUniqueId":"c1"}', b'{"playerUniqueId":"mine"}'),
        (b'{"customer\\u0049d":"c1"}', b'{"customer\\u0049d":"mine"}'),
        (b'{"\\u0063ustomerId":"\\u0063\\u0031"}', b'{"\\u0063ustomerId":"mine"}'),
        (b'{"customerIds":["c1", "c2","c1"]}', b'{"customerIds":["mine", "c2","mine"]}'),
        (DEEP + b'{"customerId":"c1"}', DEEP + b'{"customerId":"mine"}'),
        (b'{"customerId":"c1"', b'{"customerId":"mine"'),
        (b'{"customerId":"c1"}\n{"customerId":"c1"}', b'{"customerId":"mine"}\n{"customerId":"mine"}'),
        (b'{"text":"\\"customerId\\":\\"c1\\"","customerId":"c1"}', b'{"text":"\\"customerId\\":\\"c1\\"","customerId":"mine"}'),
    ],
)  # fmt: skip
def test_an_id_is_found_however_the_answer_is_written(raw: bytes, new: bytes) -> None:
    assert replaced(raw, {"c1": "mine"}) == new


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b"\xff",
        b"[" * 5_000,
        b'{"customerId":null,"y":"c1"}',
        b'{"customerId":1.5,"x":{"customerId":1e1}}',
        b'{"customerId":"c1x"}',
        b'{"gb_customer_id":"c1","gameballId":"c1","referrerCode":"c1"}',
        b'{"text":"customerId\\":\\"c1"}',
        b'{"customerId":{"a":"c1"}}',
        b'{"customerId":true}',
        b'{"customerId":"c1',
    ],
)
def test_bytes_that_are_not_an_id_stay_unchanged(raw: bytes) -> None:
    assert replaced(raw, {"c1": "mine", "1": "mine", "15": "mine"}) is raw


def test_a_number_is_taken_for_its_digits() -> None:
    assert replaced(b'{"customerId":4711, "x":[{"customerId": 4711}]}', {"4711": "c1"}) == (
        b'{"customerId":"c1", "x":[{"customerId": "c1"}]}'
    )
    assert replaced(b'{"customerId":4711}', {}) == b'{"customerId":4711}'
    assert replaced(b'{"customerId":4711.0,"x":[{"customerIds":[4711.00,4711.5]}]}', {"4711": "c1"}) == (
        b'{"customerId":"c1","x":[{"customerIds":["c1",4711.5]}]}'
    )
    assert replaced(b'{"customerId":4711.0}', {}) == b'{"customerId":4711.0}'


@pytest.mark.parametrize(
    ("raw", "roots"),
    [
        (b'{"customerId":"a"}', [True]),
        (b'\xef\xbb\xbf {"x":"}{","customerId":"a"}', [True]),
        (b'{"x":{"customerId":"a"},"customerId":"a"}', [False, True]),
        (b'{"customerId":"a","x":[{"customerId":"a"}],"customerId":"b"}', [True, False, True]),
        (b'[{"customerId":"a"}]', [False]),
        (b'{"customerIds":["a","b"],"customerId":"a"}', [False, False, True]),
        (b'{"x":NaN,"y":["]"],"customerId":"a"}', [True]),
    ],
)
def test_only_the_object_that_is_the_whole_answer_is_its_root(raw: bytes, roots: list[bool]) -> None:
    assert [span.at_root for span in answer_ids.ids_in(raw)] == roots


NAMES = [
    "customerId",
    "customer_id",
    "CustomerIDs",
    "customerUniqueId",
    "player_unique_ids",
    "playerUniqueId",
]
written = st.sampled_from(NAMES).flatmap(
    lambda name: st.tuples(
        *(
            st.sampled_from([sign, sign.upper(), f"\\u{ord(sign):04x}", f"\\u{ord(sign):04X}"])
            for sign in name
        )
    )
)


@settings(max_examples=100, deadline=None)
@given(st.one_of(written.map("".join), st.sampled_from(["custom", "play", "id", "\\u00e9"])))
def test_a_name_is_found_however_it_is_written_and_a_quick_look_misses_none(name: str) -> None:
    raw = f'{{"x":1,"{name}":"c1"}}'.encode()
    found = answer_ids.ids_in(raw)
    with patch.object(answer_ids, "_IN_A_NAME", (b"",)):
        assert answer_ids.ids_in(raw) == found
    assert bool(found) is (len(name) > len("custom"))


ids = st.sampled_from(["c1", "c2", "\u00e9 1", 'q"1', "b\\1", "4711"])
values = st.recursive(
    st.none() | st.integers() | ids | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["customerId", "x", "customerIds", "\u00e9"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(values, st.booleans(), st.sampled_from([None, 1]))
def test_a_parser_sees_the_ids_changed_and_nothing_else(
    value: Any, ascii_only: bool, indent: int | None
) -> None:
    def change(one: Any, name: str = "") -> Any:
        if isinstance(one, dict):
            return {
                key: change(inner, key if not isinstance(inner, dict) else "") for key, inner in one.items()
            }
        if isinstance(one, list):
            flat = name in ("customerId", "customerIds") and not any(
                isinstance(inner, dict | list) for inner in one
            )
            return [change(inner, name if flat else "") for inner in one]
        return "new" if one == "c1" and name in ("customerId", "customerIds") else one

    try:
        raw = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    except UnicodeEncodeError:
        return
    got = json.loads(replaced(raw, {"c1": "new"}))
    assert _without_mixed_lists(got) == _without_mixed_lists(change(value))


def _without_mixed_lists(value: Any) -> Any:
    """A list of ids and other things under such a name cannot be judged."""
    if isinstance(value, dict):
        mixed = {name for name in ("customerId", "customerIds") if isinstance(value.get(name), list)}
        return {name: _without_mixed_lists(one) for name, one in value.items() if name not in mixed}
    return [_without_mixed_lists(one) for one in value] if isinstance(value, list) else value
