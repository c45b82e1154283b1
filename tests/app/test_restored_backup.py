"""A database that was restored from a backup forgets again whom it had forgotten: erasures are also kept outside of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from gateway.app.opening import offline, replace_secret, running
from gateway.app.serving import listening
from gateway.config import ConfigError, load
from gateway.errors import ErasuresUnreadable
from gateway.model import Erasure, ForgetAgain
from gateway.telemetry.telemetry import Telemetry
from tests.support.in_process_gateway import InProcessGateway, caller, customer
from tests.support.leftovers import left_in

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start

ADMIN_TOKEN = "admin-token-0123456789"
ANN, BOB = {"customerId": "ann", "email": "ann@x.eg"}, {"customerId": "bob", "email": "bob@x.eg"}


async def save(gateway: RunningGateway, person: dict[str, str]) -> None:
    async with gateway.call("POST", "customers", json=person) as answer:
        assert answer.status == 200, await answer.text()


async def erase(gateway: RunningGateway, customer_id: str) -> None:
    async with gateway.call("DELETE", f"customers/{customer_id}") as answer:
        assert answer.status == 200, await answer.text()


async def customers(gateway: RunningGateway) -> list[Any]:
    return [name for (name,) in await gateway.rows("SELECT customer_id FROM record ORDER BY customer_id")]


async def erasures(gateway: RunningGateway) -> list[Any]:
    return await gateway.rows("SELECT reason FROM audit WHERE action = 'customer.erased'")


def restore(directory: Path, name: str) -> None:
    shutil.copy(directory / name, directory / "gateway.db")


async def erased_after_a_backup(start: Start, directory: Path) -> None:
    async with start() as gateway:
        await save(gateway, ANN)
        await save(gateway, BOB)
    shutil.copy(directory / "gateway.db", directory / "backup.db")
    async with start() as gateway:
        await erase(gateway, "ann")
    shutil.move(directory / "backup.db", directory / "gateway.db")


async def test_a_restored_backup_is_erased_again_before_it_is_served(start: Start, tmp_path: Path) -> None:
    await erased_after_a_backup(start, tmp_path)
    for _ in range(2):
        async with start() as gateway:
            assert await customers(gateway) == ["bob"]
            assert await erasures(gateway) == [("restored",)]
            async with gateway.admin("GET", "audit/verify") as answer:
                assert (await answer.json())["ok"]
        assert left_in(tmp_path, ["ann@x.eg"]) == []


async def test_a_command_without_a_gateway_refuses_a_database_with_erasures_to_repeat(
    start: Start, tmp_path: Path
) -> None:
    await erased_after_a_backup(start, tmp_path)
    config = load(tmp_path / "config.toml", {"GATEWAY_ADMIN_TOKEN": "t" * 32})
    with pytest.raises(ConfigError, match=r"1 erasure.*gateway serve"):
        async with offline(config, changes=False):
            pass


async def test_the_erasure_file_is_private_and_names_no_person(start: Start, tmp_path: Path) -> None:
    await erased_after_a_backup(start, tmp_path)
    kept = tmp_path / "gateway.db.erased"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.read_text().count("\n") == 1
    assert "ann" not in kept.read_text()


async def test_an_erasure_missing_from_the_file_is_added_at_the_start(start: Start, tmp_path: Path) -> None:
    """The process was killed between the two, or in the middle of the line."""
    async with start() as gateway:
        await save(gateway, ANN)
        await erase(gateway, "ann")
    kept = tmp_path / "gateway.db.erased"
    whole = kept.read_text()
    for left in ("", whole[:20]):
        kept.write_text(left)
        async with start():
            pass
        assert kept.read_text() == whole


@pytest.mark.parametrize(("old", "new"), [('"records":', '"records" :'), ("[", "[7,"), ('{"', "x")])
async def test_a_forged_line_erases_no_customer_and_stops_the_start(
    start: Start, tmp_path: Path, old: str, new: str
) -> None:
    await erased_after_a_backup(start, tmp_path)
    kept = tmp_path / "gateway.db.erased"
    altered = kept.read_text().replace(old, new, 1)
    kept.write_text(altered)
    if old == '"records":':  # the same in other words
        async with start() as gateway:
            assert await customers(gateway) == ["bob"]
        return
    with pytest.raises(ErasuresUnreadable, match=r"erased: line 1 .*"):
        async with start():
            pass


async def test_a_customer_split_off_since_the_backup_stays(tmp_path: Path) -> None:
    """In the backup the two are one; later they were parted, and one of them was erased."""
    async with InProcessGateway(tmp_path) as core:
        await core.send(customer("web:ann", email="ann@x.eg"))
        await core.send(customer("pos:bob", email="ann@x.eg", mobile="+201001234567"))
        profile = await core.profile_of("web:ann")
        (ann,) = await core.column("SELECT record_id FROM record WHERE customer_id = 'ann'")
        again = ForgetAgain(caller(""), Erasure(7, profile or 0, (ann, 12345), core.clock.now()))
        await core.send(again)
        await core.regroup()
        assert await core.column("SELECT customer_id FROM record") == ["bob"]
        assert await core.column("SELECT value FROM observation ORDER BY value") == [
            "+201001234567",
            "ann@x.eg",
        ]
        assert await core.column("SELECT erasure_id FROM erasure") == [7]


# ---- its secret, and the admin token ----


async def test_a_restored_database_without_its_secret_is_not_served_and_gets_none(
    start: Start, tmp_path: Path
) -> None:
    async with start() as gateway:
        await save(gateway, ANN)
    secret = tmp_path / "gateway.db.secret"
    kept = secret.read_text()
    secret.unlink()
    with pytest.raises(ConfigError, match=r"is missing; restore.*gateway db new-secret"):
        async with start():
            pass
    assert not secret.exists()
    secret.write_text(kept)
    secret.chmod(0o600)
    async with start() as gateway:
        assert await customers(gateway) == ["ann"]


async def test_a_new_master_secret_signs_the_erasure_file_again(start: Start, tmp_path: Path) -> None:
    await erased_after_a_backup(start, tmp_path)
    secret = tmp_path / "gateway.db.secret"
    secret.write_text("0" * 64)
    config = load(tmp_path / "config.toml", {"GATEWAY_ADMIN_TOKEN": "t" * 32})
    async with offline(config, changes=True, any_secret=True) as services:
        await replace_secret(services, caller(""))
    async with start() as gateway:
        assert await customers(gateway) == ["bob"]


async def test_the_old_admin_token_is_refused_after_a_change(start: Start, tmp_path: Path) -> None:
    async with start() as gateway, gateway.admin("GET", "profiles") as answer:
        assert answer.status == 200
    config = load(tmp_path / "config.toml", {"GATEWAY_ADMIN_TOKEN": "n" * 32})
    telemetry = Telemetry(level="error", path=os.devnull, log_requests=False)
    async with (
        running(config, telemetry=telemetry, on_broken=lambda error: None) as services,
        listening(services, on_death=lambda reason: None) as (_, url),
        aiohttp.ClientSession() as client,
    ):
        for token, status in ((ADMIN_TOKEN, 401), ("n" * 32, 200)):
            headers = {"Authorization": f"Bearer {token}"}
            async with client.get(f"{url}/admin/v1/profiles", headers=headers) as answer:
                assert answer.status == status
