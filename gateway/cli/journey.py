"""The calls that the demo makes: one customer, four channels, four customer ids, one campaign."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import aiohttp

from gateway.cli.failure import Failure

CAMPAIGN = 11664
POINTS = 100
CHANNELS = ("web", "mobile", "pos", "callcenter")
_API = "/api/v4.0/integrations/customers"
_BALANCE_POLLS = 100
_POLL_SECONDS = 0.1


class Step(NamedTuple):
    """One call and its answer. `profile` and `decision` come from the identity headers."""

    channel: str
    says: str
    status: int
    decision: str
    profile: str
    comment: str


class Journey:
    """`keys` are the pairs (api key, secret key) of the channels."""

    def __init__(self, session: aiohttp.ClientSession, keys: dict[str, tuple[str, str]]) -> None:
        self._session = session
        self._keys = keys

    async def play(self) -> AsyncIterator[Step]:
        """Each step after its call was answered. Raises Failure if an answer differs from the expected one."""
        email, typed_email = "ann.smith@acme-shop.com", "Ann.Smith@Acme-Shop.com"
        typed_mobile, mobile = "0100 123 4567", "+20 100 123 4567"
        yield await self._customer("web", "web-1001", "orders with her e-mail", email=email)
        yield await self._customer(
            "mobile", "app-77", "signs in with the same e-mail, typed differently", email=typed_email
        )
        yield await self._customer("pos", "till-5", "gives only her mobile number", mobile=typed_mobile)
        yield await self._customer(
            "callcenter", "call-9", "gives both: the two are one", email=email, mobile=mobile
        )
        yield await self._achieve("pos", "till-5", 202, "the till reports the campaign: accepted")
        yield await self._achieve("web", "web-1001", 400, "the web shop reports the same: a duplicate")

    async def wait_for_points(self) -> int:
        """The balance in the web shop, as soon as there is one."""
        for _ in range(_BALANCE_POLLS):
            url = f"{_API}/web-1001/balance"
            async with self._session.get(url, headers=self._headers("web")) as response:
                points = (await response.json())["totalPointsBalance"] if response.status == 200 else 0
            if points:
                return int(points)
            await asyncio.sleep(_POLL_SECONDS)
        raise Failure(
            "the grant did not arrive; run: gateway demo again, and keep its output if it fails again"
        )

    async def _customer(self, channel: str, customer_id: str, comment: str, **identifiers: str) -> Step:
        says = f"{customer_id} {' '.join(identifiers.values())}"
        return await self._post(channel, _API, {"customerId": customer_id, **identifiers}, 200, says, comment)

    async def _achieve(self, channel: str, customer_id: str, expected: int, comment: str) -> Step:
        body = {"customerId": customer_id, "challengeId": CAMPAIGN}
        says = f"{customer_id} achieved {CAMPAIGN}"
        return await self._post(channel, f"{_API}/social-challenges", body, expected, says, comment)

    async def _post(
        self, channel: str, path: str, body: dict[str, Any], expected: int, says: str, comment: str
    ) -> Step:
        async with self._session.post(path, json=body, headers=self._headers(channel)) as response:
            if response.status != expected:
                raise Failure(f"{channel}: {path} answered {response.status}, but {expected} was expected")
            decision = response.headers.get("X-Gateway-Decision", "")
            return Step(
                channel,
                says,
                response.status,
                decision,
                response.headers.get("X-Gateway-Profile", ""),
                comment,
            )

    def _headers(self, channel: str) -> dict[str, str]:
        api_key, secret_key = self._keys[channel]
        return {"APIKey": api_key, "SecretKey": secret_key}
