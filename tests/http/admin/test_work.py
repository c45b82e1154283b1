"""Achievements, keys, reviews: lists, retry, issue, revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.clock import timestamp
from gateway.model import GrantDue
from tests.support.people import achieve, grant, one_person, save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


async def ask(gateway: RunningGateway, method: str, path: str, expected: int = 200, **options: Any) -> Any:
    async with gateway.admin(method, path, **options) as response:
        assert response.status == expected, await response.text()
        return await response.json(content_type=None)


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


@pytest.mark.parametrize(("path", "code"), UNKNOWN_VALUES, ids=[path for path, _ in UNKNOWN_VALUES])
async def test_a_filter_that_nothing_can_match_is_an_error(
    gateway: RunningGateway, path: str, code: str
) -> None:
    await save(gateway.services, "web", "web-1")
    async with gateway.admin("GET", path) as response:
        problem = await response.json(content_type=None)
        assert (response.status, problem.get("code")) == (
            404 if code == "not_found" else problem["status"],
            code,
        )
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


async def test_a_new_key_pair_works_at_once_and_not_after_it_is_revoked(gateway: RunningGateway) -> None:
    issued = await ask(gateway, "POST", "keys", 201, json={"channel": "pos"})
    pair = (issued["api_key"], issued["secret_key"])
    opened = gateway.services.keyring.open(*pair, secret_needed=True)
    assert not isinstance(opened, str)
    assert opened.channel.name == "pos"
    listed = (await ask(gateway, "GET", "keys?channel=pos"))["items"]
    assert [(key["id"], key["revoked_at"]) for key in listed] == [(issued["id"], None)]
    assert issued["api_key"] not in str(listed)
    assert await ask(gateway, "DELETE", f"keys/{issued['id']}") == {"id": issued["id"], "changed": True}
    assert gateway.services.keyring.open(*pair, secret_needed=True) == "api_key"
    assert await ask(gateway, "DELETE", f"keys/{issued['id']}") == {"id": issued["id"], "changed": False}


async def test_a_key_pair_tells_when_a_call_last_came_with_it(gateway: RunningGateway) -> None:
    issued = await ask(gateway, "POST", "keys", 201, json={"channel": "pos"})

    async def used_at() -> str | None:
        (key,) = (await ask(gateway, "GET", "keys?channel=pos"))["items"]
        return key["used_at"]

    async def call(secret: str) -> int:
        headers = {"APIKey": issued["api_key"], "SecretKey": secret}
        url = f"{gateway.url}/api/v4.1/integrations/customers"
        async with gateway.client.post(url, headers=headers, json={"customerId": "till-1"}) as response:
            await gateway.services.activity.store_counts()
            return response.status

    assert (await call("gw_secret_wrong"), await used_at()) == (401, None)
    before = timestamp(gateway.services.clock.now())
    assert await call(issued["secret_key"]) == 200
    used = await used_at()
    assert used is not None
    assert used >= before


async def test_a_channel_has_at_most_two_active_pairs(gateway: RunningGateway) -> None:
    for _ in range(2):
        await ask(gateway, "POST", "keys", 201, json={"channel": "web"})
    assert (await ask(gateway, "POST", "keys", 409, json={"channel": "web"}))["code"] == "too_many_keys"


async def test_keys_for_an_unknown_channel_are_refused(gateway: RunningGateway) -> None:
    assert (await ask(gateway, "POST", "keys", 404, json={"channel": "fax"}))["code"] == "unknown_channel"
    assert (await ask(gateway, "POST", "keys", 400, json={"chanel": "web"}))["code"] == "bad_body"
    assert (await ask(gateway, "POST", "keys", 400, json=["web"]))["code"] == "bad_body"
    assert (await ask(gateway, "POST", "keys", 415, data=b"channel=web"))["code"] == "unsupported_media_type"
    assert (await ask(gateway, "DELETE", "keys/nothing", 404))["code"] == "key_unknown"


async def test_a_body_may_begin_with_a_byte_order_mark(gateway: RunningGateway) -> None:
    headers = {
        "Authorization": "Bearer admin-token-0123456789",
        "Content-Type": "application/json; odata=verbose",
    }
    data = '{"channel": "web"}'.encode("utf-8-sig")
    async with gateway.client.post(
        f"{gateway.admin_url}/admin/v1/keys", data=data, headers=headers
    ) as response:
        assert response.status == 201


async def test_a_name_given_with_the_shared_token_is_audited_as_unverified(
    gateway: RunningGateway,
) -> None:
    headers = {"Authorization": "Bearer admin-token-0123456789", "X-Operator": "sam"}
    url = f"{gateway.admin_url}/admin/v1/keys"
    async with gateway.client.post(url, json={"channel": "web"}, headers=headers) as response:
        assert response.status == 201
    (event,) = (await ask(gateway, "GET", "audit?action=key.created"))["items"]
    assert (event["actor"], event["detail"]["declared"]) == ("operator:shared", "sam")


async def test_reviews_are_listed_by_state(gateway: RunningGateway) -> None:
    assert await ask(gateway, "GET", "reviews?state=open") == {"items": [], "next": None}
    assert (await ask(gateway, "GET", "reviews?state=shut", 400))["code"] == "bad_parameter"
