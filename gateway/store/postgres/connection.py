"""Connections to PostgreSQL: how they are made, and what their failures mean in the gateway's terms."""

import contextlib
import re
import socket
from collections.abc import AsyncGenerator
from typing import Any

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from gateway.errors import StoreUnavailable
from gateway.store.postgres.hosts import Hosts
from gateway.store.postgres.socket_of import socket_of

_log = structlog.get_logger("store")
Connection = PoolConnectionProxy

_COMMAND_SECONDS = 15
_IDLE_SECONDS = 60
_PLAN_SECONDS = 10
"""After that a statement is planned again: a plan made while its tables were small scans tables that have become large."""
_SETTINGS = {
    "application_name": "loyalty-gateway",
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "30s",
}
_PLANNER = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit")
"""Off, if the engine knows them: every look-up uses its index, whatever the planner assumes about a table without statistics. A
plan that reads a whole table would also collide with every other replica's batch."""
_COLLISION = re.compile(r"conflict|restart (?:read|transaction)|try again|retry|serializ", re.IGNORECASE)
"""In an internal error (XX000), with which YugabyteDB and others report some collisions."""
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 3), (socket.TCP_KEEPCNT, 3))

SILENT = (
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    OSError,
    TimeoutError,
)
"""After these it is not known whether the server still receives anything. The driver's «internal» error is what it says of an idle
connection that the server ended."""
_GONE = (
    *SILENT,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TargetServerAttributeNotMatched,
)
"""The server is not, or no longer, the right one: every connection to it is given up."""
_REFUSED = (
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
    asyncpg.LockNotAvailableError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)


class Server:
    """Connections to the first of the URL's hosts that takes writes. Call `open` first and `close` at the end."""

    def __init__(self, url: str, size: int) -> None:
        self._url = url
        self._size = size
        self._hosts = Hosts(url)
        self._pool: asyncpg.Pool | None = None
        self._refused = set[str]()

    async def open(self) -> None:
        target: Any = {} if "target_session_attrs=" in self._url else {"target_session_attrs": "primary"}
        pool = asyncpg.create_pool(
            self._url,
            min_size=1,
            max_size=self._size,
            max_queries=1 << 62,
            max_inactive_connection_lifetime=_IDLE_SECONDS,
            max_cached_statement_lifetime=_PLAN_SECONDS,
            statement_cache_size=512,
            connect=self._hosts.connect,
            command_timeout=_COMMAND_SECONDS,
            server_settings=_SETTINGS,
            init=self._prepare,
            reset=_leave_as_is,
            **target,
        )
        try:
            await pool
        except (*_GONE, *_REFUSED) as error:
            raise _unavailable(error) from error
        self._pool = pool

    async def close(self) -> None:
        """May be called again."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                await pool.close()
            except (*_GONE, *_REFUSED):
                pool.terminate()

    async def give_up_connections(self) -> None:
        """The next connection is a new one, to the host that takes writes then."""
        self._hosts.prefer_others()
        if self._pool is not None:
            await self._pool.expire_connections()

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """A connection for this block alone. Raises StoreUnavailable if the server fails; errors that belong to a command pass
        through."""
        if self._pool is None:
            raise StoreUnavailable("the store is not open")
        try:
            async with self._pool.acquire() as connection:
                try:
                    yield connection
                except asyncpg.InternalServerError as error:
                    if _COLLISION.search(str(error)):
                        raise asyncpg.SerializationError(str(error)) from error
                    raise
                except SILENT:
                    with contextlib.suppress(asyncpg.InterfaceError):  # the pool has already released it
                        connection.terminate()  # to give it back would wait until the server heard of the cancellation
                    raise
        except _GONE as error:
            await self.give_up_connections()
            raise _unavailable(error) from error
        except _REFUSED as error:
            raise _unavailable(error) from error

    async def _prepare(self, connection: Connection) -> None:
        sock = socket_of(connection)
        if sock is not None and sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in _KEEPALIVE:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)
        for name in _PLANNER:
            try:
                await connection.execute(f"SET {name} = off")
            except asyncpg.PostgresError as error:
                if name not in self._refused:
                    self._refused.add(name)
                    _log.info("engine_setting_refused", hint=name, error=type(error).__name__)


def _unavailable(error: BaseException) -> StoreUnavailable:
    return StoreUnavailable(f"the database does not answer as it should ({type(error).__name__})")


async def _leave_as_is(_: Connection) -> None:
    """Nothing of ours outlives a transaction, so nothing has to be reset; that would be one more round trip a batch."""
