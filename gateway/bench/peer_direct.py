"""A minimal service to compare with: one aiohttp handler finds the customer, stores the achievement and commits, with aiosqlite or
asyncpg. Run as `python -m gateway.bench.peer_direct PORT URL PEOPLE`; the people are known at the start.

It normalises with the libraries' plain calls and takes the first customer who matches. It merges no two customers, has no audit
log, and answers a repeated achievement with 409.
"""

import asyncio
import contextlib
import hashlib
import hmac
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Protocol

import aiosqlite
import msgspec
import uvloop
from aiohttp import web

from gateway.bench.normalise_plain import email, mobile
from gateway.bench.workload import API_KEY, SECRET_KEY, person

PATH = "/api/v4.1/integrations/customers/social-challenges"
HEADERS = {"Content-Type": "application/json; charset=utf-8"}
_CONNECTIONS = 10
_SCHEMA = (
    "CREATE TABLE customer (id TEXT PRIMARY KEY, email TEXT, mobile TEXT)",
    "CREATE INDEX customer_by_email ON customer (email)",
    "CREATE INDEX customer_by_mobile ON customer (mobile)",
    "CREATE TABLE achievement (customer TEXT, challenge INTEGER, accepted_at BIGINT, PRIMARY KEY (customer, challenge))",
)
_FIND = "SELECT id FROM customer WHERE id = $1 UNION ALL SELECT id FROM customer WHERE email = $2 OR mobile = $3 LIMIT 1"
_ADD_CUSTOMER = "INSERT INTO customer VALUES ($1, $2, $3)"
_ADD = "INSERT INTO achievement VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING challenge"


class Transaction(Protocol):
    async def rows(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any]: ...


Begin = Callable[[], contextlib.AbstractAsyncContextManager[Transaction]]


class Achievement(msgspec.Struct, rename="camel"):
    customer_id: str
    challenge_id: int
    email: str = ""
    mobile: str = ""


class Service:
    def __init__(self, begin: Begin) -> None:
        self._begin = begin
        self._keys = _digest(API_KEY), _digest(SECRET_KEY)

    async def achieve(self, request: web.Request) -> web.Response:
        given = request.headers.get("apikey", ""), request.headers.get("secretkey", "")
        known = [hmac.compare_digest(_digest(one), key) for one, key in zip(given, self._keys, strict=True)]
        if not all(known):
            return web.Response(status=401)
        asked = msgspec.json.decode(await request.read(), type=Achievement)
        who = asked.customer_id, email(asked.email) or None, mobile(asked.mobile) or None
        async with self._begin() as transaction:
            found = await transaction.rows(_FIND, who)
            if not found:
                await transaction.rows(_ADD_CUSTOMER, who)
            customer = found[0][0] if found else asked.customer_id
            now = time.time_ns() // 1_000_000
            stored = await transaction.rows(_ADD, (customer, asked.challenge_id, now))
        answer = msgspec.json.encode({"customerId": customer, "challengeId": asked.challenge_id})
        return web.Response(status=202 if stored else 409, body=answer, headers=HEADERS)


SERVICE = web.AppKey("service", Service)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


class _File:
    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def rows(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
        return list(await self._connection.execute_fetchall(sql.replace("$", "?"), parameters))


class _Server:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def rows(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
        return await self._connection.fetch(sql, *parameters)


@contextlib.asynccontextmanager
async def _file(path: str) -> AsyncGenerator[Begin]:
    """One connection, one transaction at a time."""
    turn = asyncio.Lock()
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        await connection.execute("PRAGMA journal_mode = WAL")
        await connection.execute("PRAGMA synchronous = FULL")

        @contextlib.asynccontextmanager
        async def begin() -> AsyncGenerator[Transaction]:
            async with turn:
                await connection.execute("BEGIN IMMEDIATE")
                try:
                    yield _File(connection)
                except BaseException:
                    await connection.execute("ROLLBACK")
                    raise
                await connection.execute("COMMIT")

        yield begin


@contextlib.asynccontextmanager
async def _server(url: str) -> AsyncGenerator[Begin]:
    import asyncpg

    async with asyncpg.create_pool(url, min_size=_CONNECTIONS, max_size=_CONNECTIONS) as pool:

        @contextlib.asynccontextmanager
        async def begin() -> AsyncGenerator[Transaction]:
            async with pool.acquire() as connection, connection.transaction():
                yield _Server(connection)

        yield begin


async def _fill(begin: Begin, people: int) -> None:
    async with begin() as transaction:
        for statement in _SCHEMA:
            await transaction.rows(statement, ())
        for number in range(people):
            who = person(number)
            await transaction.rows(_ADD_CUSTOMER, (who.customer_id, who.email, who.mobile))


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok")


async def _achieve(request: web.Request) -> web.Response:
    return await request.app[SERVICE].achieve(request)


def main(port: int, url: str, people: int) -> None:
    async def opened(app: web.Application) -> AsyncGenerator[None]:
        path = url.removeprefix("sqlite:///")
        async with _file(path) if path != url else _server(url) as begin:
            await _fill(begin, people)
            app[SERVICE] = Service(begin)
            yield

    app = web.Application()
    app.cleanup_ctx.append(opened)
    app.router.add_post(PATH, _achieve)
    app.router.add_get("/healthz", _healthz)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
