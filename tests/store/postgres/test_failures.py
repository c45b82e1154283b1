"""PostgreSQL: collisions and failures, and never a success for a commit whose outcome is unknown."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog
from structlog.testing import capture_logs

from gateway.audit.event import Action
from gateway.audit.verify import Verifier
from gateway.errors import StoreBusy, StoreUnavailable
from gateway.store import Store
from gateway.store.postgres import PostgresStore
from gateway.store.postgres.connection import Server
from gateway.store.queries.audit import links
from gateway.store.signing import own_event
from gateway.store.statement import Step
from gateway.store.tables.audit import audit_write
from gateway.workingset import WorkingSet
from tests.support.in_process_gateway import (
    CHECKPOINT_KEY,
    ManualClock,
)
from tests.support.postgresql import PostgresServer
from tests.support.store_batches import (
    Batch,
    log,
    nothing,
    person,
    run,
)
from tests.support.strict_portable import StrictServer, strict

_EXECUTE = asyncpg.Connection.execute


@pytest.fixture
async def colliding(database_url: str, clock: ManualClock) -> AsyncGenerator[tuple[Store, StrictServer]]:
    """A store where every other commit collides."""
    store = strict(database_url, clock, CHECKPOINT_KEY, share=0.5)
    await store.open()
    yield store, store._server  # pyright: ignore
    await store.close()


async def test_a_batch_that_collides_is_made_again_and_has_its_effect_once(
    colliding: tuple[Store, StrictServer],
) -> None:
    store, server = colliding
    done = 0
    for n in range(30):
        with contextlib.suppress(StoreBusy):
            await run(store, lambda ws, n=n: person(ws, f"web:{n}"))
            done += 1
    assert server.collisions > 5, "nothing collided"
    assert await store.fetch("SELECT COUNT(*), COUNT(DISTINCT customer_id) FROM record") == [(done, done)]


async def test_a_batch_is_tried_six_times_at_most(database_url: str, clock: ManualClock) -> None:
    store = strict(database_url, clock, CHECKPOINT_KEY, share=1.0)
    await store.open()
    tried = 0

    def count(_: WorkingSet) -> None:
        nonlocal tried
        tried += 1

    with pytest.raises(StoreBusy):
        await store.run(Batch(nothing, count))
    assert tried == 6
    assert await store.fetch("SELECT * FROM audit") == []
    await store.close()


# ---- a server that fails ----


async def test_a_connection_that_was_cut_between_batches_costs_one_refusal_at_most(
    opened: Callable[[], Any], postgres: PostgresServer
) -> None:
    store: PostgresStore = await opened()
    await run(store, lambda ws: person(ws, "web:ann"))
    postgres.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'loyalty-gateway'"
    )
    with contextlib.suppress(StoreUnavailable):
        await run(store, lambda ws: person(ws, "web:bob"))
    await run(store, lambda ws: person(ws, "web:eve"))
    await store.probe()


async def test_a_store_does_all_its_work_at_once_over_as_few_connections_as_it_may_open(
    opened: Any, postgres: PostgresServer
) -> None:
    store: PostgresStore = await opened(connections=4)
    async with asyncio.timeout(60):
        await asyncio.gather(
            *(store.fetch("SELECT pg_sleep(0.01)") for _ in range(40)),
            *(run(store, lambda ws, number=number: person(ws, f"web:{number}")) for number in range(20)),
            *(store.maintain(10) for _ in range(10)),
            *(store.take_lead(work) for work in ("grants", "jobs", "deliveries")),
            *(store.probe() for _ in range(5)),
        )
    held = postgres.sql(
        "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'loyalty-gateway'"
    ).strip()
    assert 1 <= int(held) <= 4


async def _commit_and_say_nothing(self: Any, query: str, *arguments: Any, **options: Any) -> str:
    status = await _EXECUTE(self, query, *arguments, **options)
    if query == "COMMIT":
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
    return status


async def test_a_connection_that_is_cut_during_the_commit_is_no_success_and_no_breach(
    opened: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    store: PostgresStore = await opened()
    await run(store, log)
    with monkeypatch.context() as patch:
        patch.setattr(asyncpg.Connection, "execute", _commit_and_say_nothing)
        with pytest.raises(StoreUnavailable, match="not known"):
            await run(store, log)
    await run(store, log)
    assert await _lengths(store) == [3, 6]


async def test_an_event_of_the_logs_own_with_an_unknown_outcome_is_no_breach(
    opened: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    store: PostgresStore = await opened()
    await run(store, log)
    with monkeypatch.context() as patch:
        patch.setattr(asyncpg.Connection, "execute", _commit_and_say_nothing)
        with pytest.raises(StoreUnavailable):
            await store._sign(partial(_note, store))
    await run(store, log)
    assert await _lengths(store) == [3, 4]


def _note(store: PostgresStore) -> Step:
    """What cut, rotate_secret and housekeeping do: an event that belongs to no batch."""
    event_id = store._ids.next(store._clock.now())
    yield audit_write([own_event(event_id, 1, Action.AUDIT_ARCHIVED, "operator:ann")], store.chain)
    return 1


async def _lengths(store: Store) -> list[int]:
    """Of the chains, which have to hold."""
    verifier = Verifier()
    async for chunk in links(store):
        assert list(verifier.feed(chunk)) == []
    return sorted(count for count, _ in verifier.heads.values())


async def test_a_commit_that_no_standby_confirmed_is_no_success(
    opened: Callable[[], Any], postgres: PostgresServer
) -> None:
    """The server waits for a standby that is not there until the wait is cancelled: then it says COMMIT, with a warning."""
    store: PostgresStore = await opened()
    postgres.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    postgres.sql("SELECT pg_reload_conf()")
    try:
        batch = asyncio.create_task(run(store, lambda ws: person(ws, "web:ann")))
        await asyncio.to_thread(cancel_the_wait, postgres)
        with pytest.raises(StoreUnavailable, match="standby"):
            await batch
    finally:
        postgres.sql("ALTER SYSTEM RESET synchronous_standby_names")
        postgres.sql("SELECT pg_reload_conf()")
    await run(store, lambda ws: person(ws, "web:bob"))
    assert await store.fetch("SELECT COUNT(*) FROM record") == [(2,)], "it was committed there all the same"


def cancel_the_wait(postgres: PostgresServer) -> None:
    cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    while not postgres.sql(cancel):
        pass


async def test_a_database_that_takes_no_writes_is_unavailable_and_left_behind(
    opened: Callable[[], Any], postgres: PostgresServer, database_url: str
) -> None:
    store: PostgresStore = await opened()
    name = await store.fetch("SELECT current_database()::text")
    postgres.sql(f"ALTER DATABASE {name[0][0]} SET default_transaction_read_only = on")
    await store._server.give_up_connections()
    try:
        for refused in (run(store, lambda ws: person(ws, "web:ann")), store.probe()):
            with pytest.raises(StoreUnavailable):
                await refused
    finally:
        postgres.sql(f"ALTER DATABASE {name[0][0]} RESET default_transaction_read_only")
    await run(store, lambda ws: person(ws, "web:ann"))
    await store.probe()


async def test_an_absent_server_is_reported(tmp_path: Any, clock: ManualClock) -> None:
    store = PostgresStore(f"postgresql://gateway@/x?host={tmp_path}", clock, checkpoint_key=CHECKPOINT_KEY)
    with pytest.raises(StoreUnavailable):
        await store.open()
    with pytest.raises(StoreUnavailable):
        await run(store)


async def test_another_password_is_read_from_its_file_without_a_restart(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = tmp_path / "passwords"
    passwords.touch(0o600)
    passwords.write_text("*:*:*:clerk:before\n")
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    postgres.sql("CREATE ROLE clerk LOGIN PASSWORD 'before'")
    access = postgres.data / "pg_hba.conf"
    access.write_text(f"local all clerk scram-sha-256\n{access.read_text()}")
    postgres.sql("SELECT pg_reload_conf()")
    server = Server(postgres.url("postgres").replace("gateway@", "clerk@"), 1)
    await server.open()
    try:
        async with server.connection() as connection:
            assert await connection.fetchval("SELECT current_user") == "clerk"
        postgres.sql("ALTER ROLE clerk PASSWORD 'after'")
        async with server.connection() as connection:
            assert await connection.fetchval("SELECT 1") == 1
        await server.give_up_connections()
        with pytest.raises(StoreUnavailable):
            async with server.connection():
                pass
        passwords.write_text("*:*:*:clerk:after\n")
        async with server.connection() as connection:
            assert await connection.fetchval("SELECT current_user") == "clerk"
    finally:
        await server.close()


async def test_the_start_warns_of_a_database_that_keeps_everything_in_one_place(
    postgres: PostgresServer, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a logger and settings of its own: what ran before may have left those of a command, which logs errors alone."""
    structlog.reset_defaults()
    monkeypatch.setattr("gateway.store.postgres.store._log", structlog.get_logger("store"))
    store = PostgresStore(database_url, ManualClock(), checkpoint_key=CHECKPOINT_KEY)
    with capture_logs() as logs:
        await store.open()
    await store.close()
    assert [line["event"] for line in logs] == ["single_node_durability"]


async def test_an_internal_error_whose_message_tells_of_a_collision_is_one(postgres: PostgresServer) -> None:
    server = Server(postgres.url(postgres.fresh()), 1)
    await server.open()
    raising = "DO $$ BEGIN RAISE EXCEPTION '{}' USING ERRCODE = 'XX000'; END $$"
    try:
        with pytest.raises(asyncpg.SerializationError):
            async with server.connection() as connection:
                await connection.execute(
                    raising.format("Operation failed. Try again: conflicts with a transaction")
                )
        with pytest.raises(asyncpg.InternalServerError):
            async with server.connection() as connection:
                await connection.execute(raising.format("cache lookup failed"))
    finally:
        await server.close()
