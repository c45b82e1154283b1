"""Filters of lists: a value that cannot exist is an error with the nearest one as its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.admin_api import ask
from tests.support.people import save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


UNKNOWN_VALUES = [
    ("achievements?state=lost", "bad_parameter"),
    ("achievements?campaign=7", "bad_parameter"),
    ("achievements?profile=prf_0000000000000001", "not_found"),
    ("achievements?profile=anna", "bad_parameter"),
    ("audit?action=identity.merge", "bad_parameter"),
    ("audit?action=identify.*", "bad_parameter"),
    ("audit?action=*x", "bad_parameter"),
    ("audit?channel=wbe", "bad_parameter"),
    ("audit?outcome=fine", "bad_parameter"),
    ("audit?actor=operator:nemo", "bad_parameter"),
    ("audit?profile=anna", "bad_parameter"),
    ("deliveries?state=lost", "bad_parameter"),
    ("deliveries?target=webhook:none", "bad_parameter"),
    ("duplicates?reason=likeness", "bad_parameter"),
    ("keys?channel=wbe", "bad_parameter"),
    ("pins?profile=prf_0000000000000001", "not_found"),
    ("pins?record=anna", "bad_parameter"),
    ("profiles?mobile=0100&channel=wbe", "unknown_channel"),
    ("reviews?state=lost", "bad_parameter"),
]


async def test_a_filter_that_nothing_can_match_is_an_error(
    gateway: RunningGateway, subtests: pytest.Subtests
) -> None:
    await save(gateway.services, "web", "web-1")
    for path, code in UNKNOWN_VALUES:
        with subtests.test(path):
            async with gateway.admin("GET", path) as response:
                problem = await response.json(content_type=None)
            status = 404 if code == "not_found" else problem["status"]
            assert (response.status, problem.get("code")) == (status, code)
            assert response.status in (400, 404)


async def test_a_filter_that_only_finds_nothing_yet_is_no_error(gateway: RunningGateway) -> None:
    for path in (
        "achievements?state=granted",
        "achievements?campaign=11664",
        "audit?action=pin.*",
        "audit?action=pin.set",
        "audit?channel=mobile",
        "deliveries?target=upstream",
        "keys?channel=pos",
        "reviews?state=open",
    ):
        assert (await ask(gateway, "GET", path))["items"] == []


async def test_a_misspelt_value_gets_the_nearest_one_as_its_remedy(gateway: RunningGateway) -> None:
    assert (
        "did you mean identity.merged?"
        in (await ask(gateway, "GET", "audit?action=identity.merge", 400))["detail"]
    )
    assert "did you mean web?" in (await ask(gateway, "GET", "keys?channel=wbe", 400))["detail"]


async def test_reviews_are_listed_by_state(gateway: RunningGateway) -> None:
    assert await ask(gateway, "GET", "reviews?state=open") == {"items": [], "next": None}
    assert (await ask(gateway, "GET", "reviews?state=shut", 400))["code"] == "bad_parameter"
