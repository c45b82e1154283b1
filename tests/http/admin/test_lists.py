"""The operators' own lists over the admin API: a value on them joins no records, from then on and for what it joined before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.admin_api import ask, refused
from tests.support.people import EMAIL, save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway

SHOP = "+201000000100"


async def test_numbers_are_normalised_and_kept_once(gateway: RunningGateway) -> None:
    body = {"values": ["010 0000 0100", SHOP, "+20 100 000 0101"], "region": "EG"}
    added = await ask(gateway, "POST", "lists/stores", body=body)
    assert added == {"name": "stores", "values": [SHOP, "+201000000101"], "changed": 2, "in_use": True}
    assert (await ask(gateway, "POST", "lists/stores", body={"values": [SHOP]}))["changed"] == 0
    shown = await ask(gateway, "GET", "lists/stores")
    assert [one["value"] for one in shown["items"]] == [SHOP, "+201000000101"]
    assert (await ask(gateway, "GET", "lists"))["items"] == [{"name": "stores", "size": 2, "in_use": True}]
    removed = await ask(gateway, "DELETE", "lists/stores", body={"values": ["+20 100 000 0101"]})
    assert (removed["changed"], removed["values"]) == (1, ["+201000000101"])
    assert (await ask(gateway, "DELETE", "lists/stores", body={"values": ["+201000000101"]}))["changed"] == 0


async def test_a_list_that_the_rules_do_not_name_is_kept_and_blocks_nothing(gateway: RunningGateway) -> None:
    added = await ask(gateway, "POST", "lists/ours", body={"values": [SHOP]})
    assert (added["changed"], added["in_use"]) == (1, False)
    one = await save(gateway.services, "web", "1", mobile=SHOP)
    assert await save(gateway.services, "pos", "2", mobile=SHOP) == one


async def test_records_joined_by_a_number_can_be_separated_once_it_is_listed(gateway: RunningGateway) -> None:
    one = await save(gateway.services, "web", "1", email=EMAIL, mobile=SHOP)
    assert await save(gateway.services, "pos", "2", mobile=SHOP) == one
    await ask(gateway, "POST", "lists/stores", body={"values": [SHOP]})
    await gateway.regroup()
    (question,) = (await ask(gateway, "GET", "reviews?state=open"))["items"]
    assert (question["profiles"], question["reason"]) == ([one], "resplit:blocked")
    answered = await ask(gateway, "POST", f"reviews/{question['id']}/accept")
    assert answered["state"] == "accepted"
    records = (await ask(gateway, "GET", f"profiles/{one}"))["records"]
    assert len(records) == 1
    assert [record["id"] for record in records] != question["records"]


async def test_an_invalid_number_and_an_invalid_name_are_refused(gateway: RunningGateway) -> None:
    detail = await refused(gateway, "POST", "lists/stores", 400, "bad_body", {"values": [SHOP, "shop"]})
    assert detail.startswith("values[1] is not a telephone number (not_a_number)")
    await refused(gateway, "POST", "lists/stores", 400, "bad_body", {"values": []})
    await refused(gateway, "POST", "lists/My%20shops", 400, "bad_parameter", {"values": [SHOP]})
    await refused(gateway, "GET", "lists/My%20shops", 400, "bad_parameter")
    assert (await ask(gateway, "GET", "lists/nothing"))["items"] == []
