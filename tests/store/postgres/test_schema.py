"""PostgreSQL: the schema, whoever makes it and however often, and SQL that other engines understand."""

import asyncio
import re

import asyncpg
import pytest

from gateway.errors import SchemaMismatch
from gateway.store.migrations import all_migrations
from gateway.store.postgres import PostgresStore
from gateway.store.postgres.schema import migrate, statements
from tests.support.in_process_gateway import (
    CHECKPOINT_KEY,
    NOON,
    ManualClock,
)
from tests.support.postgresql import PostgresServer
from tests.support.store_batches import (
    look,
    person,
    run,
)
from tests.support.strict_portable import FORBIDDEN, NotPortable, lint

# ---- the schema ----


async def test_several_processes_can_start_at_once_on_an_empty_database(postgres: PostgresServer) -> None:
    url = postgres.url(postgres.fresh())
    stores = [PostgresStore(url, ManualClock(), checkpoint_key=CHECKPOINT_KEY) for _ in range(4)]
    await asyncio.gather(*(store.open() for store in stores))
    applied = await stores[0].fetch("SELECT version, sha256 FROM schema_version ORDER BY version")
    assert applied == [(step.version, step.sha256) for step in all_migrations()]
    await asyncio.gather(*(run(store, lambda ws: person(ws, f"web:{id(ws)}")) for store in stores))
    await asyncio.gather(*(store.close() for store in stores))


async def test_a_step_that_was_cut_short_is_done_again(postgres: PostgresServer) -> None:
    name = postgres.fresh()
    postgres.sql(
        "CREATE TABLE profile (profile_id BIGINT PRIMARY KEY, created_at BIGINT NOT NULL, changes BIGINT NOT NULL,"
        " redirect_to BIGINT, canonical_id TEXT NOT NULL, named_after BIGINT NOT NULL DEFAULT 0)",
        name,
    )
    store = PostgresStore(postgres.url(name), ManualClock(), checkpoint_key=CHECKPOINT_KEY)
    await store.open()
    await run(store, lambda ws: person(ws, "web:ann"))
    await store.close()


async def test_every_step_can_be_cut_short_anywhere_and_done_again(postgres: PostgresServer) -> None:
    connection = await asyncpg.connect(postgres.url(postgres.fresh()))
    for step in all_migrations():
        done: list[str] = []
        for statement in statements(step.sql, ""):
            assert not re.search(r"\b(INTEGER|BLOB|STRICT|ROWID)\b", statement)
            done.append(statement)
            for again in done:
                await connection.execute(again)
    await connection.close()


async def _keys(url: str, *, hashes_keys: bool) -> set[str]:
    """Every index and primary key of the schema, made for an engine that hashes keys or for PostgreSQL."""
    connection = await asyncpg.connect(url)
    for step in all_migrations():
        for statement in statements(step.sql, "", hashes_keys=hashes_keys):
            if hashes_keys:
                assert ("KEY (" in statement or "INDEX IF NOT EXISTS" in statement) == (
                    " ASC" in statement
                ), statement
            await connection.execute(
                re.sub(r"PRIMARY KEY \([^)]*", lambda key: key[0].replace(" ASC", ""), statement)
            )
    found = {
        row[0]
        for row in await connection.fetch("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'")
    }
    await connection.close()
    return found


async def test_an_engine_that_hashes_keys_is_told_to_keep_each_in_order(postgres: PostgresServer) -> None:
    """PostgreSQL does not take `ASC` in a primary key, so this stands for such an engine without it: the keys are the same."""
    usual, told = [
        await _keys(postgres.url(postgres.fresh()), hashes_keys=hashes) for hashes in (False, True)
    ]
    assert told == usual
    assert len(usual) > 60


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ("INSERT INTO schema_version VALUES (9999, 'later', 'sha', 0)", "or a newer one"),
        ("UPDATE schema_version SET sha256 = 'other' WHERE version = 52", "Restore the backup"),
        ("UPDATE schema_version SET version = 51 WHERE version = 52", "Upgrade it first"),
    ],
    ids=["newer", "altered", "older"],
)
async def test_a_schema_that_is_newer_altered_or_too_old_is_refused_with_a_remedy(
    postgres: PostgresServer, change: str, remedy: str
) -> None:
    name = postgres.fresh()
    store = PostgresStore(postgres.url(name), ManualClock(), checkpoint_key=CHECKPOINT_KEY)
    await store.open()
    await store.close()
    postgres.sql(change, name)
    with pytest.raises(SchemaMismatch, match=remedy):
        await store.open()


async def test_text_is_ordered_by_its_bytes_also_where_the_database_orders_it_otherwise(
    postgres: PostgresServer,
) -> None:
    name = postgres.fresh("TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'")
    store = PostgresStore(postgres.url(name), ManualClock(), checkpoint_key=CHECKPOINT_KEY)
    await store.open()
    try:
        await run(store, lambda ws: [person(ws, f"web:{name}") for name in ("a", "B", "b", "ä", "aa", "a b")])
        found = await store.fetch("SELECT customer_id FROM record ORDER BY customer_id")
        assert [name for (name,) in found] == ["B", "a", "a b", "aa", "b", "ä"]
        assert (await look(store, lambda ws: ws.records.want(("web", "ä")))).record("web", "ä")
    finally:
        await store.close()


# ---- portable ----

SAMPLES = {
    "skip locked": "SELECT * FROM delivery FOR UPDATE SKIP LOCKED",
    "advisory lock": "SELECT pg_advisory_xact_lock(1)",
    "notification": "NOTIFY somebody",
    "sequence": "CREATE TABLE t (n BIGSERIAL)",
    "trigger or function": "CREATE TRIGGER t BEFORE INSERT ON record EXECUTE PROCEDURE f()",
    "foreign key": "CREATE TABLE t (n BIGINT REFERENCES record)",
    "deferred constraint": "SET CONSTRAINTS ALL DEFERRED",
    "temporary table": "CREATE TEMP TABLE t (n BIGINT)",
    "savepoint": "SAVEPOINT one",
    "truncate": "TRUNCATE record",
    "table lock": "LOCK TABLE record",
    "partition": "CREATE TABLE t PARTITION OF record DEFAULT",
    "covering index": "CREATE INDEX i ON record (record_id) INCLUDE (guest)",
    "change inside WITH": "WITH gone AS (DELETE FROM tag RETURNING *) SELECT * FROM gone",
    "one table twice": "WITH one AS (INSERT INTO tag VALUES ($1)) INSERT INTO tag VALUES ($2)",
    "several statements": "DELETE FROM tag; DELETE FROM pin",
}


@pytest.mark.parametrize("name", FORBIDDEN)
async def test_what_is_not_portable_is_refused(name: str) -> None:
    with pytest.raises(NotPortable, match=name):
        lint(SAMPLES[name])


def test_words_in_literals_are_not_taken_for_statements() -> None:
    lint("SELECT 'LISTEN; TRUNCATE' FROM record WHERE guest = $1")


@pytest.mark.parametrize(
    ("method", "one_coordinator", "refused"),
    [
        ("h", False, "distributed"),
        ("h", True, "distributed"),
        ("n", False, "one_coordinator"),
        ("n", True, ""),
    ],
)
async def test_tables_that_are_spread_over_nodes_are_refused(
    postgres: PostgresServer, method: str, one_coordinator: bool, refused: str
) -> None:
    url = postgres.url(name := postgres.fresh())
    store = PostgresStore(url, ManualClock(), checkpoint_key=CHECKPOINT_KEY, one_coordinator=one_coordinator)
    await store.open()
    await store.close()
    postgres.sql("CREATE TABLE pg_dist_partition (logicalrelid regclass, partmethod char)", name)
    postgres.sql(f"INSERT INTO pg_dist_partition VALUES ('record', '{method}')", name)
    again = PostgresStore(url, ManualClock(), checkpoint_key=CHECKPOINT_KEY, one_coordinator=one_coordinator)
    if refused:
        with pytest.raises(SchemaMismatch, match=refused):
            await again.open()
    else:
        await again.open()
        await again.close()


async def test_a_replica_may_make_every_step_once_more_behind_one_that_made_them_all(
    postgres: PostgresServer,
) -> None:
    """Replicas that start at one moment on a new database do, as no lock keeps them apart."""
    connection = await asyncpg.connect(postgres.url(postgres.fresh()))
    schema = "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = 'public'"
    try:
        await migrate(connection, NOON)
        made = sorted(await connection.fetch(schema))
        await connection.execute("DELETE FROM schema_version")
        await migrate(connection, NOON)
        assert sorted(await connection.fetch(schema)) == made
    finally:
        await connection.close()
