"""Whether there is work for the workers that look every moment, asked for all of them in one statement."""

import asyncio
from typing import Literal

from gateway.clock import SECOND, Clock
from gateway.store import Store
from gateway.store.gateway_reads import what_is_due

_FRESH = SECOND // 2
Kind = Literal["grants", "regroupings", "jobs"]


class DueWork:
    """Each answer is given once, and is half a second old at most."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._answers: dict[str, bool] = {}
        self._asked_at = 0
        self._asking = asyncio.Lock()

    async def has(self, kind: Kind) -> bool:
        async with self._asking:
            now = self._clock.steady()
            if kind not in self._answers or now - self._asked_at >= _FRESH:
                self._answers = (await what_is_due(self._store, self._clock.now()))._asdict()
                self._asked_at = now
            return self._answers.pop(kind)
