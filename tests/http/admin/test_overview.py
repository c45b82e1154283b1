"""The system at a glance: the overview, the channels, the campaigns, the imports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gateway.clock import DAY, MINUTE, timestamp
from gateway.errors import StoreUnavailable
from gateway.store.backups import note_backup, stamp_of
from gateway.workers.database_metrics import measure
from tests.support.admin_api import ask
from tests.support.admin_rules import SEED, rule_text
from tests.support.import_chunks import IMPORT, bring, chunk
from tests.support.people import achieve, grant, one_person, save
from tests.support.running_gateway import ADMIN_TOKEN

if TYPE_CHECKING:
    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway


async def test_the_overview_shows_channels_decisions_and_backlogs(gateway: RunningGateway) -> None:
    await one_person(gateway.services)
    await achieve(gateway.services, "web", "web-1")
    await grant(gateway.services)
    counter, now = gateway.services.activity, gateway.services.clock.now()
    for _ in range(10):
        counter.note_call("pos", 200, now - now % MINUTE - MINUTE)
    await counter.store_counts()
    await gateway.tamper("UPDATE achievement SET state = 'failed'")
    told = await ask(gateway, "GET", "overview")
    assert (told["ready"], told["problems"], told["mode"]) == (True, [], "local")
    today = told["today"]
    assert (today["created"], today["merged"], today["accepted"], today["granted"]) == (2, 1, 1, 1)
    pos = next(channel for channel in told["channels"] if channel["name"] == "pos")
    assert pos["calls_a_minute"] == 2
    assert pos["silent_seconds"] >= 60
    assert told["waiting"]["failed_grants"] == 1
    assert told["waiting"]["reviews"] == {}
    assert told["upstream"] is None
    assert told["sizes"]["database"] > 0
    channels = (await ask(gateway, "GET", "channels?limit=2"))["items"]
    assert [channel["name"] for channel in channels] == ["mobile", "pos"]


async def test_the_overview_shows_the_growth_of_the_database_and_its_last_backup(
    gateway: RunningGateway,
) -> None:
    services = gateway.services
    now, path = services.clock.now(), services.config.store.sqlite_path
    await measure(services.store, path, services.clock, services.telemetry.metrics)
    ((day, first),) = await gateway.rows("SELECT day, bytes FROM database_size")
    assert day == now - now % DAY
    await measure(services.store, path, services.clock, services.telemetry.metrics)
    assert await gateway.rows("SELECT day, bytes FROM database_size") == [(day, first)]
    told = await ask(gateway, "GET", "overview")
    assert (told["sizes"]["grew_a_day"], told["sizes"]["grew_days"], told["backup_at"]) == (None, None, None)
    for back, size in ((40, 0), (10, first - 10_000), (1, first - 1)):
        await gateway.tamper(f"INSERT INTO database_size VALUES ({day - back * DAY}, {size})")
    sizes = (await ask(gateway, "GET", "overview"))["sizes"]
    assert sizes["grew_days"] == 10
    assert sizes["grew_a_day"] == (sizes["database"] - first + 10_000) // 10
    if path is not None:
        note_backup(Path(path), now)
        assert (await ask(gateway, "GET", "overview"))["backup_at"] == timestamp(now)
        for text in ("", "yesterday", "2026-11-29", "99999-01-01T00:00:00Z"):
            stamp_of(Path(path)).write_text(text)
            assert (await ask(gateway, "GET", "overview"))["backup_at"] is None


async def test_the_overview_says_why_calls_are_refused(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: object) -> None:
        raise StoreUnavailable("the disk is nearly full")

    monkeypatch.setattr(type(gateway.services.store), "probe", full)
    told = await ask(gateway, "GET", "overview")
    assert (told["ready"], told["problems"]) == (False, ["the disk is nearly full"])


async def test_in_forward_mode_the_overview_shows_the_answers_of_the_platform(
    forward: RunningGateway, platform: Platform
) -> None:
    async with forward.call("POST", "customers", json={"customerId": "w1", "email": "ann@x.eg"}) as answer:
        assert answer.status == 200
    upstream = (await ask(forward, "GET", "overview"))["upstream"]
    assert (upstream["breaker"], upstream["open_deliveries"]) == ("closed", 0)
    assert upstream["median_ms"] > 0


async def test_a_campaign_shows_the_outcomes_of_its_achievements(gateway: RunningGateway) -> None:
    await one_person(gateway.services)
    await achieve(gateway.services, "web", "web-1")
    await grant(gateway.services)
    async with gateway.call("POST", "nothing", json={}) as response:
        await response.read()
    await gateway.services.activity.store_counts()
    first, second = (await ask(gateway, "GET", "campaigns"))["items"]
    assert (first["id"], first["name"]) == (11664, "Follow us on Facebook")
    assert (first["accepted"], first["granted"], first["ignored"]) == (1, 1, {})
    assert (second["accepted"], second["granted"]) == (0, 0)


async def test_imports_are_listed_and_their_refused_lines_and_unusable_identifiers_downloaded(
    gateway: RunningGateway,
) -> None:
    rows = [["7", "ann@x.eg"], ["", "bob@x.eg"], ["8", "no address"], ["9", "nor this"]]
    await bring(gateway, chunk(*rows))
    [run] = (await ask(gateway, "GET", "imports"))["items"]
    assert (run["id"], run["channel"], run["state"], run["lines"]) == (IMPORT, "pos", "under_way", 4)
    assert run["counts"] == {"created": 3, "rejected": 1}
    assert [one["what"] for one in (await ask(gateway, "GET", "overview"))["progress"]] == ["import"]
    await bring(gateway, chunk(first=5, last=True))
    [run] = (await ask(gateway, "GET", "imports?channel=pos"))["items"]
    assert (run["state"], (await ask(gateway, "GET", "overview"))["progress"]) == ("finished", [])
    assert (await ask(gateway, "GET", "imports?channel=web"))["items"] == []

    refused = await _file(gateway, f"imports/{IMPORT}/refusals", "text/csv")
    assert refused == "line,reason\r\n2,customer_id_missing\r\n"
    unusable = await _file(gateway, f"imports/{IMPORT}/warnings", "application/x-ndjson")
    assert [line.split(",")[0] for line in unusable.splitlines()] == ['{"line":3', '{"line":4']


async def _file(gateway: RunningGateway, path: str, form: str) -> str:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Accept": form}
    async with gateway.client.get(f"{gateway.admin_url}/admin/v1/{path}", headers=headers) as response:
        assert response.content_type == form
        return await response.text()


async def _store(gateway: RunningGateway, path: str, text: str, expected: int = 200) -> Any:
    async with gateway.admin("POST", path, json={"text": text}) as response:
        assert response.status == expected, await response.text()
        return await response.json(content_type=None)


async def test_rule_sets_are_compared_line_by_line_with_their_effects(gateway: RunningGateway) -> None:
    await one_person(gateway.services)
    await gateway.services.activity.store_counts()
    hits = (await ask(gateway, "GET", f"rules/{SEED}/stats"))["items"]
    assert {hit["rule"]: hit["merged"] for hit in hits if hit["rule"]}.popitem()[1] == 1
    assert sum(hit["merged"] for hit in hits) == 1

    await _store(gateway, "rules", rule_text("v2"), 201)
    changed = rule_text("v3").replace("[rules]", "# a remark\n[rules]")
    await _store(gateway, "rules", changed, 201)
    lines = (await ask(gateway, "GET", "rules/diff?a=v2&b=v3"))["lines"]
    assert [(line["kind"], line["text"]) for line in lines if line["kind"] != "same"] == [
        ("added", "# a remark"),
        ("removed", 'version = "v2"'),
        ("added", 'version = "v3"'),
    ]
    assert (await ask(gateway, "GET", "rules/diff?a=v2&b=v2"))["lines"] == []


async def test_the_plan_of_a_rule_set_is_kept_with_its_samples(gateway: RunningGateway) -> None:
    survivor, _ = await one_person(gateway.services)
    await save(gateway.services, "web", "web-2")
    planned = await _store(gateway, "rules/plan", rule_text("v2"))
    await _store(gateway, "rules", rule_text("v2"), 201)
    kept = await ask(gateway, "GET", "rules/v2/plan")
    assert (kept["counts"], kept["cases"]) == (planned["counts"], planned["cases"])
    assert [survivor] == kept["cases"][0]["profiles"]
    async with gateway.admin("GET", f"rules/{SEED}/plan") as response:
        assert response.status == 404
