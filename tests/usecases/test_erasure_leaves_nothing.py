"""After an erasure no byte of the person is in any file of the database, in whatever way it is written."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gateway.clock import SECOND
from gateway.model import Achieve, ChangeList, ClaimDeliveries, Erased, FinishDelivery, Settle
from gateway.sqlite_library import sqlite3
from gateway.store.sqlite.wiping import copy_directory
from tests.support.in_process_gateway import (
    SHARE,
    InProcessGateway,
    achieve,
    caller,
    customer,
    environment,
    erase,
)
from tests.support.leftovers import left_in
from tests.support.stored_person import EMAIL, NAME, PHONE, POS, VALUES, WEB, a_life, crowd, token, zoes_env


@pytest.fixture
async def core(tmp_path: Path) -> AsyncGenerator[InProcessGateway]:
    async with InProcessGateway(tmp_path, zoes_env()) as built:
        yield built


def copies_in(directory: Path) -> list[str]:
    return [path.name for path in directory.glob("gateway-dry-run-*")]


async def test_no_file_holds_any_form_of_any_value(core: InProcessGateway, tmp_path: Path) -> None:
    await crowd(core, 0, 300)
    await a_life(core)
    await crowd(core, 300, 600)
    assert {value for value, _ in left_in(tmp_path, VALUES)} == set(VALUES), (
        "they are found while they are there"
    )
    assert isinstance(await core.send(erase(f"pos:{POS}")), Erased)
    assert left_in(tmp_path, VALUES) == []
    assert await core.column("SELECT points FROM ledger") == [SHARE.points]
    assert await core.column("SELECT COUNT(*) FROM record") == [600]


async def test_the_answers_of_others_stay(core: InProcessGateway) -> None:
    await a_life(core)
    await core.send(customer("web:bob", email="bob@x.eg"))
    await core.send(achieve("web:bob", SHARE.id, token("bob", "bobs")))
    await core.store.maintain(1_000)
    await core.send(erase(f"pos:{POS}"))
    assert await core.column("SELECT key FROM idempotency") == ["bobs"]
    assert await core.column("SELECT key FROM answer_of") == ["bobs"]


async def test_an_answer_that_took_over_an_expired_key_stays(core: InProcessGateway) -> None:
    await a_life(core)
    core.clock.advance(core.env.idempotency_ttl)
    await core.send(customer("web:bob", email="bob@x.eg"))
    await core.send(achieve("web:bob", SHARE.id, token("bob")))
    await core.send(erase(f"pos:{POS}"))
    assert await core.column("SELECT body FROM idempotency") == [token("bob").answer]


async def test_a_decision_after_the_erasure_brings_nothing_back(tmp_path: Path) -> None:
    """A report that the platform still has in hand: its refusal, or the answer to a direct one."""
    async with InProcessGateway(tmp_path, environment(delivers=True)) as core:
        await a_life(core)
        (delivery,) = (await core.send(ClaimDeliveries("upstream", "me", 9))).deliveries
        direct = Achieve(caller("pos"), POS, 7, (), token(key="direct"), direct=True)
        number = (await core.send(direct)).achievement_id
        await core.send(erase(f"pos:{POS}"))
        refusal = f"no customer {WEB} {NAME}"
        await core.send(
            FinishDelivery(delivery.delivery_id, delivery.epoch, "dead", None, 422, "status_422", refusal)
        )
        await core.send(Settle(caller("pos"), number, None, 7, "delivered", "", 200, direct.idempotency))
        assert left_in(tmp_path, VALUES) == []


async def test_a_refusal_that_was_kept_goes_with_the_person(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(delivers=True)) as core:
        await a_life(core)
        (delivery,) = (await core.send(ClaimDeliveries("upstream", "me", 9))).deliveries
        await core.send(
            FinishDelivery(delivery.delivery_id, delivery.epoch, "dead", None, 422, "status_422", f"no {WEB}")
        )
        await core.send(erase(f"pos:{POS}"))
        assert await core.column("SELECT answer FROM delivery") == [""]
        assert left_in(tmp_path, VALUES) == []


async def test_the_write_ahead_log_is_emptied_once_no_reader_needs_an_earlier_state(
    core: InProcessGateway, tmp_path: Path
) -> None:
    await a_life(core)
    reader = sqlite3.connect(tmp_path / "gateway.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT COUNT(*) FROM record").fetchone()
    assert isinstance(await core.send(erase(f"pos:{POS}")), Erased)
    assert left_in(tmp_path, VALUES) != []
    reader.close()
    await core.store.maintain(10)
    assert left_in(tmp_path, VALUES) == []


async def test_a_large_file_is_clean_once_it_is_scrubbed(
    core: InProcessGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.sqlite.wiping.REWRITTEN_AT_ONCE", 0)
    await crowd(core, 0, 300)
    await a_life(core)
    await crowd(core, 300, 600)
    await core.send(erase(f"pos:{POS}"))
    assert await core.store.scrub() == ()
    assert left_in(tmp_path, VALUES) == []
    assert await core.column("SELECT COUNT(*) FROM record") == [600]


async def test_the_copy_of_a_dry_run_that_was_killed_is_removed_and_one_in_use_stays(
    core: InProcessGateway, tmp_path: Path
) -> None:
    await a_life(core)
    killed = tmp_path / "gateway-dry-run-killed"
    killed.mkdir()
    (killed / "in-use").touch()
    (killed / "gateway.db").write_text(EMAIL)
    (tmp_path / "gateway-dry-run-old").mkdir()
    (tmp_path / "gateway-dry-run-old" / "gateway.db").write_text(EMAIL)
    with copy_directory(tmp_path / "gateway.db") as used:
        (used / "gateway.db").write_text("somebody works on it")
        await core.send(erase(f"pos:{POS}"))
        assert copies_in(tmp_path) == [used.name]
    assert copies_in(tmp_path) == []


async def test_a_value_that_was_to_be_looked_at_again_is_forgotten_with_its_only_holder(
    core: InProcessGateway, tmp_path: Path
) -> None:
    await a_life(core)
    await core.send(ChangeList(caller(""), "stores", (PHONE,), listed=True))
    assert await core.column("SELECT value FROM regrouping") == [PHONE]
    await core.send(ChangeList(caller(""), "stores", (PHONE,), listed=False))
    await core.send(erase(f"pos:{POS}"))
    assert left_in(tmp_path, VALUES) == []


async def test_an_answer_is_forgotten_once_it_expired(core: InProcessGateway) -> None:
    await a_life(core)
    core.clock.advance(core.env.idempotency_ttl + SECOND)
    await core.store.maintain(1_000)
    assert await core.column("SELECT key FROM answer_of") == []
