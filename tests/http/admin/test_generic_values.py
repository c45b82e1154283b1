"""Values that newly join too many: listed with what they would join and what followed, and put on a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.admin_api import ask, refused
from tests.support.people import save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway

SHOP, SHARED = "+201000000100", "till@shop.example.org"
LIMIT = 5
"""Of records, by the rules of this gateway."""


async def crowd(gateway: RunningGateway, name: str, **value: str) -> None:
    for number in range(LIMIT + 1):
        await save(gateway.services, "web", f"{name}-{number}", **value)


async def listed(gateway: RunningGateway, query: str = "") -> list[Any]:
    return (await ask(gateway, "GET", f"generic-values{query}"))["items"]


async def test_a_value_is_listed_with_what_it_would_join_and_what_followed(gateway: RunningGateway) -> None:
    assert await listed(gateway) == []
    await crowd(gateway, "c", mobile=SHOP)
    await gateway.regroup()
    (found,) = await listed(gateway)
    assert SHOP not in str(found)
    assert (found["type"], found["mask"]) == ("mobile", "***00")
    assert (found["cause"], found["state"]) == ("generic", "generic")
    assert (found["records"], found["profiles"], found["split"], found["asked"]) == (LIMIT + 1, 4, 0, 2)
    assert found["looked_at"] >= found["found_at"]
    assert [one["person"] for one in found["holders"]] == ["web:c-0, web:c-1, web:c-2", "web:c-3", "web:c-4"]
    assert (await ask(gateway, "GET", "overview"))["waiting"]["generic_values"] == 1


async def test_values_are_paged_and_asked_for_by_type_and_time(gateway: RunningGateway) -> None:
    await crowd(gateway, "c", mobile=SHOP)
    await crowd(gateway, "d", email=SHARED)
    await gateway.regroup()
    first = await ask(gateway, "GET", "generic-values?limit=1")
    assert [one["type"] for one in first["items"]] == ["email"]
    rest = await ask(gateway, "GET", f"generic-values?limit=1&cursor={first['next']}")
    assert ([one["type"] for one in rest["items"]], rest["next"]) == (["mobile"], None)
    assert [one["type"] for one in await listed(gateway, "?type=mobile")] == ["mobile"]
    assert await listed(gateway, "?until=1h") == []
    assert len(await listed(gateway, "?since=1h")) == 2
    await refused(gateway, "GET", "generic-values?cursor=x", 400, "bad_cursor")


async def test_a_number_of_the_shop_is_put_on_a_list_by_its_id(gateway: RunningGateway) -> None:
    await crowd(gateway, "c", mobile=SHOP)
    await crowd(gateway, "d", email=SHARED)
    await gateway.regroup()
    email, number = await listed(gateway)
    body = {"values": [number["id"]]}
    assert (await ask(gateway, "POST", "lists/stores", body=body))["values"] == [SHOP]
    assert [one["state"] for one in await listed(gateway)] == ["generic", "blocked"]
    assert (await ask(gateway, "GET", "overview"))["waiting"]["generic_values"] == 1
    assert (await ask(gateway, "DELETE", "lists/stores", body=body))["changed"] == 1
    assert [one["state"] for one in await listed(gateway)] == ["generic", "generic"]
    why = await refused(gateway, "POST", "lists/stores", 400, "bad_body", {"values": [email["id"]]})
    assert "is not a number (email)" in why
    await refused(gateway, "POST", "lists/stores", 404, "not_found", {"values": ["val_0000000000000001"]})


async def test_a_value_that_no_record_holds_any_more_is_forgotten(gateway: RunningGateway) -> None:
    await crowd(gateway, "c", mobile=SHOP)
    await gateway.regroup()
    for (profile,) in await gateway.rows("SELECT DISTINCT profile_id FROM record"):
        await ask(gateway, "DELETE", f"profiles/prf_{profile:016x}")
    assert await listed(gateway) == []
    assert await gateway.rows("SELECT value FROM regrouping WHERE value <> ''") == []
