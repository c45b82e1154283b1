"""Profiles that stand out, with the limits of the rules that they near."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.http.admin.odd_profiles import limit_of
from gateway.store.odd_profiles import OddWalk
from gateway.store.statement import Query
from tests.support.admin_api import ask
from tests.support.people import one_person, save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


async def test_a_profile_that_stands_out_is_listed_with_its_name_and_the_limit(
    gateway: RunningGateway,
) -> None:
    empty = await ask(gateway, "GET", "odd-profiles")
    assert empty["measures"] == []
    survivor, _ = await one_person(gateway.services)
    small = await save(gateway.services, "web", "web-9", email="nine@example.com")
    await save(gateway.services, "pos", "pos-9", email="nine@example.com")
    await gateway.tamper("DELETE FROM lookup_progress WHERE source = 'odd_profile'")
    while not (told := await ask(gateway, "GET", "odd-profiles"))["measures"]:
        await gateway.services.store.maintain(100)
    assert told["counted_at"]
    first = {f"{one['measure']} {one['type']}".strip(): one["profiles"] for one in told["measures"]}
    policy = gateway.services.env.policy
    assert [(one["profile"], one["number"], one["limit"]) for one in first["records"]] == [
        (survivor, 3, policy.most_records),
        (small, 2, policy.most_records),
    ]
    assert "web:web-1" in first["records"][0]["person"]
    assert first["id_spaces"][0]["limit"] is None
    assert limit_of(policy, "values email") == policy.limits["email"].most
    assert limit_of(policy, "values of-no-type") is None
    (only, *_) = (await ask(gateway, "GET", "odd-profiles?each=1"))["measures"]
    assert len(only["profiles"]) == 1


def test_a_walk_looks_at_no_more_profiles_in_a_step_than_it_may() -> None:
    step = OddWalk().step(1_000_000_000_000, 7)
    asked = step.send(None)
    assert isinstance(asked, Query)
    assert isinstance(query := step.send([[0]]), Query)
    assert query.parameters == (0, 7)
