"""What webhooks are told: everything that they asked for, in the transaction that made it so, and no name."""

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
async def core(tmp_path: Path, database_url: str) -> AsyncGenerator[InProcessGateway]:
    env = environment(subscribers=dict.fromkeys(TOPICS, ("crm",)))
    async with InProcessGateway(tmp_path, env, url=database_url) as built:
        yield built


async def told(core: InProcessGateway) -> list[tuple[str, int, Any]]:
    """(topic, lane, data), oldest first."""
    rows = await core.rows("SELECT target, lane, kind, payload FROM delivery ORDER BY delivery_id")
    assert {(row[0], row[2]) for row in rows} <= {("webhook:crm", "event")}
    bodies = [(row[1], json.loads(row[3])) for row in rows]
    assert all(set(body) == {"type", "timestamp", "data"} for _, body in bodies)
    return [(body["type"], lane, body["data"]) for lane, body in bodies]


def prf(number: int | None) -> str:
    return show("prf", number or 0)


async def test_a_new_profile_is_announced_once(core: InProcessGateway) -> None:
    for _ in range(2):
        await core.send(customer("web:ann", {"city": "Giza"}, email=ANN, mobile=PHONE))
    ann = await core.profile_of("web:ann")
    assert await told(core) == [("profile.created", ann, {"profile": prf(ann)})]


async def test_a_merge_of_the_rules_names_both_and_the_rule(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("pos:17", mobile=PHONE))
    other = await core.profile_of("pos:17")
    await core.send(customer("pos:17", email=ANN, mobile=PHONE))
    ann = await core.profile_of("web:ann")
    (merge_id,) = await core.column("SELECT merge_id FROM merge")
    merged = {"merge": show("mrg", merge_id), "profile": prf(ann), "absorbed": prf(other), "rule": "email"}
    assert (await told(core))[2:] == [("profile.merged", ann, merged)]


async def test_a_split_and_an_undo_name_the_parts(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("pos:17", email=ANN))
    ann = await core.profile_of("web:ann")
    (record,) = await core.column("SELECT record_id FROM record WHERE customer_id = '17'")
    split = await core.send(SplitProfile(caller(), ann or 0, (record,), "plain", ""))
    (part,) = split.parts
    parts = {prf(part): [show("rec", record)]}
    news = [one for one in await told(core) if one[0].startswith("profile")]
    assert news[1:] == [
        ("profile.created", part, {"profile": prf(part)}),
        ("profile.split", ann, {"profile": prf(ann), "parts": parts, "redirects": {}, "merge": None}),
    ]


async def test_an_undone_merge_is_a_split_that_names_it(core: InProcessGateway) -> None:
    for who in ("web:ann", "pos:17"):
        await core.send(customer(who))
    a, b = await core.column("SELECT profile_id FROM profile ORDER BY 1")
    merged = await core.send(MergeProfiles(caller(), (a, b), "she says so"))
    await core.send(UndoMerge(caller(), merged.merge_id, "she does not"))
    topics = [topic for topic, _, _ in await told(core)]
    assert topics == ["profile.created", "profile.created", "profile.merged", "profile.split"]
    assert (await told(core))[-1][2]["merge"] == show("mrg", merged.merge_id)


async def test_a_review_is_announced_when_it_is_opened(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email="a.nn@gmail.com"))
    await core.send(customer("pos:17", email="a.nn@gmail.com"))
    ann = await core.profile_of("web:ann")
    (record,) = await core.column("SELECT record_id FROM record WHERE customer_id = '17'")
    await core.send(SplitProfile(caller(), ann or 0, (record,), "plain", ""))
    other = await core.profile_of("pos:17")
    (review,) = await core.column("SELECT review_id FROM review")
    data = {"review": show("rev", review), "profiles": [prf(ann), prf(other)], "reason": "split:contested"}
    assert ("review.opened", ann, data) in await told(core)


async def test_the_outcome_of_an_achievement_is_announced(core: InProcessGateway) -> None:
    await core.send(customer("web:ann"))
    first = await core.send(achieve("web:ann", SHARE.id))
    await core.grant_later()
    second = await core.send(achieve("web:ann", FOLLOW.id))
    await core.send(erase("web:ann"))
    await core.grant_later()
    ann = first.resolution.profile_id
    news = [one for one in await told(core) if one[0].startswith("achievement")]
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


async def test_in_forward_mode_the_ends_of_deliveries_are_announced(tmp_path: Path) -> None:
    env = environment(
        delivers=True, subscribers={"achievement.delivered": ("crm",), "achievement.dead": ("crm",)}
    )
    async with InProcessGateway(tmp_path, env) as core:
        for number, result in enumerate(("delivered", "dead")):
            await core.send(customer(f"web:{number}"))
            await core.send(achieve(f"web:{number}"))
            ((claimed,),) = [(await core.send(ClaimDeliveries("upstream", "me", 9))).deliveries]
            await core.send(FinishDelivery(claimed.delivery_id, claimed.epoch, result))  # type: ignore[arg-type]
        rows = await core.column(
            "SELECT payload FROM delivery WHERE target = 'webhook:crm' ORDER BY delivery_id"
        )
    assert [json.loads(row)["type"] for row in rows] == ["achievement.delivered", "achievement.dead"]


async def test_no_body_contains_personal_data(core: InProcessGateway) -> None:
    await core.send(customer("web:ann-4711", {"city": "Giza"}, email=ANN))
    await core.send(customer("pos:till-0815", mobile=PHONE))
    await core.send(customer("pos:till-0815", email=ANN, mobile=PHONE))
    await core.send(achieve("pos:till-0815"))
    await core.grant_later()
    everything = repr(await told(core))
    for named in (ANN, PHONE, "Giza", "ann-4711", "till-0815"):
        assert named not in everything


async def test_each_listener_gets_only_its_topics(tmp_path: Path) -> None:
    env = environment(subscribers={"profile.created": ("crm", "mail"), "profile.merged": ("mail",)})
    async with InProcessGateway(tmp_path, env) as core:
        await core.send(customer("web:ann", email=ANN))
        await core.send(customer("pos:17", mobile=PHONE))
        await core.send(customer("pos:17", email=ANN, mobile=PHONE))
        rows = await core.rows("SELECT target, payload FROM delivery ORDER BY delivery_id")
    heard = [(target, json.loads(str(payload))["type"]) for target, payload in rows]
    assert sorted(heard) == sorted(
        [("webhook:crm", "profile.created"), ("webhook:mail", "profile.created")] * 2
        + [("webhook:mail", "profile.merged")]
    )


async def test_nothing_is_queued_without_a_listener(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        await core.send(customer("web:ann"))
        assert await core.rows("SELECT * FROM delivery") == []


async def test_an_operator_can_send_a_dead_event_again(core: InProcessGateway) -> None:
    await core.send(customer("web:ann"))
    (claimed,) = (await core.send(ClaimDeliveries("webhook:crm", "me", 9))).deliveries
    await core.send(FinishDelivery(claimed.delivery_id, claimed.epoch, "dead", reason="status_410"))
    assert (await core.actions())[-1] == "delivery.dead"
    assert not isinstance(await core.send(RetryDelivery(caller(), claimed.delivery_id)), Refused)
    (again,) = (await core.send(ClaimDeliveries("webhook:crm", "me", 9))).deliveries
    assert again.payload == claimed.payload


def test_times_are_utc_with_milliseconds() -> None:
    assert timestamp(NOON + 7) == "2026-09-21T14:13:20.007Z"
