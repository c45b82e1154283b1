"""A schema that is made for a trial and dropped after it, and trials of the engine's own isolation in it."""

import contextlib
import re
from collections.abc import AsyncGenerator
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import asyncpg

from gateway.errors import StoreUnavailable
from gateway.store.postgres.connection import SILENT

_CONNECT_SECONDS = 5
_COMMAND_SECONDS = 15
_TABLE = "CREATE TABLE skew (id BIGINT PRIMARY KEY, pair BIGINT NOT NULL, held BIGINT NOT NULL)"
_INDEX = "CREATE INDEX skew_pair ON skew (pair)"


def inside(url: str, schema: str) -> str:
    """The URL of the same database with this schema instead of `public`."""
    parts = urlsplit(url)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "search_path"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("search_path", schema)], quote_via=quote)))


@contextlib.asynccontextmanager
async def scratch_schema(url: str, schema: str) -> AsyncGenerator[None]:
    """Raises StoreUnavailable if the schema cannot be made; it is dropped however the block ends."""
    if not re.fullmatch("[a-z_0-9]{1,60}", schema):
        raise ValueError(schema)
    await _alone(url, f"CREATE SCHEMA {schema}", f"SET search_path TO {schema}", _TABLE, _INDEX)
    try:
        yield
    finally:
        await _alone(url, f"DROP SCHEMA {schema} CASCADE", f"DROP SCHEMA IF EXISTS {schema}_erased CASCADE")


async def _alone(url: str, *statements: str) -> None:
    async with _connected(url) as connection:
        for statement in statements:
            await connection.execute(statement)


async def skewed_update(one_url: str, other_url: str, pair: int) -> bool:
    """Two transactions each read both rows of a pair and then change one row each. Whether the engine refused one of them, as
    it must: in either order, the second would have read what the first wrote."""
    async with _connected(one_url) as one, _connected(other_url) as other:
        await one.execute("INSERT INTO skew VALUES ($1, $3, 1), ($2, $3, 1)", 2 * pair, 2 * pair + 1, pair)
        both = (one, other)
        await _begin(*both)
        for connection in both:
            await connection.fetch("SELECT held FROM skew WHERE pair = $1", pair)
        return not await _both_commit(
            *both, "UPDATE skew SET held = 0 WHERE id = $1", [(2 * pair,), (2 * pair + 1,)]
        )


async def skewed_insert(one_url: str, other_url: str, pair: int) -> bool:
    """Two transactions each find no row of a pair and then add one. Whether the engine refused one of them, as it must."""
    async with _connected(one_url) as one, _connected(other_url) as other:
        both = (one, other)
        await _begin(*both)
        for connection in both:
            await connection.fetch("SELECT held FROM skew WHERE pair = $1", -pair)
        rows = [(-2 * pair, -pair), (-2 * pair - 1, -pair)]
        return not await _both_commit(*both, "INSERT INTO skew VALUES ($1, $2, 1)", rows)


async def _begin(*connections: asyncpg.Connection) -> None:
    for connection in connections:
        await connection.execute("BEGIN ISOLATION LEVEL SERIALIZABLE")


async def _both_commit(
    one: asyncpg.Connection, other: asyncpg.Connection, sql: str, rows: list[tuple[int, ...]]
) -> bool:
    committed = 0
    for connection, row in zip((one, other), rows, strict=True):
        with contextlib.suppress(asyncpg.PostgresError):
            await connection.execute(sql, *row)
    for connection in (one, other):
        with contextlib.suppress(asyncpg.PostgresError):
            committed += await connection.execute("COMMIT") == "COMMIT"
    return committed == 2


@contextlib.asynccontextmanager
async def _connected(url: str) -> AsyncGenerator[asyncpg.Connection]:
    """Raises StoreUnavailable with the server's own words, which name no secret."""
    try:
        connection = await asyncpg.connect(url, timeout=_CONNECT_SECONDS, command_timeout=_COMMAND_SECONDS)
    except (asyncpg.PostgresError, *SILENT, ValueError) as error:
        raise StoreUnavailable(f"{type(error).__name__}: {error}") from error
    try:
        yield connection
    except (asyncpg.PostgresError, *SILENT) as error:
        raise StoreUnavailable(f"{type(error).__name__}: {error}") from error
    finally:
        connection.terminate()
