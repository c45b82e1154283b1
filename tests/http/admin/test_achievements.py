"""Achievements: listed, and judged again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model import GrantDue
from tests.support.admin_api import ask
from tests.support.people import achieve, grant, one_person, save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


async def test_achievements_are_listed_by_state_profile_and_campaign(gateway: RunningGateway) -> None:
    survivor, absorbed = await one_person(gateway.services)
    other = await save(gateway.services, "web", "web-2")
    mine = [await achieve(gateway.services, "web", "web-1", campaign) for campaign in (11664, 11665)]
    theirs = await achieve(gateway.services, "web", "web-2")
    for lookups_filled in (False, True):
        if lookups_filled:
            while await gateway.services.store.maintain(100):
                pass
        for asked, expected in ((survivor, mine[::-1]), (absorbed, mine[::-1]), (other, [theirs])):
            found = await ask(gateway, "GET", f"achievements?profile={asked}")
            assert [one["id"] for one in found["items"]] == expected
    found = await ask(gateway, "GET", "achievements?campaign=11665")
    assert [(one["id"], one["profile"]) for one in found["items"]] == [(mine[1], survivor)]
    await grant(gateway.services)
    assert len((await ask(gateway, "GET", "achievements?state=granted"))["items"]) == 3
    assert not (await ask(gateway, "GET", "achievements?state=accepted"))["items"]


async def test_an_ignored_achievement_can_be_judged_again_and_a_granted_one_cannot(
    gateway: RunningGateway,
) -> None:
    await save(gateway.services, "web", "web-1")
    ignored = await achieve(gateway.services, "web", "web-1", campaign=99)
    granted = await achieve(gateway.services, "web", "web-1")
    await gateway.services.pipeline.submit_background(GrantDue(10))
    assert await ask(gateway, "POST", f"achievements/{ignored}/retry") == {"id": ignored, "changed": True}
    refused = await ask(gateway, "POST", f"achievements/{granted}/retry", 409)
    assert refused["code"] == "achievement_granted"
    missing = await ask(gateway, "POST", "achievements/ach_0000000000000001/retry", 404)
    assert missing["code"] == "achievement_unknown"
