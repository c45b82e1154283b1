"""Attributes and tags of a customer, on their way in and out."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.http.gameball.attributes import LARGEST_VALUE, MOST_CUSTOM, all_attributes, read_attributes
from gateway.http.gameball.envelope import INVALID_PAYLOAD, RESERVED_NAME, TOO_MANY_VALUES, Fault
from gateway.http.gameball.tags import parse_tags

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
        ({"zip": True}, INVALID_PAYLOAD),
        ({"zip": 1.5}, INVALID_PAYLOAD),
        ({"zip": 10**50}, INVALID_PAYLOAD),
        ({"zip": "1", "Zip": "2"}, INVALID_PAYLOAD),
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


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"zip": 12345}, {"zip": "12345"}),
        ({"zip": 12345.0, "mobile": 201001234567}, {"zip": "12345", "mobile": "201001234567"}),
        ({"totalOrders": 3.0}, {"totalOrders": 3}),
        ({"totalSpent": 10**30}, {"totalSpent": 10**30}),
        ({"Zip": 12345, "FIRSTNAME": "Ann", " city": "Giza"}, {"zip": "12345", "firstName": "Ann", "city": "Giza"}),
        ({"Custom": {"Color": "red", "color": "blue"}}, {"custom.Color": "red", "custom.color": "blue"}),
    ],
)  # fmt: skip
def test_what_clients_write_otherwise_is_read_as_it_is_meant(
    given: dict[str, Any], kept: dict[str, Any]
) -> None:
    assert read_attributes(given) == kept


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
