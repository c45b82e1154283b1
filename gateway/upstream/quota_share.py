"""Several gateways share one quota: each takes an equal part, and a new one waits until the others know of it."""

from typing import Final

from gateway.clock import SECOND, Clock
from gateway.errors import StoreUnavailable
from gateway.store import Store
from gateway.upstream.limiter import WINDOW, Limiter

_BEAT: Final = 5 * SECOND
_UNTIL_FREE: Final = 2 * _BEAT + WINDOW
"""How long a new gateway waits: until the others know of it, and their earlier calls are out of the upstream's window."""


class Share:
    """`step` every few seconds. A gateway that cannot report that it is alive sends nothing, because the others take its part."""

    def __init__(self, store: Store, limiter: Limiter, clock: Clock) -> None:
        self._store = store
        self._limiter = limiter
        self._clock = clock
        self._among_others_since: int | None = None
        limiter.share = 0.0

    async def step(self) -> float:
        """Take the present part. Returns the seconds until the next step."""
        try:
            await self._store.report_alive()
            alive = await self._store.replicas()
        except StoreUnavailable:
            self._limiter.share, self._among_others_since = 0.0, None
            raise
        self._limiter.share = self._part(alive)
        return _BEAT / SECOND

    def _part(self, alive: int) -> float:
        now = self._clock.steady()
        if alive == 1:
            self._among_others_since = now - _UNTIL_FREE
            return 1.0
        if self._among_others_since is None:
            self._among_others_since = now
        return 1 / alive if now - self._among_others_since >= _UNTIL_FREE else 0.0
