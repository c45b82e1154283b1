"""The stand-in for the loyalty platform keeps to what the platform publishes; the tests against it rely on that."""

from typing import Any

import aiohttp
import pytest

from tests.support.loyalty_platform import API_KEY, OPERATIONS, SECOND, SECRET_KEY, OwnClock, Platform

KEYS = {"apikey": API_KEY, "secretkey": SECRET_KEY}


@pytest.fixture
async def ask(platform: Platform):
    async with aiohttp.ClientSession(platform.url, headers=KEYS) as session:

        async def asked(method: str, path: str, **options: Any) -> tuple[int, Any]:
            async with session.request(method, f"/api/v4.1/integrations{path}", **options) as answer:
                return answer.status, await answer.json() if await answer.read() else None

        yield asked


async def test_a_social_campaign_is_accepted_granted_later_and_refused_within_the_window(
    platform: Platform, ask
) -> None:
    platform.grant_delay = 20 * SECOND
    await ask("POST", "/customers", json={"customerId": "c-1", "email": "ann@example.com"})
    report = {"customerId": "c-1", "challengeId": 11664}
    assert await ask("POST", "/customers/social-challenges", json=report) == (202, report)
    status, refusal = await ask("POST", "/customers/social-challenges", json=report)
    assert (status, refusal["code"], refusal["message"]) == (
        400,
        4000,
        "can't send this action multiple times",
    )
    assert (await ask("GET", "/customers/c-1/balance"))[1]["avaliablePointsBalance"] == 0
    assert isinstance(platform.clock, OwnClock)
    platform.clock.advance(platform.dedup_window)
    assert (await ask("GET", "/customers/c-1/balance"))[1]["avaliablePointsBalance"] == 100
    assert (await ask("POST", "/customers/social-challenges", json=report))[0] == 202


async def test_two_ids_of_one_person_are_two_customers_to_it(platform: Platform, ask) -> None:
    for customer_id in ("c-1", "p-1"):
        await ask("POST", "/customers", json={"customerId": customer_id, "email": "ann@example.com"})
        report = {"customerId": customer_id, "challengeId": 11664}
        assert (await ask("POST", "/customers/social-challenges", json=report))[0] == 202


async def test_an_unknown_customer_has_a_body_and_an_unknown_route_has_none(ask) -> None:
    status, refusal = await ask("GET", "/customers/nobody/balance")
    assert (status, refusal["code"]) == (404, 4004)
    assert await ask("GET", "/no/such/route") == (404, None)


async def test_the_31st_write_in_a_second_is_refused_without_a_word(platform: Platform, ask) -> None:
    answers = [await ask("POST", "/customers", json={"customerId": "c"}) for _ in range(31)]
    assert answers[-1] == (429, None)
    assert [status for status, _ in answers[:30]] == [200] * 30
    assert platform.overruns == 1


async def test_keys_are_asked_for_as_published(platform: Platform) -> None:
    async with aiohttp.ClientSession(platform.url) as session:
        url = "/api/v4.1/integrations/customers/social-challenges"
        async with session.post(url, json={}) as answer:
            assert (answer.status, (await answer.json())["code"]) == (401, 1000)
        async with session.post(url, json={}, headers={"apikey": API_KEY}) as answer:
            assert (answer.status, (await answer.json())["code"]) == (401, 1006)


async def test_every_operation_answers_and_names_the_customer_that_was_asked_about(
    platform: Platform, ask
) -> None:
    platform.limits = False
    for operation in OPERATIONS:
        platform.ensure("c-1")
        path = "/".join("c-1" if part == "{customerId}" else part.strip("{}") for part in operation.path)
        many = operation.path[1] == "batch" and operation.method == "POST"
        named = {"customerId": "c-1", "challengeId": 11664, "tags": "vip", "isActive": True}
        options = (
            {"params": {"customerId": "c-1"}}
            if operation.method == "GET"
            else {"json": [named] if many else named}
        )
        status, answer = await ask(operation.method, path, **options)
        assert status in {200, 202}, operation
        for place in operation.answered:
            if "[]" not in place:
                assert answer[place] == "c-1"
