"""What the platform tells: counted once, led to the right person, handed on, and forgotten with them."""

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import DAY
from gateway.ids import show
from gateway.model import (
    Caller,
    ClaimDeliveries,
    Delivery,
    Done,
    FinishDelivery,
    MergeProfiles,
    ReceiveWebhook,
    Refused,
    RetryDelivery,
)
from tests.support.in_process_gateway import InProcessGateway, caller, customer, environment, erase

UPSTREAM = Caller("", "", "upstream", "req", "platform")
UPDATED = "customer.profile.updated"
ANN = "ann@x.eg"


@pytest.fixture
async def house(tmp_path: Path, database_url: str) -> AsyncGenerator[InProcessGateway]:
    async with InProcessGateway(
        tmp_path, environment(listeners={UPDATED: ("crm",)}), url=database_url
    ) as built:
        yield built


def tells(key: str = "1", customer_id: str = "ann", topic: str = UPDATED) -> ReceiveWebhook:
    body = {"event": topic, "customer_id": customer_id, "data": {"email": ANN}}
    return ReceiveWebhook(UPSTREAM, key, topic, customer_id, json.dumps(body))


async def claimed(house: InProcessGateway) -> Delivery:
    (one,) = (await house.send(ClaimDeliveries("webhook:crm", "me", 9))).deliveries
    return one


async def bodies(house: InProcessGateway) -> list[Any]:
    return [
        json.loads(text) for text in await house.column("SELECT payload FROM delivery ORDER BY delivery_id")
    ]


async def test_an_event_is_handed_on_as_it_came_with_the_profile_that_it_is_about(
    house: InProcessGateway,
) -> None:
    await house.send(customer("web:ann"))
    assert await house.send(tells()) == Done()
    profile = await house.profile_of("web:ann")
    (body,) = await bodies(house)
    assert (body["type"], body["profile"]) == (UPDATED, show("prf", profile or 0))
    assert body["data"] == json.loads(tells().body)
    assert await house.column("SELECT lane FROM delivery") == [profile]


async def test_an_event_that_is_told_again_changes_nothing(house: InProcessGateway) -> None:
    await house.send(tells())
    before = await house.rows("SELECT * FROM audit")
    assert await house.send(tells()) == Done(changed=False)
    assert await house.rows("SELECT * FROM audit") == before
    assert len(await bodies(house)) == 1
    assert await house.send(tells("2")) == Done()


async def test_the_same_event_twice_in_one_batch_counts_once(house: InProcessGateway) -> None:
    outcomes = await asyncio.gather(house.send(tells()), house.send(tells()))
    assert outcomes == [Done(), Done(changed=False)]


async def test_an_absorbed_customer_leads_to_the_survivor(house: InProcessGateway) -> None:
    for who in ("web:ann", "pos:17"):
        await house.send(customer(who))
    a, b = await house.column("SELECT profile_id FROM profile ORDER BY 1")
    merged = await house.send(MergeProfiles(caller(), (a, b), ""))
    for number, name in enumerate(("ann", "17")):
        await house.send(tells(str(number), name))
    assert {body["profile"] for body in await bodies(house)} == {show("prf", merged.profile_id)}


async def test_a_customer_that_nobody_knows_here_is_told_of_too(house: InProcessGateway) -> None:
    await house.send(tells("1", "stranger"))
    await house.send(tells("2", ""))
    assert [body["profile"] for body in await bodies(house)] == [None, None]
    assert len(set(await house.column("SELECT lane FROM delivery"))) == 2


async def test_the_audit_log_says_that_it_was_heard_and_nothing_of_what(house: InProcessGateway) -> None:
    await house.send(customer("web:ann"))
    await house.send(tells())
    ((action, actor, profile, detail),) = await house.rows(
        "SELECT action, actor, profile, detail FROM audit ORDER BY event_id DESC LIMIT 1"
    )
    assert (action, actor) == ("webhook.received", "upstream")
    assert profile == show("prf", await house.profile_of("web:ann") or 0)
    assert json.loads(str(detail)) == {"listeners": ["crm"], "source": "platform", "topic": UPDATED}


@pytest.mark.parametrize("result", ["delivered", "dead"])
async def test_a_body_is_removed_once_it_is_told_or_given_up(house: InProcessGateway, result: Any) -> None:
    await house.send(tells())
    one = await claimed(house)
    await house.send(FinishDelivery(one.delivery_id, one.epoch, "retry", house.clock.now()))
    one = await claimed(house)
    assert ANN in one.payload
    await house.send(FinishDelivery(one.delivery_id, one.epoch, result))
    assert await house.column("SELECT payload FROM delivery") == [""]


async def test_a_body_that_was_removed_cannot_be_sent_again(house: InProcessGateway) -> None:
    await house.send(tells())
    one = await claimed(house)
    await house.send(FinishDelivery(one.delivery_id, one.epoch, "dead"))
    refused = await house.send(RetryDelivery(caller(), one.delivery_id))
    assert isinstance(refused, Refused)
    assert refused.code == "delivery_blanked"


async def test_erasure_reaches_what_is_still_waiting_to_be_told(house: InProcessGateway) -> None:
    for who in ("web:ann", "pos:17", "web:bob"):
        await house.send(customer(who))
    await house.send(tells("1", "17"))
    await house.send(tells("2", "bob"))
    a, b, _ = await house.column("SELECT profile_id FROM profile ORDER BY 1")
    await house.send(MergeProfiles(caller(), (a, b), ""))
    await house.send(erase("web:ann"))
    assert [
        ANN in text for text in await house.column("SELECT payload FROM delivery ORDER BY delivery_id")
    ] == [False, True]


async def test_after_a_week_an_event_is_forgotten(house: InProcessGateway) -> None:
    await house.send(tells())
    house.clock.advance(6 * DAY)
    await house.store.maintain(100)
    assert len(await house.rows("SELECT * FROM platform_event")) == 1
    house.clock.advance(2 * DAY)
    await house.store.maintain(100)
    assert await house.rows("SELECT * FROM platform_event") == []
