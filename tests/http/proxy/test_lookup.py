"""Under which id the platform knows the customer of a call, and which id the channel gets back."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwe, jws
from joserfc.jwk import OctKey

from gateway.errors import StoreUnavailable
from gateway.model import Caller, MergeProfiles, UndoMerge
from tests.support.forwarding import forwarding
from tests.support.loyalty_platform import SECRET_KEY
from tests.support.public_api import ask

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway, Start
from tests.support.forwarded_orders import EMAIL, order, records


def app_channel(key: str) -> str:
    return f'[[channel]]\nname = "app"\napi_key = "app-api-key-0123456789"\nsession_key = "{key}"'


def token_for(customer_id: str, key: str) -> str:
    """As the shop's back end makes it: signed, then encrypted, both under one key."""
    secret = OctKey.import_key(key)
    claims = json.dumps({"customerId": customer_id, "exp": time.time() + 60})
    signed = jws.serialize_compact({"alg": "HS256"}, claims, secret)
    header = {"alg": "A256KW", "enc": "A256CBC-HS512"}
    return jwe.encrypt_compact(
        header, signed, secret, registry=jwe.JWERegistry(algorithms=list(header.values()))
    )


async def test_one_person_on_two_channels_is_one_customer_of_the_platform(
    forward: RunningGateway, platform: Platform
) -> None:
    await ask(forward, "POST", "customers", json={"customerId": "ann", "email": EMAIL})
    reply = await order(forward, "pos", "till-7", email="ANN@example.com", mobile="01001234567")
    assert (reply.status, reply.body["customerId"]) == (200, "till-7")
    reply = await order(forward, "mobile", "app-1", mobile="+20 100 123 4567")
    assert reply.headers["X-Gateway-Decision"] == "attached"
    assert set(platform.customers) == {"ann"}
    assert [seen.json["customerId"] for seen in platform.seen] == ["ann"] * 3
    assert await records(forward) == {("web", "ann"), ("pos", "till-7"), ("mobile", "app-1")}


async def test_two_persons_with_one_id_are_two_customers_of_the_platform(
    forward: RunningGateway, platform: Platform
) -> None:
    await order(forward, "web", "1001", email=EMAIL)
    reply = await order(forward, "pos", "1001", email="bob@example.com")
    assert reply.body["customerId"] == "1001"
    assert [seen.json["customerId"] for seen in platform.seen] == ["1001", "pos:1001"]
    balance = await ask(forward, "GET", "customers/1001/balance", channel="pos")
    assert (balance.status, platform.seen[-1].path) == (200, "/customers/pos%3A1001/balance")


async def test_an_unknown_customer_is_asked_for_under_its_own_id_and_stays_unknown(
    forward: RunningGateway, platform: Platform
) -> None:
    platform.ensure("old")
    assert (await ask(forward, "GET", "customers/old/balance", channel="pos")).status == 200
    reply = await ask(forward, "GET", "customers/nobody/balance", channel="pos")
    assert (reply.status, reply.body["code"]) == (404, 4004)
    assert [seen.path for seen in platform.seen] == ["/customers/old/balance", "/customers/nobody/balance"]
    assert not await records(forward)


async def test_an_unknown_customer_never_reads_another_customers_account(
    forward: RunningGateway, platform: Platform
) -> None:
    await order(forward, "web", "ann", email=EMAIL)
    reply = await ask(forward, "GET", "customers/ann/details", channel="pos")
    assert reply.status == 404
    assert platform.seen[-1].path == "/customers/pos%3Aann/details"


async def test_a_call_that_creates_no_customer_recognises_one_by_its_identifiers(
    forward: RunningGateway, platform: Platform
) -> None:
    await order(forward, "web", "ann", email=EMAIL)
    body = {"customerId": "till-7", "email": EMAIL, "points": 5}
    reply = await ask(forward, "POST", "transactions/redeem", channel="pos", json=body)
    assert (reply.body["customerId"], platform.seen[-1].json["customerId"]) == ("till-7", "ann")
    body |= {"customerId": "till-8", "email": "new@example.com"}
    await ask(forward, "POST", "transactions/redeem", channel="pos", json=body)
    assert platform.seen[-1].json["customerId"] == "till-8"
    assert await records(forward) == {("web", "ann"), ("pos", "till-7")}


async def test_a_call_that_says_nothing_new_writes_nothing_and_does_not_wait_for_the_writer(
    forward: RunningGateway, platform: Platform
) -> None:
    await order(forward, "web", "ann", email=EMAIL)
    events, pipeline = "SELECT COUNT(*) FROM audit", forward.services.pipeline
    before, done = await forward.rows(events), pipeline.calls_taken
    for _ in range(3):
        reply = await order(forward, "web", "ann", email=EMAIL)
        assert reply.headers["X-Gateway-Profile"].startswith("prf_")
        assert (await ask(forward, "GET", "customers/ann/balance")).status == 200
    assert await forward.rows(events) == before
    assert pipeline.calls_taken == done


async def test_after_a_merge_both_are_the_survivor_at_once_and_after_its_undo_themselves(
    forward: RunningGateway, platform: Platform
) -> None:
    replies = [
        await order(forward, channel, channel, email=f"{channel}@example.com") for channel in ("web", "pos")
    ]
    rows = await forward.rows("SELECT customer_id, profile_id FROM record")
    ids = dict(rows)
    assert len({reply.headers["X-Gateway-Profile"] for reply in replies}) == 2
    merge = MergeProfiles(Caller("", "", "operator", "req"), (ids["web"], ids["pos"]), "the same person")  # pyright: ignore
    await forward.services.pipeline.submit(merge)
    for channel in ("web", "pos"):
        assert (await order(forward, channel, channel, email=f"{channel}@example.com")).body[
            "customerId"
        ] == channel
    assert {seen.json["customerId"] for seen in platform.seen[-2:]} == {"web"}
    ((merge_id,),) = await forward.rows("SELECT merge_id FROM merge")
    undo = UndoMerge(Caller("", "", "operator", "req"), merge_id, "they are two")  # pyright: ignore
    await forward.services.pipeline.submit(undo)
    for channel in ("web", "pos"):
        await order(forward, channel, channel, email=f"{channel}@example.com")
    assert [seen.json["customerId"] for seen in platform.seen[-2:]] == ["web", "pos"]


async def test_the_path_may_be_repeated_in_the_body_and_not_contradicted(
    forward: RunningGateway, platform: Platform
) -> None:
    await order(forward, "web", "ann", email=EMAIL)
    tags = {"tags": "vip", "customerId": "till-7", "email": EMAIL}
    reply = await ask(forward, "POST", "customers/till-7/tags", channel="pos", json=tags)
    assert reply.status == 200
    assert (platform.seen[-1].path, platform.seen[-1].json["customerId"]) == ("/customers/ann/tags", "ann")
    reply = await ask(forward, "POST", "customers/till-8/tags", channel="pos", json=tags)
    assert reply.fault == (400, 3016, "PAYLOAD_ERROR")
    assert len(platform.seen) == 2


async def test_another_persons_code_is_left_alone(forward: RunningGateway, platform: Platform) -> None:
    await order(forward, "web", "ann", email=EMAIL)
    await order(forward, "pos", "till-7", email=EMAIL)
    await ask(forward, "GET", "referrals/validate?referrerCode=till-7&forCustomerId=till-7", channel="pos")
    assert platform.seen[-1].raw_path.endswith("?referrerCode=till-7&forCustomerId=ann")
    body = {"customerId": "till-7", "referrerCode": "till-7", "referralCode": "till-7"}
    await ask(forward, "POST", "customers", channel="pos", json=body)
    assert platform.seen[-1].json == {"customerId": "ann", "referrerCode": "till-7", "referralCode": "till-7"}


async def test_a_value_that_cannot_be_normalised_is_forwarded_unchanged_with_a_warning(
    forward: RunningGateway, platform: Platform
) -> None:
    reply = await order(forward, "web", "ann", email="not an address", mobile="12")
    assert {"email": "not an address", "mobile": "12"}.items() <= platform.seen[-1].json.items()
    assert {warning.partition(":")[0] for warning in reply.headers["X-Gateway-Warnings"].split(", ")} == {
        "email",
        "mobile",
    }


async def test_lists_name_each_customer_as_the_channel_that_reads_them_does(
    forward: RunningGateway, platform: Platform
) -> None:
    await order(forward, "web", "ann", email=EMAIL)
    await order(forward, "pos", "till-7", email=EMAIL)
    await order(forward, "pos", "till-9", email="bob@example.com")
    await order(forward, "mobile", "app-3", email="eve@example.com")
    named = {}
    for channel in ("web", "pos"):
        for path, rows in (("leaderboard", "leaderboard"), ("transactions", "transactions")):
            reply = await ask(forward, "GET", path, channel=channel)
            named[channel, rows] = [row["customerId"] for row in reply.body[rows]]
    assert named["web", "leaderboard"] == named["web", "transactions"] == ["ann", "till-9", "app-3"]
    assert named["pos", "leaderboard"] == named["pos", "transactions"] == ["till-7", "till-9", "app-3"]


async def test_a_batch_translates_every_id_and_its_status_translates_them_back(
    forward: RunningGateway, platform: Platform
) -> None:
    await order(forward, "web", "ann", email=EMAIL)
    batch = [{"customerId": "till-7", "email": EMAIL}, {"customerId": "till-8"}, {"customerId": "till-7"}]
    reply = await ask(forward, "POST", "batch/customers", channel="pos", json=batch)
    assert [one["customerId"] for one in platform.seen[-1].json] == ["ann", "till-8", "ann"]
    for path in (f"batches/{reply.body['batchId']}/status", f"batch/{reply.body['batchId']}"):
        status = await ask(forward, "GET", path, channel="pos")
        assert [one["customerId"] for one in status.body["response"]["successful"]] == [
            "till-7",
            "till-8",
            "till-7",
        ]
    assert await records(forward) == {("web", "ann"), ("pos", "till-7"), ("pos", "till-8")}


async def test_the_status_of_an_order_job_holds_orders_and_no_customers(
    forward: RunningGateway, platform: Platform
) -> None:
    await order(forward, "web", "1001", email=EMAIL)
    await order(forward, "pos", "till-7", email=EMAIL)
    for path, batch in (
        ("batch/orders", [{"customerId": "till-7", "orderId": "1001"}]),
        ("batch/orders/transactions", ["1001"]),
    ):
        job = (await ask(forward, "POST", path, channel="pos", json=batch)).body["batchId"]
        status = await ask(forward, "GET", f"batches/{job}/status", channel="pos")
        assert status.body["response"]["successful"] == [{"customerId": "1001"}]


async def test_two_channels_of_one_id_space_share_their_customers(
    forward: RunningGateway, platform: Platform
) -> None:
    await order(forward, "web", "ann", email=EMAIL)
    assert (await ask(forward, "GET", "customers/ann/balance", channel="callcenter")).status == 200
    assert len(await records(forward)) == 1


@pytest.mark.parametrize(
    ("segment", "sent"),
    [
        ("ANN@Example.com", "ann"),
        ("Ben@Example.com", "ben%40example.com"),
        ("+20 100 123 4567", "%2B201001234567"),
        ("till-7", "ann"),
        ("nobody", "nobody"),
    ],
)
async def test_old_clients_name_people_by_address_number_or_id(
    forward: RunningGateway, platform: Platform, segment: str, sent: str
) -> None:
    await order(forward, "web", "ann", email=EMAIL)
    await order(forward, "pos", "till-7", email=EMAIL)
    url = f"{forward.url}/api/v3.0/integrations/player/{segment}/balance"
    async with forward.client.get(url, headers=forward.keys("pos")) as answer:
        assert answer.status == (200 if sent == "ann" else 404)
    assert platform.seen[-1].raw_path == f"/api/v3.0/integrations/player/{sent}/balance"


async def test_old_clients_bodies_are_rewritten_too(forward: RunningGateway, platform: Platform) -> None:
    await order(forward, "web", "ann", email=EMAIL)
    body = {"playerUniqueId": "till-7", "email": "ANN@example.com", "customerId": "left alone"}
    url = f"{forward.url}/api/v3.0/integrations/player"
    async with forward.client.post(url, headers=forward.keys("pos"), json=body):
        pass
    assert platform.seen[-1].json == {"playerUniqueId": "ann", "email": EMAIL, "customerId": "left alone"}


async def test_a_call_without_a_customer_is_the_platforms_to_judge(
    forward: RunningGateway, platform: Platform
) -> None:
    reply = await ask(forward, "POST", "customers", json={"email": "Ann@Example.com"})
    assert (reply.status, reply.body["code"]) == (400, 3000)
    assert platform.seen[-1].json == {"email": EMAIL}
    reply = await ask(forward, "POST", "orders/reward-preview", json={"totalPaid": 5})
    assert reply.status == 200


@pytest.mark.parametrize("mode", ["prefixed", "profile"])
async def test_other_canonical_ids_are_translated_back_too(
    start: Start, platform: Platform, mode: str
) -> None:
    async with forwarding(start, platform, f'canonical_id = "{mode}"') as gateway:
        reply = await order(gateway, "web", "ann", email=EMAIL)
        sent = platform.seen[-1].json["customerId"]
        assert sent == {"prefixed": "web:ann", "profile": reply.headers["X-Gateway-Profile"]}[mode]
        assert reply.body["customerId"] == "ann"
        assert (await ask(gateway, "GET", "customers/ann")).body["customerId"] == "ann"


async def test_many_calls_at_once_about_one_new_person_make_one_customer(
    forward: RunningGateway, platform: Platform
) -> None:
    channels = ["web", "pos", "mobile"] * 10
    await asyncio.gather(*(order(forward, channel, f"{channel}-1", email=EMAIL) for channel in channels))
    assert len(platform.customers) == 1


class Unreadable:
    """A store that cannot be read."""

    async def fetch(self, sql: str, parameters: object = ()) -> list[Any]:
        raise StoreUnavailable("the test says so")


@pytest.fixture
async def unresolved(start: Start, platform: Platform) -> AsyncGenerator[RunningGateway]:
    """A gateway that lets reads pass when it cannot look a customer up."""
    async with forwarding(start, platform, 'on_store_failure = { reads = "pass" }') as gateway:
        yield gateway


async def test_each_kind_of_call_has_a_policy_for_a_failed_lookup(
    unresolved: RunningGateway, platform: Platform
) -> None:
    platform.ensure("ann")
    unresolved.services.store = Unreadable()  # pyright: ignore
    reply = await ask(unresolved, "GET", "customers/ann/balance")
    assert (reply.status, reply.headers["X-Gateway-Warnings"]) == (200, "identity:unresolved")
    seen = len(platform.seen)
    reply = await ask(unresolved, "PUT", "customers/ann/activate", json={"isActive": False})
    assert reply.fault == (503, 5003, "SERVER_ERROR")
    assert len(platform.seen) == seen


async def test_a_batch_that_shows_two_to_be_one_names_both_alike(
    forward: RunningGateway, platform: Platform
) -> None:
    await order(forward, "web", "ann", email=EMAIL)
    await order(forward, "pos", "till-7", mobile="01001234567")
    assert len(platform.customers) == 2
    batch = [{"customerId": "till-7", "x": 1}, {"customerId": "till-7", "email": EMAIL}]
    await ask(forward, "POST", "batch/events", channel="pos", json=batch)
    (sent,) = {one["customerId"] for one in platform.seen[-1].json}
    assert sent in {"ann", "till-7"}
    assert (await order(forward, "web", "ann")).status == 200
    assert platform.seen[-1].json["customerId"] == sent


async def test_a_session_token_speaks_for_its_customer_only(start: Start, platform: Platform) -> None:
    key = "0123456789abcdef0123456789abcdef"
    async with forwarding(start, platform, more=app_channel(key)) as gateway:
        headers = {"apikey": "app-api-key-0123456789", "X-GB-TOKEN": token_for("ann", key)}
        for customer_id, status in (("ann", 200), ("bob", 401)):
            url = f"{gateway.url}/api/v4.1/integrations/events"
            body = {"customerId": customer_id, "events": {"viewed": {}}}
            async with gateway.client.post(url, headers=headers, json=body) as answer:
                assert answer.status == status, await answer.text()
    (seen,) = platform.seen
    assert "X-GB-TOKEN" not in seen.headers
    assert seen.headers["secretkey"] == SECRET_KEY


async def test_an_answer_with_ids_that_cannot_be_looked_up_is_relayed_with_a_warning(
    unresolved: RunningGateway, platform: Platform
) -> None:
    await order(unresolved, "web", "ann", email=EMAIL)
    await order(unresolved, "pos", "till-7", email=EMAIL)
    unresolved.services.store = Unreadable()  # pyright: ignore
    reply = await ask(unresolved, "GET", "leaderboard", channel="pos")
    assert [row["customerId"] for row in reply.body["leaderboard"]] == ["ann"]
    assert reply.headers["X-Gateway-Warnings"] == "answer:unmapped"
