"""What the platform tells by webhook, at the listener: signed or refused, once, and on disk before it is answered."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from gateway.ids import show
from tests.support.forwarding import forwarding
from tests.support.loyalty_platform import SECRET_KEY

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway

TOLD = {
    "event": "customer.profile.updated",
    "client_id": "77",
    "customer_id": "ann",
    "gb_customer_id": 4711,
    "created_at": "2026-11-23T10:00:00",
    "data": {"email": "ann@example.com", "mobile_number": "+201001234567", "tier_name": "Größe 1"},
}


def compact(told: Any) -> bytes:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def sign(body: bytes, key: str = SECRET_KEY) -> str:
    return hashlib.sha1(body + b":" + key.encode()).hexdigest()


async def tell(
    gateway: RunningGateway, body: bytes, signature: str | None = None, path: str = "/webhooks/gameball"
) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json", "X-GB-Webhook-Version": "v4"}
    headers["X-GB-Signature"] = sign(body) if signature is None else signature
    async with gateway.client.post(gateway.url + path, data=body, headers=headers) as response:
        return response.status, await response.json()


async def heard(gateway: RunningGateway) -> list[tuple[Any, ...]]:
    return await gateway.rows("SELECT topic, profile_id FROM platform_event")


async def test_a_signed_event_is_on_disk_when_it_is_answered(forward: RunningGateway) -> None:
    async with forward.call("POST", "customers", json={"customerId": "ann"}) as saved:
        assert saved.status == 200
        profile = saved.headers["X-Gateway-Profile"]
    assert await tell(forward, compact(TOLD)) == (200, {})
    ((topic, profile_id),) = await heard(forward)
    assert (topic, show("prf", profile_id)) == ("customer.profile.updated", profile)


@pytest.mark.parametrize("customer_id", ["4711", 4711, 4711.0])
async def test_a_customer_id_that_is_a_number_is_read_by_its_digits(
    forward: RunningGateway, customer_id: object
) -> None:
    async with forward.call("POST", "customers", json={"customerId": "4711"}) as saved:
        profile = saved.headers["X-Gateway-Profile"]
    assert (await tell(forward, compact(TOLD | {"customer_id": customer_id})))[0] == 200
    ((_, profile_id),) = await heard(forward)
    assert show("prf", profile_id) == profile


async def test_a_repeated_event_is_answered_and_counts_once(forward: RunningGateway) -> None:
    answers = await asyncio.gather(*(tell(forward, compact(TOLD)) for _ in range(3)))
    assert {status for status, _ in answers} == {200}
    assert len(await heard(forward)) == 1
    assert (await tell(forward, compact(TOLD | {"created_at": "2026-11-23T10:00:01"})))[0] == 200
    assert len(await heard(forward)) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"total_points": 2}},
        {"data": {}},
        {"data": None},
        {"customer_id": "bob"},
        {"customer_id": None},
        {"gb_customer_id": 4712},
        {"gb_customer_id": "4711"},
        {"client_id": "78"},
        {"event": "customer.profile.created"},
        {"created_at": None},
        {"another": 1},
        {"created_at": "2026-11-23T10:00:00.000"},
    ],
)
async def test_two_events_of_one_second_are_two(forward: RunningGateway, change: dict[str, Any]) -> None:
    for told in (TOLD, TOLD | change, TOLD, TOLD | change):
        assert (await tell(forward, compact(told)))[0] == 200
    assert len(await heard(forward)) == 2


async def test_one_signature_counts_once_however_the_body_was_written_on_its_way(
    forward: RunningGateway,
) -> None:
    """A person who saw an event pass cannot make a second one of it."""
    signature = sign(compact(TOLD))
    ways = [
        json.dumps(TOLD, indent=indent, ensure_ascii=escape)
        for indent in (None, 1, 7)
        for escape in (True, False)
    ]
    for body in (compact(TOLD), *(way.encode() for way in ways), b"\xef\xbb\xbf" + compact(TOLD)):
        assert (await tell(forward, body, signature))[0] == 200
    for given in (signature.upper(), f" {signature} "):
        assert (await tell(forward, compact(TOLD), given))[0] == 200
    assert len(await heard(forward)) == 1


async def test_the_signature_is_of_the_compact_body_however_it_was_written_on_its_way(
    forward: RunningGateway,
) -> None:
    spread = json.dumps(TOLD, indent=2).encode()  # blanks, and ö as an escape
    assert (await tell(forward, spread, sign(compact(TOLD))))[0] == 200


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "0" * 40,
        sign(compact(TOLD), "another-key"),
        sign(compact(TOLD))[:-1],
        "é",
        hashlib.sha1(compact(TOLD)).hexdigest(),
    ],
)
async def test_an_event_that_is_not_signed_with_our_key_is_refused_and_changes_nothing(
    forward: RunningGateway, signature: str
) -> None:
    status, body = await tell(forward, compact(TOLD), signature)
    assert (status, body["code"]) == (401, 1000)
    assert await heard(forward) == []
    ((detail, reason),) = await forward.rows("SELECT detail, reason FROM audit WHERE action = 'call.refused'")
    assert json.loads(str(detail))["route"] == "POST /webhooks/gameball"
    assert "ann" not in f"{detail}{reason}"


async def test_a_changed_body_is_refused(forward: RunningGateway) -> None:
    assert (await tell(forward, compact(TOLD | {"customer_id": "bob"}), sign(compact(TOLD))))[0] == 401


NO_EVENTS = [
    b"",
    b"[]",
    b"{}",
    b"{",
    compact(TOLD | {"event": 7}),
    compact(TOLD | {"event": ""}),
    compact(TOLD | {"event": "x" * 101}),
    compact(TOLD | {"event": "ann@example.com"}),
    compact(TOLD | {"customer_id": ["ann"]}),
    compact(TOLD | {"customer_id": True}),
    compact(TOLD | {"customer_id": 1.5}),
    compact(TOLD | {"customer_id": "x" * 101}),
    compact(TOLD | {"customer_id": "a\x00"}),
    b'{"event":"a.b","event":"c.d"}',
    compact(TOLD | {"data": None})[:-1] + b',"data":' + b"[" * 64 + b"]" * 64 + b"}",
]


async def test_a_signed_body_that_is_no_event_is_refused(
    forward: RunningGateway, subtests: pytest.Subtests
) -> None:
    for body in NO_EVENTS:
        with subtests.test(body=body[:80]):
            assert (await tell(forward, body))[0] == 400
            assert await heard(forward) == []


async def test_a_body_that_is_too_large_is_not_looked_at(forward: RunningGateway) -> None:
    assert (await tell(forward, compact(TOLD | {"data": "x" * (64 << 10)})))[0] == 413


async def test_refused_events_are_limited_like_wrong_keys(start: Any, platform: Any) -> None:
    async with forwarding(start, platform, more="[limits]\nfailures_per_minute = 3") as gateway:
        statuses = [(await tell(gateway, compact(TOLD), "0" * 40))[0] for _ in range(5)]
        refused = await gateway.rows("SELECT 1 FROM audit WHERE action = 'call.refused'")
        assert (await tell(gateway, compact(TOLD)))[0] == 200
    assert statuses == [401] * 3 + [429] * 2
    assert len(refused) == 3


async def test_local_mode_has_no_such_path(gateway: RunningGateway) -> None:
    assert (await tell(gateway, compact(TOLD)))[0] == 404


async def test_only_post_is_answered(forward: RunningGateway) -> None:
    async with forward.client.get(f"{forward.url}/webhooks/gameball") as response:
        assert response.status == 404
