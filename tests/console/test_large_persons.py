"""A profile with very many records: what is shown of it, and the changes that are tried, are bounded."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.running_gateway import ADMIN_TOKEN, RunningGateway, serving_gateway, settings

RULES = """
[rules]
schema = 1
version = "wide"
activation = "immediate"
[id_space.pos]
ids_per_profile = 1000000
[identifier.email]
kind = "email"
strength = 70
max_per_profile = 100000
fanout_limit = 1000000
[identifier.mobile]
kind = "phone"
strength = 80
max_per_profile = 100000
fanout_limit = 1000000
[merge]
max_records = 100000
[[rule]]
name = "email"
all_of = ["email"]
"""
COLUMNS = ["customer_id", "email", "mobile", "firstName", "city"]
TOGETHER = 300
"""Records that come with one address. The profiles of the addresses are merged by hand, because a record costs more to attach the
more there are."""
LARGEST = 100_000


class Person(NamedTuple):
    gateway: RunningGateway
    id: str
    records: int

    async def get(self, path: str) -> Any:
        async with self.gateway.admin("GET", path) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def page(self, path: str) -> str:
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        url = f"{self.gateway.admin_url}/console/{path}"
        async with self.gateway.client.get(url, headers=headers) as response:
            assert response.status == 200
            return await response.text()

    async def split(self, **asked: Any) -> tuple[int, Mapping[str, Any]]:
        body = {"reason": "too many", "dry_run": True, **asked}
        async with self.gateway.admin("POST", f"profiles/{self.id}/split", json=body) as response:
            assert len(await response.read()) <= LARGEST
            return response.status, await response.json(content_type=None)


async def bring(gateway: RunningGateway, first: int) -> None:
    lines = range(first, first + TOGETHER)
    rows = [
        [line, [f"card-{line}", f"list-{first}@example.com", f"+2010{line:08}", f"Ann {line}", "Cairo"]]
        for line in lines
    ]
    chunk = {"channel": "pos", "first_line": first, "next_line": first + TOGETHER, "columns": COLUMNS}
    async with gateway.admin(
        "POST", "imports/0123456789abcdef/rows", json={**chunk, "rows": rows}
    ) as response:
        assert response.status == 200, await response.text()


@asynccontextmanager
async def person_of(directory: Path, records: int) -> AsyncGenerator[Person]:
    (directory / "rules.toml").write_text(RULES, encoding="utf-8")
    text = settings(directory, f'[rules]\nseed = "{directory}/rules.toml"\n')
    async with serving_gateway(directory, text, {"GATEWAY_ADMIN_TOKEN": ADMIN_TOKEN}) as gateway:
        for first in range(1, records + 1, TOGETHER):
            await bring(gateway, first)
        async with gateway.admin("GET", "profiles?limit=200") as response:
            one, *others = [found["id"] for found in (await response.json())["items"]]
        for other in others:
            body = {"profiles": [one, other], "reason": "one list"}
            async with gateway.admin("POST", "merges", json=body) as response:
                one = (await response.json())["profile"]
        yield Person(gateway, one, records)


@pytest.mark.parametrize("records", [600, pytest.param(9_900, marks=pytest.mark.soak)])
async def test_what_is_shown_of_a_profile_does_not_grow_with_its_records(
    tmp_path: Path, records: int
) -> None:
    async with person_of(tmp_path, records) as person:
        found = await person.get(f"profiles/{person.id}")
        assert (found["record_count"], len(found["records"])) == (records, 200)
        assert found["identifier_count"] == records + records // TOGETHER
        assert len(found["values"]) == 2 * 200
        assert found["attributes"]["city"] == "Cairo"
        (listed,) = (await person.get("profiles?q=card-1"))["items"]
        assert (listed["record_count"], len(listed["records"])) == (records, 20)
        graph = await person.get(f"profiles/{person.id}/graph")
        assert (graph["record_count"], len(graph["records"])) == (records, 200)
        page = await person.page(f"profiles/{person.id}")
        assert len(page.encode()) <= LARGEST
        assert f"{records - 30:,} more records have no room here." in page
        assert page.count('name="records"') == 30
        assert len((await person.page("find")).encode()) <= LARGEST


async def test_the_export_of_a_person_has_every_record(tmp_path: Path) -> None:
    async with person_of(tmp_path, 300) as person:
        whole = await person.get(f"profiles/{person.id}/export")
        assert len(whole["profile"]["records"]) == 300


@pytest.mark.parametrize("records", [600, pytest.param(9_900, marks=pytest.mark.soak)])
async def test_a_split_that_is_tried_does_not_hold_the_gateway_up(tmp_path: Path, records: int) -> None:
    async with person_of(tmp_path, records) as person:
        found = await person.get(f"profiles/{person.id}")
        status, plan = await person.split(records=[found["records"][3]["id"]])
        assert (status, len(plan["parts"])) == (200, 1)
        assert plan["effects"]["profiles"][-1]["record_count"] in (1, records - 1)
        status, plan = await person.split(mode="all")
        assert (status, len(plan["parts"]), plan["waiting"]) == (200, 200, records - 1 - 200)
