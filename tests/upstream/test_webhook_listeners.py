"""Webhooks after a reload of the settings, and from a whole gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.running_gateway import Start
from tests.support.webhook_listener import SECRET, TOPIC, Listener

# ---- in a gateway ----


def _table(name: str, listener: Listener, topic: str = TOPIC) -> str:
    return (
        f'[[webhook]]\nname = "{name}"\nurl = "{listener.url}&to={name}"\nsecret = "{SECRET}"\n'
        f'allow_private = true\nevents = ["{topic}"]\n'
    )


async def test_a_reload_changes_the_listeners_and_their_topics(start: Start, listener: Listener) -> None:
    async with start(_table("crm", listener) + _table("mail", listener, "profile.merged")) as gateway:
        async with gateway.call("POST", "customers", json={"customerId": "ann"}) as saved:
            assert saved.status == 200
        await listener.next()
        await gateway.reload(_table("mail", listener) + _table("shop", listener, "profile.split"))
        async with gateway.call("POST", "customers", json={"customerId": "bob"}) as saved:
            assert saved.status == 200
        assert (await listener.next())["type"] == TOPIC
        targets = await gateway.rows("SELECT target FROM delivery ORDER BY delivery_id")
        assert targets == [("webhook:crm",), ("webhook:mail",)]
        await gateway.reload("")
        async with gateway.call("POST", "customers", json={"customerId": "cid"}) as saved:
            assert saved.status == 200
        assert len(await gateway.rows("SELECT 1 FROM delivery")) == 2
    assert listener.heard.empty()


async def test_a_gateway_calls_its_webhooks(start: Start, listener: Listener) -> None:
    table = (
        f'[[webhook]]\nname = "crm"\nurl = "{listener.url}"\nsecret = "{SECRET}"\nallow_private = true\n'
        'events = ["profile.created", "achievement.granted"]\n'
    )
    async with start(table) as gateway:
        async with gateway.call("POST", "customers", json={"customerId": "ann"}) as saved:
            assert saved.status == 200
        assert (await listener.next())["type"] == "profile.created"
        body = {"customerId": "ann", "challengeId": 11664}
        async with gateway.call("POST", "customers/social-challenges", json=body) as accepted:
            assert accepted.status == 202
        granted = await listener.next()
    assert (granted["type"], granted["data"]["campaign"]) == ("achievement.granted", 11664)
