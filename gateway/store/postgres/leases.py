"""Leases in the database: which gateway does what only one may do at a time, and which gateways are alive."""

import contextlib
import uuid
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from gateway.clock import HOUR, SECOND, Clock
from gateway.errors import StoreUnavailable
from gateway.store.postgres.connection import Connection

_LEASE = 20 * SECOND
_RENEWAL = 5 * SECOND
_LONGEST = 2 * _LEASE
"""A longer lease was taken by a clock that was ahead, and is ignored."""
_NEVER_ASKED = (-_RENEWAL, False)
_TAKE = """
INSERT INTO lease VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
WHERE lease.owner = excluded.owner OR lease.until <= $4 OR lease.until > $5
"""
_REPLICA = "replica:"
_IN_REPLICAS = "name >= 'replica:' AND name < 'replica;'"
_PROBE = """
INSERT INTO lease VALUES ('probe', $1, $2) ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
"""


class Leases:
    """Of this process. `connect` lends a connection."""

    def __init__(self, connect: Callable[[], AbstractAsyncContextManager[Connection]], clock: Clock) -> None:
        self._connect = connect
        self._clock = clock
        self._owner = uuid.uuid4().hex
        self._asked: dict[str, tuple[int, bool]] = {}

    async def take(self, work: str) -> bool:
        """Take the lease of `work`, or keep it."""
        leads = self._known(work)
        if leads is not None:
            return leads
        async with self._connect() as connection:
            return await self.take_by(connection, work, self._clock.now())

    async def take_by(self, connection: Connection, work: str, now: int) -> bool:
        leads = self._known(work)
        if leads is None:
            steady = self._clock.steady()
            status = await connection.execute(_TAKE, work, self._owner, now + _LEASE, now, now + _LONGEST)
            leads = status.endswith(" 1")
            self._asked[work] = (steady, leads)
        return leads

    def _known(self, work: str) -> bool | None:
        """What the database said a short while ago."""
        asked_at, leads = self._asked.get(work, _NEVER_ASKED)
        return leads if self._clock.steady() - asked_at < _RENEWAL else None

    async def give_back(self) -> None:
        """All leases, but not the sign that this process is alive."""
        if self._asked:
            self._asked.clear()
            with contextlib.suppress(StoreUnavailable):
                async with self._connect() as connection:
                    await connection.execute(
                        f"DELETE FROM lease WHERE owner = $1 AND NOT ({_IN_REPLICAS})", self._owner
                    )

    async def report_alive(self) -> None:
        """What a process sent in its last seconds still counts for the upstream, so its row outlives an orderly stop too."""
        now = self._clock.now()
        longest = now + _LONGEST
        async with self._connect() as connection:
            await connection.execute(_TAKE, _REPLICA + self._owner, self._owner, now + _LEASE, now, longest)
            await connection.execute(
                f"DELETE FROM lease WHERE {_IN_REPLICAS} AND (until <= $1 OR until > $2)", now - HOUR, longest
            )

    async def replicas(self) -> int:
        """How many lived within the last seconds."""
        now = self._clock.now()
        async with self._connect() as connection:
            return await connection.fetchval(
                f"SELECT COUNT(*) FROM lease WHERE {_IN_REPLICAS} AND until > $1", now
            )

    async def probe(self, seconds: float) -> None:
        """A write, which is to be done within `seconds`."""
        async with self._connect() as connection:
            await connection.execute(_PROBE, self._owner, self._clock.now(), timeout=seconds)
