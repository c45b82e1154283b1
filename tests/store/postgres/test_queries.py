"""PostgreSQL: a constant number of round trips, and look-ups that never scan."""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from gateway.ids import Ids
from gateway.store.batch import load_wanted
from gateway.store.postgres import PostgresStore
from gateway.store.postgres.connection import Connection, Server
from gateway.store.postgres.dialect import statement_of
from gateway.workingset import WorkingSet
from tests.support.in_process_gateway import (
    CHECKPOINT_KEY,
    NOON,
    InProcessGateway,
    ManualClock,
    achieve,
    customer,
)
from tests.support.postgresql import PostgresServer
from tests.support.store_batches import (
    everything_asked_for,
    person,
    run,
)


class Counting(Server):
    """Counts what is sent: each is one round trip."""

    def __init__(self, url: str, size: int) -> None:
        super().__init__(url, size)
        self.sent: list[str] = []

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        def note(query: Any) -> None:
            self.sent.append(query.query)

        async with super().connection() as connection:
            with connection.query_logger(note):
                yield connection


# ---- round trips ----


async def test_a_batch_costs_as_many_round_trips_whatever_its_size(tmp_path: Any, database_url: str) -> None:
    core = InProcessGateway(tmp_path, url=database_url)
    async with core:
        server = Counting(database_url, 2)
        await server.open()
        store = core.store
        assert isinstance(store, PostgresStore)
        store._server, before = server, store._server
        await sent_for(core, server, 900, 1)  # the driver asks once for the types of arrays
        counted = [
            await sent_for(core, server, first, count) for first, count in ((0, 2), (100, 20), (200, 200))
        ]
        await server.close()
        store._server = before
    assert counted[0] == counted[1] == counted[2]
    assert [len(statements) for statements in counted[0]] == [7, 5]


async def sent_for(core: InProcessGateway, server: Counting, first: int, count: int) -> list[list[str]]:
    """The statements of one batch that makes `count` customers known, and of one that accepts an achievement of each."""
    people = range(first, first + count)
    known = [
        customer(f"web:{n}", {"firstName": "Ann"}, email=f"p{n}@x.eg", mobile=f"+2010{n:08d}") for n in people
    ]
    achieved = [achieve(f"web:{n}", email=f"p{n}@x.eg") for n in people]
    batches: list[list[str]] = []
    for commands in (known, achieved):
        server.sent.clear()
        done = core.pipeline.batches_done
        await asyncio.gather(*(core.send(command) for command in commands))
        assert core.pipeline.batches_done == done + 1
        batches.append(list(server.sent))
    return batches


# ---- look-ups that never scan ----

OPERATORS_ONLY = {"channel_key", "rule_activation", "search"}
"""A few rows, and never read on behalf of a call."""


class Planner:
    """Says what a statement reads from end to end: a table, or an index from another column than its first."""

    def __init__(self, connection: Connection, first_columns: dict[str, str]) -> None:
        self._connection = connection
        self._first_columns = first_columns

    async def walked(self, sql: str, *arguments: Any) -> set[str]:
        rows = await self._connection.fetch(f"EXPLAIN {sql}", *arguments)
        plan = "\n".join(row[0] for row in rows)
        found = set(re.findall(r"Seq Scan on (\w+)", plan))
        for index, condition in re.findall(r"Index (?:Only )?Scan(?: using| on) (\w+).*\n\s*(.*)", plan):
            first = self._first_columns[index]
            if first and not re.search(rf"Index Cond:.*\b{first}\b", condition):
                found.add(index)
        return found


@pytest.fixture
async def planner(postgres: PostgresServer) -> AsyncGenerator[Planner]:
    """Over tables that the planner has no figures of: of tables with two rows it walks any index."""
    store = PostgresStore(postgres.url(postgres.fresh()), ManualClock(), checkpoint_key=CHECKPOINT_KEY)
    await store.open()
    rows = await store.fetch(
        "SELECT indexname::text, indexdef::text FROM pg_indexes WHERE schemaname = 'public'"
    )
    first = {name: "" if " WHERE " in text else re.findall(r"\((\w+)", text)[0] for name, text in rows}
    async with store._server.connection() as connection:
        yield Planner(connection, first)
    await store.close()


async def test_nothing_that_loading_reads_for_a_call_is_read_from_end_to_end(planner: Planner) -> None:
    ws = WorkingSet(0, Ids(0))
    walked: dict[str, set[str]] = {}
    everything_asked_for(ws)
    loading = load_wanted(ws)
    queries = next(loading, None)
    while queries is not None:
        for query in queries:
            sql, arguments = statement_of(query)
            walked[query.sql] = await planner.walked(sql, *arguments) - OPERATORS_ONLY
        try:
            queries = loading.send([[] for _ in queries])
        except StopIteration:
            break
    assert len(walked) >= 20
    assert {sql: tables for sql, tables in walked.items() if tables} == {}


@pytest.mark.parametrize(
    ("sql", "walked"),
    [
        ("SELECT * FROM profile WHERE created_at = 1", "profile"),
        ("SELECT * FROM record WHERE guest = 1", "record_of_profile"),
    ],
)
async def test_a_walk_over_everything_would_be_noticed(planner: Planner, sql: str, walked: str) -> None:
    assert await planner.walked(sql) == {walked}


async def test_joins_with_a_condition_and_without_one_are_understood(opened: Callable[[], Any]) -> None:
    store: PostgresStore = await opened()
    await run(store, lambda ws: person(ws, "web:ann", "pos:ann"))
    both = (
        "SELECT COUNT(*) FROM record AS a CROSS JOIN record AS b ON b.profile_id = a.profile_id"
        " CROSS JOIN profile p WHERE p.created_at >= ?"
    )
    assert await store.fetch(both, (NOON,)) == [(4,)]
