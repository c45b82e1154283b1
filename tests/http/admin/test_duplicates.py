"""The duplicate check: every reason is found, no single profile is named, nothing is changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gateway.model import Caller, SaveCustomer, SetPin
from gateway.store.queries.duplicates import REASONS
from tests.support.people import EMAIL, MOBILE, one_person, save
from tests.support.running_gateway import ADMIN_TOKEN

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


async def found(gateway: RunningGateway, query: str = "") -> list[dict[str, Any]]:
    async with gateway.admin("GET", f"duplicates{query}") as response:
        assert response.status == 200, await response.text()
        return (await response.json())["items"]


async def kept_apart(gateway: RunningGateway, channel: str, customer_id: str, **raw: str) -> str:
    """A record that is pinned apart from all others before it says anything."""
    profile = await save(gateway.services, channel, customer_id)
    *others, mine = [
        record_id for (record_id,) in await gateway.rows("SELECT record_id FROM record ORDER BY 1")
    ]
    for other in others:
        await gateway.services.pipeline.submit(
            SetPin(Caller("", "", "operator", "req"), other, mine, "cannot", "test")
        )
    await save(gateway.services, channel, customer_id, **raw)
    return profile


async def say(gateway: RunningGateway, channel: str, customer_id: str, kind: str, raw: str) -> None:
    """As the public listener does it: with the provider's form of an address."""
    evidence = gateway.services.env.normalizer.evidence(kind, raw, "EG")
    assert evidence[0].status == "ok", evidence
    caller = Caller(channel, channel, f"channel:{channel}", "req")
    await gateway.services.pipeline.submit(SaveCustomer(caller, customer_id, evidence))


async def test_one_profile_is_no_duplicate_of_itself(gateway: RunningGateway) -> None:
    await one_person(gateway.services)
    assert await found(gateway) == []


async def test_the_same_identifier_on_two_profiles_is_a_duplicate(gateway: RunningGateway) -> None:
    first = await save(gateway.services, "web", "web-1", email=EMAIL)
    second = await kept_apart(gateway, "pos", "till-1", email=EMAIL)
    (group,) = await found(gateway)
    assert (group["reason"], group["type"], group["mask"]) == ("same_identifier", "email", "a***@s***.org")
    assert (group["state"], group["profiles"], group["records"]) == ("normal", 2, 2)
    assert [(one["profile"], one["id_space"], one["customer_id"]) for one in group["members"]] == [
        (first, "web", "web-1"),
        (second, "pos", "till-1"),
    ]
    assert EMAIL not in json.dumps(group)


async def test_a_value_that_joins_no_records_is_named_as_such(gateway: RunningGateway) -> None:
    for number in range(7):
        await kept_apart(gateway, "web", f"web-{number}", mobile="+201000000001")
    for number in range(2):
        await save(gateway.services, "pos", f"till-{number}", email="test@test.com")
    states = {group["type"]: group["state"] for group in await found(gateway)}
    assert states == {"mobile": "generic", "email": "blocked"}


async def test_one_mailbox_written_in_two_ways_is_a_duplicate(gateway: RunningGateway) -> None:
    await say(gateway, "web", "web-1", "email", "a.nn@gmail.com")
    await say(gateway, "pos", "till-1", "email", "ann+shop@gmail.com")
    (group,) = await found(gateway)
    assert (group["reason"], group["type"]) == ("provider_form", "email.canonical")
    assert [one["mask"] for one in group["members"]] == ["a***@g***.com"] * 2


async def test_an_identical_address_is_reported_once(gateway: RunningGateway) -> None:
    await say(gateway, "web", "web-1", "email", "ann@gmail.com")
    await kept_apart(gateway, "pos", "till-1")
    await say(gateway, "pos", "till-1", "email", "ann@gmail.com")
    assert [group["reason"] for group in await found(gateway)] == ["same_identifier"]


async def test_numbers_that_differ_only_in_their_country_are_duplicates(gateway: RunningGateway) -> None:
    await say(gateway, "web", "web-1", "mobile", "+201001234567")
    await say(gateway, "pos", "till-1", "mobile", "+966501234567")
    await say(gateway, "pos", "till-2", "mobile", "+971501234567")
    (group,) = await found(gateway, "?reason=number_ending")
    assert (group["type"], group["mask"], group["profiles"]) == ("mobile", "***67", 2)
    assert [one["customer_id"] for one in group["members"]] == ["till-1", "till-2"]


async def test_one_customer_id_in_two_id_spaces_is_a_duplicate(gateway: RunningGateway) -> None:
    await save(gateway.services, "web", "4711", email=EMAIL)
    await save(gateway.services, "pos", "4711", mobile=MOBILE)
    (group,) = await found(gateway)
    assert (group["reason"], group["mask"], group["profiles"]) == ("customer_id", "4711", 2)


@pytest.mark.parametrize("streamed", [False, True])
async def test_pages_and_the_stream_list_the_same_duplicates(gateway: RunningGateway, streamed: bool) -> None:
    for number in range(3):
        await save(gateway.services, "web", f"{number}", email=f"{number}@gmail.com")
        await kept_apart(gateway, "pos", f"{number}", email=f"{number}@gmail.com")
    whole = await found(gateway)
    assert [group["reason"] for group in whole] == ["same_identifier"] * 3 + ["customer_id"] * 3
    if streamed:
        headers = {
            "Authorization": f"Bearer {gateway.services.admin_token}",
            "Accept": "application/x-ndjson",
        }
        url = f"{gateway.admin_url}/admin/v1/duplicates"
        async with gateway.client.get(url, headers=headers) as response:
            assert [json.loads(line) async for line in response.content] == whole
        return
    parts: list[dict[str, Any]] = []
    query = "?limit=1"
    while query:
        async with gateway.admin("GET", f"duplicates{query}") as response:
            answer = await response.json()
        parts += answer["items"]
        query = f"?limit=1&cursor={answer['next']}" if answer["next"] else ""
    assert parts == whole


async def test_listing_duplicates_changes_nothing(gateway: RunningGateway) -> None:
    await save(gateway.services, "web", "4711")
    await save(gateway.services, "pos", "4711")
    before = await gateway.rows("SELECT COUNT(*) FROM audit")
    for reason in REASONS:
        await found(gateway, f"?reason={reason}")
    assert await gateway.rows("SELECT COUNT(*) FROM audit") == before


async def test_the_console_looks_through_all_customers_only_once_a_reason_is_chosen(
    gateway: RunningGateway,
) -> None:
    await save(gateway.services, "web", "web-1", email=EMAIL)
    await kept_apart(gateway, "pos", "till-1", email=EMAIL)
    first = await _page(gateway, "")
    assert "a***@s***.org" not in first
    assert "Choose what they have in common" in first
    assert "a***@s***.org" in await _page(gateway, "?reason=same_identifier")
    assert "No profiles look alike." in await _page(gateway, "?reason=customer_id")


async def _page(gateway: RunningGateway, query: str) -> str:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    async with gateway.client.get(f"{gateway.admin_url}/console/duplicates{query}", headers=headers) as page:
        assert page.status == 200
        return await page.text()
