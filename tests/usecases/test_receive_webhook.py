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
    UndoMerge,
)
from tests.support.in_process_gateway import InProcessGateway, caller, customer, environment, erase

UPSTREAM = Caller("", "", "upstream", "req", "platform")
UPDATED = "customer.profile.updated"
ANN = "ann@x.eg"


@pytest.fixture
async def core(tmp_path: Path, database_url: str) -> AsyncGenerator[InProcessGateway]:
    async with InProcessGateway(
        tmp_path, environment(subscribers={UPDATED: ("crm",)}), url=database_url
    ) as built:
        yield built


def tells(key: str = "1", customer_id: str = "ann", topic: str = UPDATED) -> ReceiveWebhook:
    body = {"event": topic, "customer_id": customer_id, "data": {"email": ANN}}
    return ReceiveWebhook(UPSTREAM, key, topic, customer_id, json.dumps(body))


async def claimed(core: InProcessGateway) -> Delivery:
    (one,) = (await core.send(ClaimDeliveries("webhook:crm", "me", 9))).deliveries
    return one


async def bodies(core: InProcessGateway) -> list[Any]:
    return [
        json.loads(text) for text in await core.column("SELECT payload FROM delivery ORDER BY delivery_id")
    ]


async def test_an_event_is_handed_on_as_it_came_with_the_profile_that_it_is_about(
    core: InProcessGateway,
) -> None:
    await core.send(customer("web:ann"))
    assert await core.send(tells()) == Done()
    profile = await core.profile_of("web:ann")
    (body,) = await bodies(core)
    assert (body["type"], body["profile"]) == (UPDATED, show("prf", profile or 0))
    assert body["data"] == json.loads(tells().body)
    assert await core.column("SELECT lane FROM delivery") == [profile]


async def test_a_repeated_event_changes_nothing(core: InProcessGateway) -> None:
    await core.send(tells())
    before = await core.rows("SELECT * FROM audit")
    assert await core.send(tells()) == Done(changed=False)
    assert await core.rows("SELECT * FROM audit") == before
    assert len(await bodies(core)) == 1
    assert await core.send(tells("2")) == Done()


async def test_the_same_event_twice_in_one_batch_counts_once(core: InProcessGateway) -> None:
    outcomes = await asyncio.gather(core.send(tells()), core.send(tells()))
    assert outcomes == [Done(), Done(changed=False)]


async def test_an_absorbed_customer_leads_to_the_survivor(core: InProcessGateway) -> None:
    for who in ("web:ann", "pos:17"):
        await core.send(customer(who))
    a, b = await core.column("SELECT profile_id FROM profile ORDER BY 1")
    merged = await core.send(MergeProfiles(caller(), (a, b), ""))
    for number, name in enumerate(("ann", "17")):
        await core.send(tells(str(number), name))
    assert {body["profile"] for body in await bodies(core)} == {show("prf", merged.profile_id)}


async def test_an_event_about_an_unknown_customer_is_announced_too(core: InProcessGateway) -> None:
    await core.send(tells("1", "stranger"))
    await core.send(tells("2", ""))
    assert [body["profile"] for body in await bodies(core)] == [None, None]
    assert len(set(await core.column("SELECT lane FROM delivery"))) == 2


async def test_the_audit_log_records_the_event_without_its_content(core: InProcessGateway) -> None:
    await core.send(customer("web:ann"))
    await core.send(tells())
    ((action, actor, profile, detail),) = await core.rows(
        "SELECT action, actor, profile, detail FROM audit ORDER BY event_id DESC LIMIT 1"
    )
    assert (action, actor) == ("webhook.received", "upstream")
    assert profile == show("prf", await core.profile_of("web:ann") or 0)
    assert json.loads(str(detail)) == {"listeners": ["crm"], "source": "platform", "topic": UPDATED}


@pytest.mark.parametrize("result", ["delivered", "dead"])
async def test_a_body_is_removed_once_it_is_delivered_or_given_up(
    core: InProcessGateway, result: Any
) -> None:
    await core.send(tells())
    one = await claimed(core)
    await core.send(FinishDelivery(one.delivery_id, one.epoch, "retry", core.clock.now()))
    one = await claimed(core)
    assert ANN in one.payload
    await core.send(FinishDelivery(one.delivery_id, one.epoch, result))
    assert await core.column("SELECT payload FROM delivery") == [""]


async def test_a_body_that_was_removed_cannot_be_sent_again(core: InProcessGateway) -> None:
    await core.send(tells())
    one = await claimed(core)
    await core.send(FinishDelivery(one.delivery_id, one.epoch, "dead"))
    refused = await core.send(RetryDelivery(caller(), one.delivery_id))
    assert isinstance(refused, Refused)
    assert refused.code == "delivery_blanked"


async def test_an_erasure_reaches_events_that_are_still_queued(core: InProcessGateway) -> None:
    for who in ("web:ann", "pos:17", "web:bob"):
        await core.send(customer(who))
    await core.send(tells("1", "17"))
    await core.send(tells("2", "bob"))
    a, b, _ = await core.column("SELECT profile_id FROM profile ORDER BY 1")
    await core.send(MergeProfiles(caller(), (a, b), ""))
    await core.send(erase("web:ann"))
    assert [
        ANN in text for text in await core.column("SELECT payload FROM delivery ORDER BY delivery_id")
    ] == [False, True]


async def test_after_a_merge_was_undone_an_erasure_reaches_the_events_of_its_own_person_alone(
    core: InProcessGateway,
) -> None:
    for who in ("web:ann", "web:bob"):
        await core.send(customer(who))
    a, b = await core.column("SELECT profile_id FROM profile ORDER BY 1")
    await core.send(MergeProfiles(caller(), (a, b), ""))
    await core.send(tells("1", "ann"))
    await core.send(tells("2", "bob"))
    (merge_id,) = await core.column("SELECT merge_id FROM merge")
    await core.send(UndoMerge(caller(), merge_id, ""))
    await core.send(erase("web:bob"))
    left = [json.loads(text) for text in await core.column("SELECT payload FROM delivery ORDER BY 1") if text]
    assert [body["data"]["customer_id"] for body in left] == ["ann"]
    await core.send(erase("web:ann"))
    assert set(await core.column("SELECT payload FROM delivery")) == {""}


async def test_after_a_week_an_event_is_forgotten(core: InProcessGateway) -> None:
    await core.send(tells())
    core.clock.advance(6 * DAY)
    await core.store.maintain(100)
    assert len(await core.rows("SELECT * FROM platform_event")) == 1
    core.clock.advance(2 * DAY)
    await core.store.maintain(100)
    assert await core.rows("SELECT * FROM platform_event") == []
