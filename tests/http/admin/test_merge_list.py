"""Merges as lists, one with what its undo would do, and counts of each day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.store.queries import window
from tests.support.admin_api import WHY, ask, refused
from tests.support.admin_decisions import merge, two
from tests.support.import_chunks import IMPORT, bring, chunk
from tests.support.people import EMAIL, MOBILE, one_person, save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


async def listed(gateway: RunningGateway, **query: Any) -> list[str]:
    """The ids of every page."""
    found: list[str] = []
    cursor = ""
    while True:
        page = await ask(gateway, "GET", "merges", params={**query, "cursor": cursor})
        found += [one["id"] for one in page["items"]]
        if page["next"] is None:
            return found
        cursor = page["next"]


async def by_hand(gateway: RunningGateway, count: int, family: str = "") -> list[str]:
    """Merges of new pairs by an operator, oldest first."""
    made: list[str] = []
    for number in range(count):
        pair = [await save(gateway.services, "web", f"{family}{number}-{side}") for side in "ab"]
        made.append((await merge(gateway, *pair))["merge"])
    return made


async def test_merges_are_listed_newest_first_and_filtered(gateway: RunningGateway) -> None:
    survivor, _ = await one_person(gateway.services)
    first, second, third = await by_hand(gateway, 3)
    await ask(gateway, "POST", f"merges/{second}/undo", body=WHY)
    everyone = await listed(gateway, limit=2)
    assert everyone[:3] == [third, second, first]
    by_rule = [one for one in everyone if one not in (first, second, third)]
    assert await listed(gateway, rule="operator") == [third, second, first]
    assert await listed(gateway, channel="mobile") == await listed(gateway, actor="channel:mobile") == by_rule
    assert await listed(gateway, state="undone") == [second]
    assert await listed(gateway, state="standing", rule="operator") == [third, first]
    assert await listed(gateway, until="1h") == []
    assert await listed(gateway, since="1h", actor="operator:shared", limit=1) == [third, second, first]
    (shown,) = (await ask(gateway, "GET", "merges", params={"channel": "mobile"}))["items"]
    assert (shown["survivor"], shown["person"]) == (survivor, "web:web-1, pos:till-1, mobile:app-1")
    await refused(gateway, "GET", "merges?channel=nowhere", 404, "unknown_channel")
    await refused(gateway, "GET", "merges?channel=web&actor=sam", 400, "bad_parameter")


async def test_filters_that_no_index_serves_end_a_page_early_and_miss_nothing(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "WINDOW", 2)
    first, *_, last = made = await by_hand(gateway, 5)
    for one in (first, last):
        await ask(gateway, "POST", f"merges/{one}/undo", body=WHY)
    page = await ask(gateway, "GET", "merges", params={"state": "undone", "rule": "operator"})
    assert [one["id"] for one in page["items"]] == [last]
    assert page["next"]
    assert await listed(gateway, state="undone", rule="operator") == [last, first]
    assert await listed(gateway, state="standing") == made[3:0:-1]


async def test_the_merges_of_an_import_are_those_of_its_requests(gateway: RunningGateway) -> None:
    await save(gateway.services, "web", "known", email=EMAIL)
    await save(gateway.services, "web", "till", mobile=MOBILE)
    await by_hand(gateway, 1)
    await bring(gateway, chunk(["new", EMAIL, MOBILE], last=True))
    (made,) = await listed(gateway, import_id=f"imp_{IMPORT}")
    assert (await ask(gateway, "GET", f"merges/{made}"))["rule"] != "operator"
    assert len(await listed(gateway)) == 2
    assert await listed(gateway, import_id="imp_fedcba9876543210") == []


async def test_one_merge_shows_both_sides_and_what_its_undo_would_do(gateway: RunningGateway) -> None:
    web, till = await two(gateway)
    merged = await merge(gateway, web, till)
    shown = await ask(gateway, "GET", f"merges/{merged['merge']}")
    assert (shown["survivor_record_count"], shown["absorbed_record_count"]) == (1, 1)
    assert shown["undo"]["refused"] is None
    undone = await ask(gateway, "POST", f"merges/{merged['merge']}/undo", body=WHY)
    told = {one["id"]: one["version"] for one in shown["undo"]["effects"]["profiles"]}
    assert told[undone["profile"]] == undone["version"]
    assert told.keys() == {web, till}
    assert (await ask(gateway, "GET", f"merges/{merged['merge']}"))["undo"] is None
    await refused(gateway, "GET", "merges/mrg_0000000000000001", 404, "not_found")


async def test_merges_are_counted_by_day_and_rule(gateway: RunningGateway) -> None:
    await one_person(gateway.services)
    first, *_ = await by_hand(gateway, 2)
    await ask(gateway, "POST", f"merges/{first}/undo", body=WHY)
    days = (await ask(gateway, "GET", "merges/counts"))["days"]
    assert {(one["rule"] == "operator", one["merged"], one["undone"]) for one in days} == {
        (True, 2, 1),
        (False, 1, 0),
    }
    assert (await ask(gateway, "GET", "merges/counts?until=2d"))["days"] == []
    await refused(gateway, "GET", "merges/counts?since=100d", 400, "bad_parameter")
