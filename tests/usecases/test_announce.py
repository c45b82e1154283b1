"""What webhooks are told: everything that they asked for, in the transaction that made it so, and nobody's name."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import timestamp
from gateway.config.upstream import TOPICS
from gateway.ids import show
from gateway.model import (
    ClaimDeliveries,
    FinishDelivery,
    MergeProfiles,
    Refused,
    RetryDelivery,
    SplitProfile,
    UndoMerge,
)
from tests.support.in_process_gateway import (
    FOLLOW,
    NOON,
    SHARE,
    InProcessGateway,
    achieve,
    caller,
    customer,
    environment,
    erase,
)

ANN, PHONE = "ann@x.eg", "+201001234567"


@pytest.fixture
async def house(tmp_path: Path, database_url: str) -> AsyncGenerator[InProcessGateway]:
    env = environment(listeners=dict.fromkeys(TOPICS, ("crm",)))
    async with InProcessGateway(tmp_path, env, url=database_url) as built:
        yield built


async def told(house: InProcessGateway) -> list[tuple[str, int, Any]]:
    """(topic, lane, data), oldest first."""
    rows = await house.rows("SELECT target, lane, kind, payload FROM delivery ORDER BY delivery_id")
    assert {(row[0], row[2]) for row in rows} <= {("webhook:crm", "event")}
    bodies = [(row[1], json.loads(row[3])) for row in rows]
    assert all(set(body) == {"type", "timestamp", "data"} for _, body in bodies)
    return [(body["type"], lane, body["data"]) for lane, body in bodies]


def prf(number: int | None) -> str:
    return show("prf", number or 0)


async def test_a_new_profile_is_told_once(house: InProcessGateway) -> None:
    for _ in range(2):
        await house.send(customer("web:ann", {"city": "Giza"}, email=ANN, mobile=PHONE))
    ann = await house.profile_of("web:ann")
    assert await told(house) == [("profile.created", ann, {"profile": prf(ann)})]


async def test_a_merge_of_the_rules_names_both_and_the_rule(house: InProcessGateway) -> None:
    await house.send(customer("web:ann", email=ANN))
    await house.send(customer("pos:17", mobile=PHONE))
    other = await house.profile_of("pos:17")
    await house.send(customer("pos:17", email=ANN, mobile=PHONE))
    ann = await house.profile_of("web:ann")
    (merge_id,) = await house.column("SELECT merge_id FROM merge")
    merged = {"merge": show("mrg", merge_id), "profile": prf(ann), "absorbed": prf(other), "rule": "email"}
    assert (await told(house))[2:] == [("profile.merged", ann, merged)]


async def test_a_split_and_an_undo_name_the_parts(house: InProcessGateway) -> None:
    await house.send(customer("web:ann", email=ANN))
    await house.send(customer("pos:17", email=ANN))
    ann = await house.profile_of("web:ann")
    (record,) = await house.column("SELECT record_id FROM record WHERE customer_id = '17'")
    split = await house.send(SplitProfile(caller(), ann or 0, (record,), "plain", ""))
    (part,) = split.parts
    parts = {prf(part): [show("rec", record)]}
    news = [one for one in await told(house) if one[0].startswith("profile")]
    assert news[1:] == [
        ("profile.created", part, {"profile": prf(part)}),
        ("profile.split", ann, {"profile": prf(ann), "parts": parts, "redirects": {}, "merge": None}),
    ]


async def test_an_undone_merge_is_a_split_that_names_it(house: InProcessGateway) -> None:
    for who in ("web:ann", "pos:17"):
        await house.send(customer(who))
    a, b = await house.column("SELECT profile_id FROM profile ORDER BY 1")
    merged = await house.send(MergeProfiles(caller(), (a, b), "she says so"))
    await house.send(UndoMerge(caller(), merged.merge_id, "she does not"))
    topics = [topic for topic, _, _ in await told(house)]
    assert topics == ["profile.created", "profile.created", "profile.merged", "profile.split"]
    assert (await told(house))[-1][2]["merge"] == show("mrg", merged.merge_id)


async def test_a_review_is_told_when_it_is_opened(house: InProcessGateway) -> None:
    await house.send(customer("web:ann", email="a.nn@gmail.com"))
    await house.send(customer("pos:17", email="a.nn@gmail.com"))
    ann = await house.profile_of("web:ann")
    (record,) = await house.column("SELECT record_id FROM record WHERE customer_id = '17'")
    await house.send(SplitProfile(caller(), ann or 0, (record,), "plain", ""))
    other = await house.profile_of("pos:17")
    (review,) = await house.column("SELECT review_id FROM review")
    data = {"review": show("rev", review), "profiles": [prf(ann), prf(other)], "reason": "split:contested"}
    assert ("review.opened", ann, data) in await told(house)


async def test_what_became_of_an_achievement_is_told(house: InProcessGateway) -> None:
    await house.send(customer("web:ann"))
    first = await house.send(achieve("web:ann", SHARE.id))
    await house.grant_later()
    second = await house.send(achieve("web:ann", FOLLOW.id))
    await house.send(erase("web:ann"))
    await house.grant_later()
    ann = first.resolution.profile_id
    news = [one for one in await told(house) if one[0].startswith("achievement")]
    granted = {
        "achievement": show("ach", first.achievement_id),
        "profile": prf(ann),
        "campaign": SHARE.id,
        "reason": None,
    }
    assert news[0] == ("achievement.granted", ann, granted)
    assert (news[1][0], news[1][2]["achievement"]) == (
        "achievement.ignored",
        show("ach", second.achievement_id),
    )
    assert (news[1][2]["profile"], news[1][2]["reason"]) == (None, "customer_unknown")


async def test_in_forward_mode_the_ends_of_deliveries_are_told(tmp_path: Path) -> None:
    env = environment(
        delivers=True, listeners={"achievement.delivered": ("crm",), "achievement.dead": ("crm",)}
    )
    async with InProcessGateway(tmp_path, env) as house:
        for number, result in enumerate(("delivered", "dead")):
            await house.send(customer(f"web:{number}"))
            await house.send(achieve(f"web:{number}"))
            ((claimed,),) = [(await house.send(ClaimDeliveries("upstream", "me", 9))).deliveries]
            await house.send(FinishDelivery(claimed.delivery_id, claimed.epoch, result))  # type: ignore[arg-type]
        rows = await house.column(
            "SELECT payload FROM delivery WHERE target = 'webhook:crm' ORDER BY delivery_id"
        )
    assert [json.loads(row)["type"] for row in rows] == ["achievement.delivered", "achievement.dead"]


async def test_no_body_says_who_somebody_is(house: InProcessGateway) -> None:
    await house.send(customer("web:ann-4711", {"city": "Giza"}, email=ANN))
    await house.send(customer("pos:till-0815", mobile=PHONE))
    await house.send(customer("pos:till-0815", email=ANN, mobile=PHONE))
    await house.send(achieve("pos:till-0815"))
    await house.grant_later()
    everything = repr(await told(house))
    for named in (ANN, PHONE, "Giza", "ann-4711", "till-0815"):
        assert named not in everything


async def test_each_listener_hears_its_topics_only(tmp_path: Path) -> None:
    env = environment(listeners={"profile.created": ("crm", "mail"), "profile.merged": ("mail",)})
    async with InProcessGateway(tmp_path, env) as house:
        await house.send(customer("web:ann", email=ANN))
        await house.send(customer("pos:17", mobile=PHONE))
        await house.send(customer("pos:17", email=ANN, mobile=PHONE))
        rows = await house.rows("SELECT target, payload FROM delivery ORDER BY delivery_id")
    heard = [(target, json.loads(str(payload))["type"]) for target, payload in rows]
    assert sorted(heard) == sorted(
        [("webhook:crm", "profile.created"), ("webhook:mail", "profile.created")] * 2
        + [("webhook:mail", "profile.merged")]
    )


async def test_nothing_is_queued_where_nobody_listens(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as house:
        await house.send(customer("web:ann"))
        assert await house.rows("SELECT * FROM delivery") == []


async def test_a_dead_event_is_sent_again_on_an_operators_word(house: InProcessGateway) -> None:
    await house.send(customer("web:ann"))
    (claimed,) = (await house.send(ClaimDeliveries("webhook:crm", "me", 9))).deliveries
    await house.send(FinishDelivery(claimed.delivery_id, claimed.epoch, "dead", reason="status_410"))
    assert (await house.actions())[-1] == "delivery.dead"
    assert not isinstance(await house.send(RetryDelivery(caller(), claimed.delivery_id)), Refused)
    (again,) = (await house.send(ClaimDeliveries("webhook:crm", "me", 9))).deliveries
    assert again.payload == claimed.payload


def test_times_are_told_in_utc_with_milliseconds() -> None:
    assert timestamp(NOON + 7) == "2026-09-21T14:13:20.007Z"
