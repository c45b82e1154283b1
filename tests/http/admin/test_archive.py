"""Moving old events to files over the admin API, and what it says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.audit.segment import name_of
from gateway.workers.archive import Archiver
from tests.support.people import save

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.running_gateway import RunningGateway


async def ask(gateway: RunningGateway, method: str, path: str, **more: Any) -> tuple[int, Any]:
    async with gateway.admin(method, path, **more) as response:
        return response.status, await response.json(content_type=None)


async def test_nothing_that_is_younger_than_an_hour_is_archived(
    gateway: RunningGateway, tmp_path: Path
) -> None:
    for before in ("59m", "2999-01-01", ""):
        body = {"before": before, "to": str(tmp_path / "archive")}
        status, problem = await ask(gateway, "POST", "audit/archive", json=body)
        assert (status, problem["code"]) == (400, "bad_parameter")


@pytest.mark.parametrize("place", ["missing", "config.toml", ""])
async def test_a_directory_that_cannot_be_used_is_named(
    gateway: RunningGateway, tmp_path: Path, place: str
) -> None:
    to = str(tmp_path / place) if place else "relative"
    status, problem = await ask(gateway, "POST", "audit/archive", json={"before": "1d", "to": to})
    assert (status, problem["code"]) == (409, "archive_unusable")


async def test_what_is_archived_is_told_and_verified(gateway: RunningGateway, tmp_path: Path) -> None:
    services, directory = gateway.services, tmp_path / "archive"
    directory.mkdir()
    await save(services, "web", "ann")
    assert (await ask(gateway, "GET", "audit/archive"))[1] == {"events": 0, "until": None, "segments": []}
    archiver = Archiver(services.store, services.checkpoint_key, directory, "operator:ann", 100)
    await services.store.maintain(100)
    done = await archiver.archive(services.clock.now())
    _, archive = await ask(gateway, "GET", "audit/archive")
    assert archive["events"] == done.events > 0
    assert [segment["name"] for segment in archive["segments"]] == [name_of(1)]
    _, later = await ask(gateway, "GET", "audit/archive", params={"since": "2999-01-01"})
    assert later == {"events": 0, "until": None, "segments": []}
    _, alone = await ask(gateway, "GET", "audit/verify", params={"state": "true"})
    _, whole = await ask(gateway, "GET", "audit/verify", params={"state": "true", "archive": str(directory)})
    assert (alone["ok"], alone["archived"], alone["segments"]) == (True, done.events, 0)
    assert (whole["ok"], whole["archived"], whole["segments"]) == (True, done.events, 1)
    assert sum(covered["earlier"] for covered in whole["state"]) == 0
    _, listed = await ask(gateway, "GET", "audit", params={"action": "audit.archived"})
    assert [(event["actor"], event["object"]) for event in listed["items"]] == [("operator:ann", name_of(1))]
    (directory / name_of(1)).unlink()
    _, broken = await ask(gateway, "GET", "audit/verify", params={"archive": str(directory)})
    assert [breach["what"] for breach in broken["breaches"]] == [
        f"segment 1 ({name_of(1)}) is missing in {directory}"
    ]
    status, problem = await ask(gateway, "GET", "audit/verify", params={"archive": "relative"})
    assert (status, problem["code"]) == (400, "bad_parameter")
