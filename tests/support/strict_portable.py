"""PostgreSQL as the strictest engine of its protocol would be: SQL that not all of them have is refused, and one commit in ten
collides with another one and has to be made again."""

import contextlib
import random
import re
from collections.abc import AsyncGenerator
from typing import Any

import asyncpg

from gateway.clock import Clock
from gateway.store.postgres import PostgresStore
from gateway.store.postgres.connection import Connection, Server

FORBIDDEN = {
    "skip locked": r"\bSKIP\s+LOCKED\b|\bNOWAIT\b",
    "advisory lock": r"\bpg_(try_)?advisory_",
    "notification": r"\b(UN)?LISTEN\b|\bNOTIFY\b",
    "sequence": r"\b(BIG|SMALL)?SERIAL\b|\bSEQUENCE\b|\bnextval\b|\bGENERATED\b",
    "trigger or function": r"\bTRIGGER\b|\bFUNCTION\b|\bPROCEDURE\b|\bDO\s+\$",
    "foreign key": r"\bREFERENCES\b|\bFOREIGN\s+KEY\b",
    "deferred constraint": r"\bDEFERR(ABLE|ED)\b",
    "temporary table": r"\bTEMP(ORARY)?\b|\bUNLOGGED\b",
    "savepoint": r"\bSAVEPOINT\b|\bRELEASE\b",
    "truncate": r"\bTRUNCATE\b",
    "table lock": r"\bLOCK\s+TABLE\b",
    "partition": r"\bPARTITION\s+(OF|BY\s+(RANGE|LIST|HASH))\b",
    "covering index": r"\bINCLUDE\s*\(",
    "change inside WITH": r"\bWITH\b.*\bAS\s*\(\s*((UPDATE|DELETE)\b|INSERT\b.*\bRETURNING\b)",
    "one table twice": r"\bINSERT\s+INTO\s+(\w+)\b.*\bINSERT\s+INTO\s+\1\b",
    "several statements": r";\s*\S",
}
_SHARE_OF_COMMITS = 0.1
_LITERAL = re.compile(r"'[^']*'")


class NotPortable(AssertionError):
    """A statement that some engine of the protocol does not have."""


def lint(sql: str) -> None:
    """Raises NotPortable."""
    bare = _LITERAL.sub("''", sql)
    for name, pattern in FORBIDDEN.items():
        if re.search(pattern, bare, re.IGNORECASE | re.DOTALL):
            raise NotPortable(f"{name}: {sql}")


class StrictServer(Server):
    """`collisions` were made up, `longest` is how many of them one batch met in a row."""

    def __init__(self, url: str, size: int, share: float = _SHARE_OF_COMMITS) -> None:
        super().__init__(url, size)
        self._share = share
        self._chance = random.Random(28)
        self._in_a_row = 0
        self.commits = 0
        self.collisions = 0
        self.longest = 0

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        async with super().connection() as connection:
            yield _StrictConnection(self, connection)  # pyright: ignore

    def collides(self) -> bool:
        self.commits += 1
        if self._chance.random() >= self._share:
            self._in_a_row = 0
            return False
        self.collisions += 1
        self._in_a_row += 1
        self.longest = max(self.longest, self._in_a_row)
        return True


class _StrictConnection:
    def __init__(self, server: StrictServer, connection: Connection) -> None:
        self._server = server
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute(self, sql: str, *arguments: Any, **options: Any) -> str:
        lint(sql)
        if sql == "COMMIT" and self._server.collides():
            await self._connection.execute("ROLLBACK")
            raise asyncpg.SerializationError("made up: restart transaction")
        return await self._connection.execute(sql, *arguments, **options)

    async def fetch(self, sql: str, *arguments: Any, **options: Any) -> list[Any]:
        lint(sql)
        return await self._connection.fetch(sql, *arguments, **options)

    async def fetchval(self, sql: str, *arguments: Any, **options: Any) -> Any:
        lint(sql)
        return await self._connection.fetchval(sql, *arguments, **options)


def strict(url: str, clock: Clock, checkpoint_key: bytes, share: float = _SHARE_OF_COMMITS) -> PostgresStore:
    store = PostgresStore(url, clock, checkpoint_key=checkpoint_key)
    store._server = StrictServer(url, 10, share)
    return store
