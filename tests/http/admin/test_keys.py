"""Key pairs of the channels: issued, used and revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.clock import timestamp
from tests.support.admin_api import ask

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


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
