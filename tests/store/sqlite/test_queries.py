"""SQLite: look-ups that never scan."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.audit.chain import Chain
from gateway.ids import Ids
from gateway.model import PinRow
from gateway.sqlite_library import sqlite3
from gateway.store.batch import load_wanted
from gateway.store.deliveries import OutgoingReport, report_of
from gateway.store.migrations import all_migrations
from gateway.store.sqlite.dialect import Saver, load
from gateway.workingset import WorkingSet
from rules.identifier import Identifier
from rules.record import Observation
from tests.support.store_batches import (
    Open,
    everything_asked_for,
    look,
    observe,
    person,
    run,
)

# ---- look-ups that never scan ----

OPERATORS_ONLY = {"SCAN channel_key", "SCAN rule_activation", "SCAN s"}
"""A few rows, and never read on behalf of a call; `s` is the table of searches."""


@pytest.fixture
def schema() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    for step in all_migrations():
        connection.executescript(step.sql)
    yield connection
    connection.close()


def statements_of_loading(connection: sqlite3.Connection, target: str = "upstream") -> list[str]:
    """Every statement that `load` runs when everything is asked for; deliveries are claimed for `target`."""
    ws = WorkingSet(0, Ids(0))
    everything_asked_for(ws, target)
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    load(connection, load_wanted(ws))
    connection.set_trace_callback(None)
    return statements


def plan_of(connection: sqlite3.Connection, sql: str) -> list[str]:
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]


def scanned(connection: sqlite3.Connection, sql: str) -> Iterator[str]:
    """What a statement reads from end to end, besides the JSON array of keys and the results of its own subqueries."""
    plan = plan_of(connection, sql)
    own = {found[1] for line in plan if (found := re.match(r"(?:CO-ROUTINE|MATERIALIZE) (\w+)", line))}
    for line in plan:
        found = re.match(r"SCAN (\w+)( VIRTUAL TABLE)?", line)
        if found and not found[2] and found[1] not in own:
            yield line


def test_nothing_that_loading_reads_for_a_call_is_read_from_end_to_end(schema: sqlite3.Connection) -> None:
    statements = statements_of_loading(schema)
    assert len(statements) >= 20
    found = {sql: set(scanned(schema, sql)) - OPERATORS_ONLY for sql in statements}
    assert {sql: lines for sql, lines in found.items() if lines} == {}


def test_a_scan_would_be_noticed(schema: sqlite3.Connection) -> None:
    by_table, by_index = "SELECT * FROM profile WHERE created_at = 1", "SELECT * FROM record WHERE guest = 1"
    assert list(scanned(schema, by_table)) == ["SCAN profile"]
    assert list(scanned(schema, by_index)) == ["SCAN record USING COVERING INDEX record_of_profile"]


def test_an_erasure_finds_what_names_a_person_without_reading_what_is_of_others(
    schema: sqlite3.Connection,
) -> None:
    ws = WorkingSet(0, Ids(0))
    profile, (record,) = person(ws, "web:ann")
    seen = observe(ws, record, Identifier("email", "ann@x.eg"), profile.profile_id)
    ws.keys[seen.identifier].holders = 0
    ws.forget(profile)
    statements: list[str] = []
    schema.set_trace_callback(statements.append)
    with ThreadPoolExecutor(1) as beside:
        Saver(schema, Chain("chain", b"key"), beside).save(ws)
    schema.set_trace_callback(None)
    assert len(statements) >= 20
    found = {
        sql: [*scanned(schema, sql), *(line for line in plan_of(schema, sql) if "AUTOMATIC" in line)]
        for sql in statements
    }
    assert {sql: lines for sql, lines in found.items() if lines} == {}


def test_seeing_an_identifier_again_leaves_the_tree_that_finds_its_holders_alone(
    schema: sqlite3.Connection,
) -> None:
    ws = WorkingSet(0, Ids(0))
    _, (record,) = person(ws, "web:ann")
    ws.touch_last_seen(record, Observation(Identifier("email", "ann@x.eg"), 0, 0))
    statements: list[str] = []
    with ThreadPoolExecutor(1) as beside:
        schema.set_trace_callback(statements.append)
        Saver(schema, Chain("chain", b"key"), beside).save(ws)
        schema.set_trace_callback(None)
    [update] = (sql for sql in statements if "UPDATE observation" in sql)
    assert list(scanned(schema, update)) == []
    written = {row[3] for row in schema.execute(f"EXPLAIN {update}") if row[1] == "OpenWrite"}
    [tree] = schema.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'observation'")
    assert written == {*tree}


def test_due_achievements_are_read_in_the_order_of_their_index(schema: sqlite3.Connection) -> None:
    (due,) = (sql for sql in statements_of_loading(schema) if "'accepted' AND due_at <=" in sql)
    plan = plan_of(schema, due)
    assert any("achievement_due (due_at<?)" in line for line in plan)


@pytest.mark.parametrize(
    ("target", "indexes"),
    [("upstream", {"delivery_open"}), ("webhook:crm", {"delivery_open", "delivery_in_order"})],
)
def test_claimable_deliveries_are_read_in_the_order_of_their_index(
    schema: sqlite3.Connection, target: str, indexes: set[str]
) -> None:
    (claim,) = (sql for sql in statements_of_loading(schema, target) if "lease_until <=" in sql)
    plan = " ".join(plan_of(schema, claim))
    assert set(re.findall(r"INDEX (\w+)", plan)) == indexes
    assert "delivery_open (target=? AND due_at<?)" in plan
    assert "TEMP B-TREE FOR ORDER BY" not in plan


async def test_the_content_of_a_report_is_read_from_its_profile(schema: sqlite3.Connection) -> None:
    """SQLite by itself would begin with every e-mail address and mobile number there is."""
    schema.execute("INSERT INTO profile VALUES (1, 0, 1, NULL, 'ann', 1)")
    schema.execute("INSERT INTO record VALUES ('web', 'ann', 1, 1, 0, 1, 0)")
    schema.execute(
        "INSERT INTO achievement VALUES (1, 1, 11664, 'queued', '', 'web', 'req', 0, 0, NULL, 0, '')"
    )
    plans: list[list[str]] = []

    class Explained:
        async def fetch(self, sql: str, parameters: tuple[object, ...]) -> list[tuple[object, ...]]:
            plans.append([row[3] for row in schema.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)])
            return schema.execute(sql, parameters).fetchall()

    assert await report_of(Explained(), 1) == OutgoingReport(1, "ann", 11664)  # pyright: ignore
    found, keys = plans
    assert [line.split(" USING ")[0] for line in found] == ["SEARCH a", "SEARCH r", "SEARCH p"]
    assert [line.split(" USING ")[0] for line in keys if "SEARCH" in line] == [
        "SEARCH r",
        "SEARCH o",
        "SEARCH s",
    ]


# ---- pins ----


async def test_a_profile_comes_with_the_pins_of_its_records(store_factory: Open, tmp_path: Path) -> None:
    store = await store_factory()
    saved = await run(store, lambda ws: [person(ws, f"web:{n}") for n in range(3)])
    await store.close()
    (a, b, _), (profile, *_) = saved.by_record_id, saved.profiles
    with sqlite3.connect(tmp_path / "gateway.db") as connection:
        connection.execute("INSERT INTO pin VALUES (?, ?, 'cannot', 'operator', '', 0, NULL)", (a, b))
    connection.close()
    ws = await look(await store_factory(), lambda ws: ws.profiles.want(profile))
    (pin,) = ws.pins([a])
    assert isinstance(pin, PinRow)
    assert (pin.record_a, pin.record_b, pin.kind) == (a, b, "cannot")
