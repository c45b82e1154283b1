"""The shop's calls: what its channels send, many at a time, while the clock goes through the past."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence

import aiohttp

from gateway.clock import HOUR
from gateway.demo.clock import ShopClock
from gateway.demo.errors import DemoError
from gateway.demo.visits import Visit
from gateway.http.services import Services
from gateway.model import GrantDue

_AT_ONCE = 24
_SHARE = 24
"""Visits that are sent together are no further apart than this share of the time since."""
_GRANTS = 1_000
_API = "/api/v4.1/integrations/customers"
_EXPECTED = frozenset({200, 202, 400, 404})
"""400 and 404 are a shop's everyday refusals: reported twice, or before the customer was saved."""


class ChannelCalls:
    """`end` is when the story ends (ms)."""

    def __init__(
        self,
        services: Services,
        session: aiohttp.ClientSession,
        keys: Mapping[str, tuple[str, str]],
        clock: ShopClock,
        end: int,
    ) -> None:
        self._services, self._session, self._clock, self._end = services, session, clock, end
        self._headers = {name: {"APIKey": api, "SecretKey": secret} for name, (api, secret) in keys.items()}
        self._granted_at = 0

    async def serve(self, visits: Sequence[Visit], served: Callable[[], None]) -> None:
        """Send the visits, oldest first, and tell `served` of each."""
        for group in _close_together(visits):
            self._clock.go_to(self._end - group[0].ago)
            if self._end - group[0].ago - self._granted_at >= HOUR:
                await self._grant()
            await asyncio.gather(*map(self._send, group))
            for _ in group:
                served()
        await self._grant()

    async def _grant(self) -> None:
        """What is due by the shop's clock; the gateway's worker looks too seldom for days that pass in seconds."""
        self._granted_at = self._services.clock.now()
        await self._services.pipeline.submit_background(GrantDue(_GRANTS))

    async def _send(self, visit: Visit) -> None:
        body = {"customerId": visit.customer_id, **visit.body}
        if visit.campaign:
            body["challengeId"] = visit.campaign
        path = f"{_API}/social-challenges" if visit.campaign else _API
        try:
            async with self._session.post(path, json=body, headers=self._headers[visit.channel]) as answer:
                status = answer.status
        except aiohttp.ClientError as error:
            raise DemoError(
                f"{visit.channel}: no answer ({type(error).__name__}); run the demo again"
            ) from None
        if status not in _EXPECTED:
            raise DemoError(f"{visit.channel}: {path} answered {status}; run the demo again")


def _close_together(visits: Sequence[Visit]) -> Iterator[Sequence[Visit]]:
    """Groups of visits that may be sent at the same time."""
    first = 0
    for position, visit in enumerate(visits):
        span = min(HOUR, visits[first].ago // _SHARE)
        if position - first == _AT_ONCE or visits[first].ago - visit.ago > span:
            yield visits[first:position]
            first = position
    if first < len(visits):
        yield visits[first:]
