from __future__ import annotations

import csv
import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec
import pytest

from tests.support.people import achieve, grant, one_person, save

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.running_gateway import RunningGateway


async def get(gateway: RunningGateway, **query: object) -> Any:
    return await asked(gateway, "audit", query)


async def asked(gateway: RunningGateway, path: str, query: Mapping[str, object], expected: int = 200) -> Any:
    async with gateway.admin("GET", f"{path}?{urlencode(query)}") as response:
        assert response.status == expected, await response.text()
        return await response.json(content_type=None)


async def lines(gateway: RunningGateway, **query: object) -> list[Any]:
    headers = {"Authorization": "Bearer admin-token-0123456789", "Accept": "application/x-ndjson"}
    url = f"{gateway.admin_url}/admin/v1/audit?{urlencode(query)}"
    async with gateway.client.get(url, headers=headers) as response:
        assert response.content_type == "application/x-ndjson"
        return [msgspec.json.decode(line) async for line in response.content]


async def test_the_log_is_a_table_for_spreadsheets(gateway: RunningGateway) -> None:
    await one_person(gateway.services)
    headers = {"Authorization": "Bearer admin-token-0123456789", "Accept": "text/csv"}
    url = f"{gateway.admin_url}/admin/v1/audit?order=asc"
    async with gateway.client.get(url, headers=headers) as response:
        assert response.content_type == "text/csv"
        rows = [*csv.DictReader((await response.text()).splitlines())]
    told = await lines(gateway, order="asc")
    assert [row["id"] for row in rows] == [event["id"] for event in told][: len(rows)]
    assert [json.loads(row["detail"]) for row in rows] == [event["detail"] for event in told][: len(rows)]
    assert {row["words"] for row in rows} >= {"null"}


async def test_no_cell_of_the_table_is_a_formula_whichever_separator_a_spreadsheet_has(
    gateway: RunningGateway,
) -> None:
    survivor, _ = await one_person(gateway.services)
    text = 'x;=HYPERLINK("http://example.com") \u202e\x1b[31m'
    async with gateway.admin(
        "POST", f"profiles/{survivor}/split", json={"mode": "all", "reason": text}
    ) as done:
        assert done.status == 200, await done.text()
    headers = {"Authorization": "Bearer admin-token-0123456789", "Accept": "text/csv"}
    async with gateway.client.get(f"{gateway.admin_url}/admin/v1/audit", headers=headers) as response:
        table = await response.text()
    assert "x;'=HYPERLINK" in table
    assert not {"\x1b", "\u202e"} & set(table)


async def fill_lookups(gateway: RunningGateway) -> None:
    while await gateway.services.store.maintain(1_000):
        pass


@pytest.mark.parametrize("filled", [False, True])
async def test_filters_find_exactly_their_events(gateway: RunningGateway, filled: bool) -> None:
    survivor, absorbed = await one_person(gateway.services)
    await save(gateway.services, "web", "somebody-else")
    achievement = await achieve(gateway.services, "pos", "till-1")
    await grant(gateway.services)
    if filled:
        await fill_lookups(gateway)
    everything = await lines(gateway, order="asc")
    family = {survivor, absorbed}
    expected = {
        ("profile", survivor): [event for event in everything if event["profile"] in family],
        ("profile", absorbed): [event for event in everything if event["profile"] in family],
        ("object", achievement): [event for event in everything if event["object"] == achievement],
        ("request_id", "req_joins"): [event for event in everything if event["request_id"] == "req_joins"],
        ("action", "identity.*"): [event for event in everything if event["action"].startswith("identity.")],
        ("action", "achievement.granted"): [e for e in everything if e["action"] == "achievement.granted"],
        ("channel", "pos"): [event for event in everything if event["channel"] == "pos"],
        ("actor", "channel:web"): [event for event in everything if event["actor"] == "channel:web"],
        ("outcome", "merged"): [event for event in everything if event["outcome"] == "merged"],
    }
    for (name, value), events in expected.items():
        assert events, name
        assert await lines(gateway, **{name: value}, order="asc") == events, name
        assert (await get(gateway, **{name: value}))["items"] == events[::-1], name


async def test_pages_and_lines_hold_the_same_in_both_directions(gateway: RunningGateway) -> None:
    for number in range(12):
        await save(gateway.services, "web", f"c{number}")
    for order in ("asc", "desc"):
        paged: list[Any] = []
        query: dict[str, object] = {"limit": 5, "order": order}
        while True:
            answer = await get(gateway, **query)
            paged += answer["items"]
            if answer["next"] is None:
                break
            query["cursor"] = answer["next"]
        assert paged == await lines(gateway, order=order)
        assert paged[:5] == await lines(gateway, order=order, limit=5)
    assert all(older["id"] > newer["id"] for older, newer in pairwise(paged))


async def test_after_continues_behind_an_event(gateway: RunningGateway) -> None:
    await save(gateway.services, "web", "a")
    (newest,) = (await get(gateway, limit=1))["items"]
    assert not (await get(gateway, after=newest["id"]))["items"]
    await save(gateway.services, "web", "b")
    assert (await get(gateway, after=newest["id"]))["items"]


async def test_time_bounds_are_read_in_three_ways(gateway: RunningGateway) -> None:
    await save(gateway.services, "web", "a")
    (newest,) = (await get(gateway, limit=1))["items"]
    count = len(await lines(gateway))
    for since in ("1h", "2020-01-01", "2020-01-01T00:00:00+02:00"):
        assert len(await lines(gateway, since=since)) == count
    assert newest["id"] not in {event["id"] for event in await lines(gateway, until=newest["at"])}
    assert newest["id"] in {event["id"] for event in await lines(gateway, since=newest["at"])}
    assert not await lines(gateway, until="1h")
    assert not await lines(gateway, since="2999-01-01")


@pytest.mark.parametrize(
    "query", [{"since": "yesterday"}, {"until": "2026-01-01T00:00:00"}, {"profile": "ann"}]
)
async def test_an_unreadable_parameter_is_named(gateway: RunningGateway, query: dict[str, str]) -> None:
    answer = await asked(gateway, "audit", query, 400)
    assert answer["code"] == "bad_parameter"
    assert answer["detail"].startswith(next(iter(query)))


async def test_an_untouched_log_verifies(gateway: RunningGateway) -> None:
    await one_person(gateway.services)
    await fill_lookups(gateway)
    verdict = await asked(gateway, "audit/verify", {})
    assert (verdict["ok"], verdict["breaches"]) == (True, [])
    assert verdict["events"] == len(await lines(gateway))
    assert [(verdict["checkpoints"],)] == await gateway.rows("SELECT COUNT(*) FROM audit_checkpoint")


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit SET actor = 'operator:nobody' WHERE event_id = (SELECT MIN(event_id) FROM audit WHERE seq = 2)",
        "DELETE FROM audit WHERE seq = 2",
        "DELETE FROM audit WHERE seq > 1",
        "UPDATE audit_checkpoint SET at = at + 1",
    ],
)
async def test_an_altered_log_is_detected(gateway: RunningGateway, tampering: str) -> None:
    await one_person(gateway.services)
    await fill_lookups(gateway)
    await gateway.tamper(tampering)
    verdict = await asked(gateway, "audit/verify", {})
    assert not verdict["ok"]
    assert len(verdict["breaches"]) == 1


async def test_written_texts_are_shown_until_the_erasure_and_the_chain_still_verifies(
    gateway: RunningGateway,
) -> None:
    ann = await save(gateway.services, "web", "ann", email="ann@x.eg")
    bob = await save(gateway.services, "pos", "bob", email="bob@x.eg")
    body = {"profiles": [ann, bob], "reason": "Ann rang"}
    async with gateway.admin("POST", "merges", json=body) as response:
        assert response.status == 200
    said = [event["words"] for event in await pinned(gateway)]
    assert said == [{"note": "Ann rang"}]
    await gateway.tamper("UPDATE audit_words SET words = '{\"note\":\"Bob rang\"}' WHERE words LIKE '%rang%'")
    assert [event["words"] for event in await pinned(gateway)] == [{"note": "Bob rang", "unproven": True}]
    async with gateway.admin("DELETE", f"profiles/{bob}") as response:
        assert response.status == 200
    (event,) = await pinned(gateway)
    assert event["words"] is None
    assert "rang" not in str(event)
    assert await gateway.rows("SELECT * FROM audit_words") == []
    async with gateway.admin("GET", "audit/verify?state=true") as response:
        verdict = await response.json()
    assert (verdict["ok"], verdict["breaches"]) == (True, [])


async def pinned(gateway: RunningGateway) -> list[Any]:
    async with gateway.admin("GET", "audit?action=pin.set") as response:
        return (await response.json())["items"]
