"""The social-campaign call from end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.public_api import ACHIEVE, achieve, ask, grant_all, save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start

EMAIL, MOBILE = "ann@shop.example.org", "+201001234567"


@pytest.mark.parametrize("version", ["v4.0", "v4", "v4.1"])
async def test_an_achievement_is_accepted_and_both_ids_come_back_as_sent(
    gateway: RunningGateway, version: str
) -> None:
    await save(gateway, "Änn/1 ")
    payload = {"customerId": "Änn/1 ", "challengeId": 11664}
    reply = await ask(gateway, "POST", ACHIEVE, version=version, json=payload)
    assert (reply.status, reply.body) == (202, payload)
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert reply.headers["X-Gateway-Decision"] == "attached"
    assert reply.headers["X-Gateway-Profile"].startswith("prf_")
    assert "X-Gateway-Warnings" not in reply.headers


async def test_till_and_shop_reporting_one_person_yield_one_202_and_one_400(gateway: RunningGateway) -> None:
    await save(gateway, "web-1", email=EMAIL)
    first = await achieve(gateway, "web-1")
    second = await achieve(gateway, "till-1", channel="pos", email=EMAIL.upper())
    assert first.status == 202
    assert second.fault == (400, 4000, "GENERAL_ERROR")
    assert second.body["message"] == "can't send this action multiple times"
    assert 1 <= int(second.headers["Retry-After"]) <= 300
    assert second.headers["X-Gateway-Profile"] == first.headers["X-Gateway-Profile"]


async def test_an_unknown_customer_is_not_created(gateway: RunningGateway) -> None:
    reply = await achieve(gateway, email=EMAIL)
    assert reply.fault == (404, 4004, "GENERAL_ERROR")
    assert await gateway.rows("SELECT * FROM record") == []


async def test_a_campaign_that_is_unknown_is_accepted_and_gives_nothing(gateway: RunningGateway) -> None:
    await save(gateway)
    assert (await achieve(gateway, campaign=99)).status == 202
    await grant_all(gateway)
    assert (await ask(gateway, "GET", "customers/ann/balance")).body["totalPointsBalance"] == 0


async def test_a_key_replays_the_first_answer_byte_for_byte(gateway: RunningGateway) -> None:
    await save(gateway)
    first = await ask(
        gateway,
        "POST",
        ACHIEVE,
        headers={"Idempotency-Key": '"k-1"'},
        json={"customerId": "ann", "challengeId": 11664},
    )
    again = await ask(
        gateway,
        "POST",
        ACHIEVE,
        headers={"Idempotency-Key": "k-1"},
        json={"challengeId": 11664, "customerId": "ann"},
    )
    assert (first.status, again.status) == (202, 202)
    assert again.raw == first.raw
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert await gateway.rows("SELECT COUNT(*) FROM achievement") == [(1,)]


async def test_a_key_with_another_payload_is_refused(gateway: RunningGateway) -> None:
    await save(gateway)
    headers = {"Idempotency-Key": "k-1"}
    payload = {"customerId": "ann", "challengeId": 11664}
    assert (await ask(gateway, "POST", ACHIEVE, headers=headers, json=payload)).status == 202
    reply = await ask(gateway, "POST", ACHIEVE, headers=headers, json={**payload, "challengeId": 11665})
    assert reply.fault == (422, 3003, "PAYLOAD_ERROR")
    assert (await ask(gateway, "POST", ACHIEVE, headers=headers, json=payload, channel="pos")).status == 404


async def test_a_refused_call_leaves_its_key_free(gateway: RunningGateway) -> None:
    payload = {"customerId": "ann", "challengeId": 11664}
    headers = {"Idempotency-Key": "k-1"}
    assert (await ask(gateway, "POST", ACHIEVE, headers=headers, json=payload)).status == 404
    await save(gateway)
    assert (await ask(gateway, "POST", ACHIEVE, headers=headers, json=payload)).status == 202


async def test_an_unreadable_identifier_causes_a_warning_without_its_value(
    gateway: RunningGateway,
) -> None:
    await save(gateway)
    reply = await achieve(gateway, mobile="12", email="not an address")
    assert reply.status == 202
    warned = reply.headers["X-Gateway-Warnings"]
    assert {warning.split(":")[0] for warning in warned.split(", ")} == {"mobile", "email"}
    assert "12" not in warned
    assert await gateway.rows("SELECT * FROM observation") == []


async def test_a_national_number_needs_a_region(start: Start) -> None:
    channels = """
[[channel]]
name = "web"
api_key = "web-api-key-0123456789"
secret_key = "web-secret-key-0123456789"
"""
    async with start(channels=channels) as gateway:
        await save(gateway)
        reply = await achieve(gateway, mobile="01001234567")
        assert reply.headers["X-Gateway-Warnings"] == "mobile:no_region"


async def test_while_the_program_is_disabled_the_answer_says_so_and_is_kept_so(start: Start) -> None:
    program = '[program]\nenabled = false\ndisabled_status = "off"\ndisabled_message = "closed"\n'
    async with start(program) as gateway:
        await save(gateway)
        payload = {"customerId": "ann", "challengeId": 11664}
        headers = {"Idempotency-Key": "k"}
        first = await ask(gateway, "POST", ACHIEVE, json=payload, headers=headers)
        assert first.status == 202
        assert first.body == {**payload, "gameballStatus": "off", "message": "closed", "learnMore": ""}
        assert (await ask(gateway, "POST", ACHIEVE, json=payload, headers=headers)).raw == first.raw


@pytest.mark.parametrize("off", ["channel", "server"])
async def test_identity_headers_can_be_withheld(start: Start, off: str) -> None:
    channels = f"""
[[channel]]
name = "web"
trusted = {"false" if off == "channel" else "true"}
api_key = "web-api-key-0123456789"
secret_key = "web-secret-key-0123456789"
"""
    server = '[server]\nlisten = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\nidentity_headers = false\n'
    async with start(server if off == "server" else "", channels=channels) as gateway:
        reply = await save(gateway)
        assert not {name for name in reply.headers if name.startswith("X-Gateway")}


async def test_unknown_members_are_ignored(gateway: RunningGateway) -> None:
    await save(gateway)
    assert (await achieve(gateway, extra={"a": [1, 2.5, 10**30]}, challengeName="x")).status == 202
