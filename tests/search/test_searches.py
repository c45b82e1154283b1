"""Searches for suggestions on a real gateway with an invented shop: what they ask, what answers teach, and what goes wrong."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.simulate.registrations import ATTRIBUTES, Registration, registrations
from gateway.simulate.shapes import SHAPES
from rules.language.parse import preset
from tests.support.running_gateway import (
    ADMIN_TOKEN,
    CHANNELS,
    MASTER_SECRET,
    RunningGateway,
    serving_gateway,
    settings,
)

ENVIRONMENT = {"GATEWAY_MASTER_SECRET": MASTER_SECRET, "GATEWAY_ADMIN_TOKEN": ADMIN_TOKEN}
SHOP = [one for one in registrations(SHAPES["ecommerce"], 220, 3) if one.channel == "web"]
AT_ONCE = 40
TWENTY = 20


def shop_settings(directory: Path) -> str:
    return settings(directory, channels=CHANNELS)


async def register(gateway: RunningGateway, rows: Sequence[Registration]) -> None:
    async def send(row: Registration) -> None:
        customer_id, email, mobile, *rest = row.cells
        said: dict[str, str] = dict(
            zip(("firstName", "lastName", "dateOfBirth", "address", "zip", "city"), rest, strict=True)
        )
        body: dict[str, Any] = {"customerId": customer_id, "email": email, "mobile": mobile}
        body = {name: value for name, value in body.items() if value}
        attributes = {name: said[name] for name in ATTRIBUTES.values() if said.get(name)}
        async with gateway.call(
            "POST", "customers", json=body | {"customerAttributes": attributes}
        ) as answer:
            assert answer.status in (200, 201, 400), await answer.text()

    for start in range(0, len(rows), AT_ONCE):
        await asyncio.gather(*(send(row) for row in rows[start : start + AT_ONCE]))


async def ask(gateway: RunningGateway, method: str, path: str, **options: Any) -> Any:
    async with gateway.admin(method, path, **options) as answer:
        assert answer.status in (200, 201), await answer.text()
        return await answer.json()


async def searched(gateway: RunningGateway) -> Any:
    search = await ask(gateway, "POST", "suggestions/searches")
    while search["state"] == "running":
        await asyncio.sleep(0.1)
        search = await ask(gateway, "GET", f"suggestions/searches/{search['id']}")
    return search


async def people_of(gateway: RunningGateway) -> dict[str, int]:
    """The true person of each record."""
    persons = {row.cells[0]: row.person for row in SHOP}
    rows = await gateway.rows("SELECT record_id, customer_id FROM record")
    return {f"rec_{number:016x}": persons[customer] for number, customer in rows}


async def test_a_steward_answers_twenty_suggestions_and_the_next_search_has_learned(tmp_path: Path) -> None:
    async with serving_gateway(tmp_path, shop_settings(tmp_path), ENVIRONMENT) as gateway:
        await register(gateway, SHOP)
        search = await searched(gateway)
        assert (search["state"], search["failure"], search["labels"]) == ("done", "", 0)
        persons = await people_of(gateway)
        listed = (await ask(gateway, "GET", "suggestions"))["items"]
        certain = [one["suggestion"]["certainty"] for one in listed]
        assert certain == sorted(certain, reverse=True)
        answered: dict[str, bool] = {}
        while len(answered) < TWENTY and (
            waiting := (await ask(gateway, "GET", "suggestions", params={"limit": 1}))["items"]
        ):
            (question,) = waiting
            is_same = len({persons[one] for one in question["suggestion"]["records"]}) == 1
            await look_at(gateway, question)
            await ask(gateway, "POST", f"reviews/{question['id']}/{'accept' if is_same else 'reject'}")
            answered[question["id"]] = is_same
        assert len(answered) == TWENTY
        assert sum(answered.values()) >= 0.85 * TWENTY
        again = await searched(gateway)
        assert again["labels"] >= TWENTY
        assert again["model"] != search["model"]
        open_now = (await ask(gateway, "GET", "suggestions", params={"limit": 200}))["items"]
        assert answered.keys().isdisjoint(one["id"] for one in open_now)


async def look_at(gateway: RunningGateway, question: Any) -> None:
    """The weights that are shown add up to the certainty."""
    detail = await ask(gateway, "GET", f"reviews/{question['id']}")
    weights = [one["weight"] for one in detail["suggestion"]["comparisons"]]
    assert detail["suggestion"]["comparisons"][0]["what"] == "two_records"
    certainty = question["suggestion"]["certainty"] / 100
    assert 1 / (1 + 2 ** -sum(weights)) == pytest.approx(certainty, abs=0.01)


async def test_nothing_is_merged_by_a_search_and_a_day_has_only_so_many_questions(tmp_path: Path) -> None:
    async with serving_gateway(tmp_path, shop_settings(tmp_path), ENVIRONMENT) as gateway:
        await register(gateway, SHOP)
        immediate = preset("email-or-mobile").replace(
            'version = "', 'activation = "immediate"\nversion = "few-'
        )
        text = immediate + "\n[suggest]\nper_day = 3\n"
        stored = await ask(gateway, "POST", "rules", json={"text": text})
        await ask(gateway, "POST", f"rules/{stored['version']}/activate")
        while (await ask(gateway, "GET", "overview"))["rules"] != stored["version"]:  # noqa: ASYNC110 - the gateway follows
            await asyncio.sleep(0.05)
        await gateway.regroup()
        profiles = await gateway.rows("SELECT COUNT(DISTINCT profile_id) FROM record")
        first, second = await searched(gateway), await searched(gateway)
        assert (first["opened"], second["opened"]) == (3, 0)
        assert first["found"] > 3
        assert await gateway.rows("SELECT COUNT(DISTINCT profile_id) FROM record") == profiles


@pytest.fixture
def without_splink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the extra is not installed."""
    missing = tmp_path / "missing" / "splink"
    missing.mkdir(parents=True)
    (missing / "__init__.py").write_text("raise ImportError('not installed')\n")
    monkeypatch.setenv("PYTHONPATH", str(missing.parent))


@pytest.mark.usefixtures("without_splink")
async def test_without_the_extra_near_values_are_still_asked_about(tmp_path: Path) -> None:
    async with serving_gateway(tmp_path, shop_settings(tmp_path), ENVIRONMENT) as gateway:
        for number, (email, name) in enumerate(
            (
                ("katharina.lehmann@example.com", "Katharina"),
                ("katarina.lehmann@example.com", "Katarina"),
                ("robert.lehmann@example.com", "Robert"),
                ("rubert.lehmann@example.com", "Anna"),
            )
        ):
            body = {
                "customerId": f"c-{number}",
                "email": email,
                "customerAttributes": {"firstName": name, "lastName": "Lehmann"},
            }
            async with gateway.call("POST", "customers", json=body) as answer:
                assert answer.status in (200, 201)
        search = await searched(gateway)
        assert (search["state"], search["model"], search["opened"]) == ("done", "", 1)
        assert "suggest" in search["failure"]
        (question,) = (await ask(gateway, "GET", "suggestions"))["items"]
        assert (question["reason"], question["people"]) == (
            "near:email",
            ["Katharina Lehmann", "Katarina Lehmann"],
        )


async def test_a_process_that_dies_ends_the_search_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\ncat >/dev/null\nexit 7\n")
    broken.chmod(0o755)
    async with serving_gateway(tmp_path, shop_settings(tmp_path), ENVIRONMENT) as gateway:
        monkeypatch.setattr("gateway.workers.searching.sys.executable", str(broken))
        search = await searched(gateway)
        assert search["state"] == "failed"
        assert "exit code 7" in search["failure"]


async def test_one_search_at_a_time_and_a_stop_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = tmp_path / "python"
    patient.write_text("#!/bin/sh\nexec sleep 600\n")
    patient.chmod(0o755)
    text = shop_settings(tmp_path)
    async with serving_gateway(tmp_path, text, ENVIRONMENT) as gateway:
        monkeypatch.setattr("gateway.workers.searching.sys.executable", str(patient))
        search = await ask(gateway, "POST", "suggestions/searches")
        async with gateway.admin("POST", "suggestions/searches") as answer:
            assert (answer.status, (await answer.json())["code"]) == (409, "search_running")
    async with serving_gateway(tmp_path, text, ENVIRONMENT) as gateway:
        ended = await ask(gateway, "GET", f"suggestions/searches/{search['id']}")
        assert (ended["state"], ended["failure"]) == ("failed", "the gateway stopped")
