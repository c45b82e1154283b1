"""Social campaigns whose answer is the platform's: our window and keys first, and what came of each is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.clock import MINUTE
from gateway.http.gameball.idempotency import fingerprint
from gateway.http.gameball.operations import ACHIEVE
from gateway.model import Achieve, Caller, GrantDue, IdempotencyKey
from gateway.upstream.unanswered import UnansweredWorker
from tests.support.forwarding import forwarding
from tests.support.in_process_gateway import ManualClock
from tests.support.public_api import achieve, ask

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from multidict import CIMultiDict

    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway, Start

EMAIL = "ann@example.com"
DIRECT = '[achievements]\ndelivery = "direct"\ngrant_delay = ["0s", "0s"]'


@pytest.fixture
async def direct(start: Start, platform: Platform) -> AsyncGenerator[RunningGateway]:
    async with forwarding(start, platform, 'total_timeout = "500ms"', DIRECT) as gateway:
        async with gateway.call("POST", "customers", json={"customerId": "ann", "email": EMAIL}):
            pass
        yield gateway


async def state(gateway: RunningGateway) -> list[tuple[object, ...]]:
    return await gateway.rows("SELECT state, reason FROM achievement ORDER BY achievement_id")


async def test_the_platforms_answer_is_relayed_under_the_channels_own_id(
    direct: RunningGateway, platform: Platform
) -> None:
    reply = await achieve(direct, "till-7", channel="pos", email=EMAIL)
    assert (reply.status, reply.body) == (202, {"customerId": "till-7", "challengeId": 11664})
    assert reply.headers["Server"] == "Kestrel"
    assert platform.seen[-1].json["customerId"] == "ann"
    assert await state(direct) == [("delivered", "")]


async def test_the_window_is_the_persons_whatever_the_platform_would_say(
    direct: RunningGateway, platform: Platform
) -> None:
    await achieve(direct)
    platform.dedup_window = 0
    reply = await achieve(direct, "till-7", channel="pos", email=EMAIL)
    assert reply.fault == (400, 4000, "GENERAL_ERROR")
    assert len([seen for seen in platform.seen if seen.path.endswith("social-challenges")]) == 1


async def test_a_key_answers_again_without_asking_the_platform(
    direct: RunningGateway, platform: Platform
) -> None:
    report = {"customerId": "ann", "challengeId": 11664}
    replies = [
        await ask(
            direct, "POST", "customers/social-challenges", json=report, headers={"Idempotency-Key": "k1"}
        )
        for _ in range(2)
    ]
    assert [reply.status for reply in replies] == [202, 202]
    assert replies[1].headers["Idempotent-Replayed"] == "true"
    assert len(platform.seen) == 2


REPORT = {"customerId": "till-7", "challengeId": 11664}
BODIES = [
    b'{"customerId":"ann","challengeId":11664}',
    b'{ "challengeId": 11664.0,\r\n "customerId" : "ann", "gameballStatus": "disabled", "n": 1E2 }\n',
    b'\xef\xbb\xbf{"customerId":"ann"}',
    b'{"customerId":"ann","x":NaN,"x":1}',
    b"accepted",
    b"",
    b"\xff\x00",
    '{"customerId":"ann","name":"\u00e9"}'.encode("utf-16"),
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("status", [200, 201, 202])
async def test_a_key_gives_the_platforms_answer_again_byte_for_byte(
    direct: RunningGateway, platform: Platform, body: bytes, status: int
) -> None:
    def disguise(raw: bytes, headers: CIMultiDict[str]) -> bytes:
        headers["Content-Type"] = "application/json;odata=minimal"
        headers.update({"Location": "/customers/ann", "Cache-Control": "no-cache"})
        headers.add("X-Two", "1")
        headers.add("X-Two", "2")
        return body

    await ask(direct, "POST", "customers", channel="pos", json={"customerId": "till-7", "email": EMAIL})
    platform.disguise, platform.disguised_status = disguise, status
    seen: list[tuple[int, bytes, list[tuple[str, str]]]] = []
    changing = {"date", "x-request-id", "set-cookie", "idempotent-replayed"}
    asked = len(platform.seen)
    for _ in range(2):
        async with direct.call(
            "POST",
            "customers/social-challenges",
            channel="pos",
            json=REPORT,
            headers={"Idempotency-Key": "k1"},
        ) as answer:
            kept = [
                (name, value)
                for name, value in answer.headers.items()
                if name.lower() not in changing and "-gateway-" not in name.lower()
            ]
            seen.append((answer.status, await answer.read(), sorted(kept)))
    assert len(platform.seen) == asked + 1
    assert seen[0] == seen[1]
    assert seen[0][0] == status
    assert b"ann" not in seen[0][1]
    assert ("Location", "/customers/till-7") in seen[0][2]
    assert ("Server", "Kestrel") in seen[0][2]
    assert [value for name, value in seen[0][2] if name == "X-Two"] == ["1", "2"]


async def test_a_key_gives_a_repetition_that_the_platform_reported_again_too(
    direct: RunningGateway, platform: Platform
) -> None:
    platform.ensure("ann")
    platform._accepted["ann", 11664] = platform.clock.now()
    report = {"customerId": "ann", "challengeId": 11664}
    key = {"Idempotency-Key": "k1"}
    replies = [
        await ask(direct, "POST", "customers/social-challenges", json=report, headers=key) for _ in range(2)
    ]
    assert [(reply.status, reply.raw) for reply in replies] == [(400, replies[0].raw)] * 2
    assert replies[1].headers["Idempotent-Replayed"] == "true"


async def test_an_answer_that_is_too_large_to_keep_is_not_given_again(
    direct: RunningGateway, platform: Platform
) -> None:
    platform.disguise = lambda _, headers: b'{"x":"' + b"x" * (64 << 10) + b'"}'
    report = {"customerId": "ann", "challengeId": 11664}
    key = {"Idempotency-Key": "k1"}
    assert (await ask(direct, "POST", "customers/social-challenges", json=report, headers=key)).status == 202
    reply = await ask(direct, "POST", "customers/social-challenges", json=report, headers=key)
    assert reply.fault == (400, 4000, "GENERAL_ERROR")


@pytest.mark.parametrize("fault", ["500", "503", "429"])
async def test_a_refused_report_may_be_sent_again_at_once(
    direct: RunningGateway, platform: Platform, fault: str
) -> None:
    key = {"Idempotency-Key": "k1"}
    report = {"customerId": "ann", "challengeId": 11664}
    platform.next.append(fault)
    reply = await ask(direct, "POST", "customers/social-challenges", json=report, headers=key)
    assert reply.status == int(fault)
    assert await state(direct) == [("dead", f"status_{fault}")]
    assert (await ask(direct, "POST", "customers/social-challenges", json=report, headers=key)).status == 202
    assert [row[0] for row in await state(direct)] == ["dead", "delivered"]


async def test_a_report_that_was_never_sent_may_be_sent_again_at_once(
    direct: RunningGateway, platform: Platform
) -> None:
    await platform.refuse()
    assert (await achieve(direct)).fault == (502, 5002, "SERVER_ERROR")
    await platform.accept()
    assert (await achieve(direct)).status == 202
    assert await state(direct) == [("dead", "not_sent"), ("delivered", "")]


@pytest.mark.parametrize(("fault", "code"), [("swallowed", 5005), ("dark", 5004)])
async def test_a_report_that_may_have_arrived_is_not_sent_twice(
    direct: RunningGateway, platform: Platform, fault: str, code: int
) -> None:
    platform.next.append(fault)
    assert (await achieve(direct)).body["code"] == code
    assert (await achieve(direct)).fault == (400, 4000, "GENERAL_ERROR")
    assert await state(direct) == [("dead", "no_answer")]


async def accepted_and_left(gateway: RunningGateway, key: str) -> None:
    """As a gateway leaves it that is killed after it accepted a report and before it said what came of it."""
    body = {"customerId": "ann", "challengeId": 11664}
    token = IdempotencyKey(ACHIEVE.route, key, fingerprint("web", ACHIEVE.route, body), b"{}")
    caller = Caller("web", "web", "channel:web", "r1")
    await gateway.services.pipeline.submit(Achieve(caller, "ann", 11664, (), token, direct=True))


async def test_a_key_is_not_answered_for_a_report_that_perhaps_never_left(direct: RunningGateway) -> None:
    await accepted_and_left(direct, "k1")
    report = {"customerId": "ann", "challengeId": 11664}
    key = {"Idempotency-Key": "k1"}
    reply = await ask(direct, "POST", "customers/social-challenges", json=report, headers=key)
    assert reply.fault == (400, 4000, "GENERAL_ERROR")


async def test_a_report_that_a_gateway_left_open_ends_without_an_answer(direct: RunningGateway) -> None:
    await accepted_and_left(direct, "k1")
    services = direct.services
    clock = ManualClock(services.clock.now())
    step = UnansweredWorker(services.store, services.pipeline, clock, services.config.upstream).step
    clock.advance(4 * MINUTE)
    await step()
    assert await state(direct) == [("queued", "direct")]
    clock.advance(2 * MINUTE)
    await step()
    assert await state(direct) == [("dead", "no_answer")]
    events = await direct.rows("SELECT channel, profile <> '' FROM audit WHERE action = 'achievement.dead'")
    assert events == [("web", 1)]
    assert (await achieve(direct)).fault == (400, 4000, "GENERAL_ERROR")


async def test_a_report_about_a_customer_erased_since_ends_too(direct: RunningGateway) -> None:
    await accepted_and_left(direct, "k1")
    await ask(direct, "DELETE", "customers/ann")
    services = direct.services
    clock = ManualClock(services.clock.now() + 6 * MINUTE)
    await UnansweredWorker(services.store, services.pipeline, clock, services.config.upstream).step()
    assert await state(direct) == [("dead", "no_answer")]


async def test_an_achievement_that_another_system_reported_counts_as_delivered(
    direct: RunningGateway, platform: Platform
) -> None:
    platform.ensure("ann")
    platform._accepted["ann", 11664] = platform.clock.now()
    reply = await achieve(direct)
    assert (reply.status, reply.body["code"]) == (400, 4000)
    assert await state(direct) == [("delivered", "duplicate")]


async def test_a_customer_known_only_to_the_platform_is_reported_too(
    direct: RunningGateway, platform: Platform
) -> None:
    platform.ensure("old")
    assert (await achieve(direct, "old", channel="pos")).status == 202
    assert (await achieve(direct, "nobody", channel="pos")).status == 404
    assert await state(direct) == []


async def test_the_gateway_grants_nothing(direct: RunningGateway, platform: Platform) -> None:
    await achieve(direct)
    await direct.services.pipeline.submit_background(GrantDue(100))
    assert await direct.rows("SELECT COUNT(*) FROM ledger") == [(0,)]


async def test_a_report_that_makes_no_sense_never_reaches_the_platform(
    direct: RunningGateway, platform: Platform
) -> None:
    seen = len(platform.seen)
    assert (await achieve(direct, campaign=0)).fault == (422, 3003, "PAYLOAD_ERROR")
    assert (await achieve(direct, customer_id="")).fault == (400, 3000, "PAYLOAD_ERROR")
    assert len(platform.seen) == seen
