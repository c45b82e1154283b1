"""Everything that is held on a person, for a request under data protection law."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.people import achieve, grant, one_person

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


async def exported(gateway: RunningGateway, profile: str, status: int = 200) -> Any:
    async with gateway.admin("GET", f"profiles/{profile}/export") as answer:
        assert answer.status == status, await answer.text()
        return await answer.json(content_type=None)


async def stored(gateway: RunningGateway, sql: str) -> list[Any]:
    return [value for (value,) in await gateway.rows(sql)]


async def test_an_export_has_every_value_that_is_stored_of_the_person(gateway: RunningGateway) -> None:
    profile, _ = await one_person(gateway.services)
    await achieve(gateway.services, "web", "web-1")
    await grant(gateway.services)
    body = {"customerId": "web-1", "tags": "vip"}
    async with gateway.call("POST", "customers/web-1/tags", json=body) as answer:
        assert answer.status < 300, await answer.text()
    person = await exported(gateway, profile)
    text = str(person)
    for sql in (
        "SELECT customer_id FROM record",
        "SELECT value FROM observation",
        "SELECT name FROM attribute",
        "SELECT tag FROM tag",
    ):
        values = await stored(gateway, sql)
        assert values
        assert not [value for value in values if str(value) not in text], sql
    assert {one["state"] for one in person["achievements"]} == {"granted"}
    assert len(person["events"]) == len(
        await stored(gateway, "SELECT event_id FROM audit WHERE profile <> ''")
    )


async def test_an_export_is_audited_and_not_found_after_the_erasure(gateway: RunningGateway) -> None:
    profile, _ = await one_person(gateway.services)
    person = await exported(gateway, profile)
    (event,) = [one for one in person["events"] if one["action"] == "customer.exported"]
    assert (event["profile"], event["actor"]) == (person["profile"]["id"], "operator:shared")
    async with gateway.admin("DELETE", f"profiles/{profile}") as answer:
        assert answer.status == 200
    assert (await exported(gateway, profile, 404))["code"] == "not_found"
