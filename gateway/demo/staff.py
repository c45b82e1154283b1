"""The shop's operators and what they do. Each uses the admin API with their own token."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import aiohttp

from gateway.demo.errors import DemoError
from gateway.demo.people import people
from gateway.demo.settings import EAGER, USUAL, WEBHOOK, eager_rules
from gateway.model import Role

_ROLES: Mapping[str, Role] = {"grace": "admin", "omar": "steward", "nadia": "viewer"}
_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = 120
_IMPORT_ID = "0" * 15 + "1"
_UNREADABLE = "n/a"
_STORES = ("+201550000001", "+201550000002")


class Operator(NamedTuple):
    name: str
    role: Role
    token: str


class Staff:
    """`token` is the shared one of the admin API."""

    def __init__(self, session: aiohttp.ClientSession, token: str) -> None:
        self._session = session
        self._tokens = {"": token}
        self.operators: list[Operator] = []

    def at(self, session: aiohttp.ClientSession) -> None:
        """The listener from now on."""
        self._session = session

    async def hire(self) -> None:
        for name, role in _ROLES.items():
            issued = await self._ask("", "POST", "/operators", {"name": name, "role": role})
            self._tokens[name] = issued["token"]
            self.operators.append(Operator(name, role, issued["token"]))

    async def list_own_numbers(self) -> None:
        """The numbers that tills enter for customers who give none."""
        await self._ask("omar", "POST", "/lists/stores", {"values": list(_STORES)})

    async def import_old_cards(self, count: int, seed: int) -> None:
        """A customer file of the former till, with some unusable lines."""
        rows: list[tuple[int, list[str]]] = []
        for person in people(count, seed)[:: max(1, count // max(8, count // 25))]:
            line = len(rows) + 2
            mobile = _UNREADABLE if line % 5 == 0 else person.mobile
            customer_id = "" if line % 7 == 0 else f"old-{person.number}"
            rows.append((line, [customer_id, mobile, f"{person.given} {person.family}"]))
        chunk = {
            "channel": "pos",
            "first_line": 1,
            "next_line": len(rows) + 2,
            "columns": ["customer_id", "mobile", "displayName"],
            "rows": rows,
            "last": True,
        }
        await self._ask("grace", "POST", f"/imports/{_IMPORT_ID}/rows", chunk)

    async def break_rules(self) -> None:
        await self._ask("grace", "POST", "/rules?activate=true", {"text": eager_rules()})
        await self._regrouped(EAGER)

    async def roll_back(self) -> None:
        await self._ask("grace", "POST", f"/rules/{USUAL}/activate")
        await self._regrouped(USUAL)

    async def answer_some(self, count: int) -> None:
        """Of the couples who share an address, every other question is answered with yes. The guests of the new shop have to wait:
        their questions depend on each other."""
        found = await self._ask("omar", "GET", f"/reviews?rule=email&limit={max(1, count)}")
        for position, item in enumerate(found["items"][:count]):
            answer = "accept" if position % 2 == 0 else "reject"
            await self._ask("omar", "POST", f"/reviews/{item['id']}/{answer}")

    async def all_is_sent(self) -> None:
        """Wait until each event has reached the CRM or was refused there."""
        await _until(self._is_sent, "events wait for the CRM")

    async def _is_sent(self) -> bool:
        return not (await self._waits("pending") or await self._waits("sending"))

    async def _waits(self, state: str) -> bool:
        path = f"/deliveries?target=webhook:{WEBHOOK}&state={state}&limit=1"
        return bool((await self._ask("grace", "GET", path))["items"])

    async def _regrouped(self, version: str) -> None:
        """Wait until all profiles were looked at by the new rules."""

        async def is_over() -> bool:
            walk = (await self._ask("grace", "GET", f"/rules/{version}"))["regrouping"]
            return walk is not None and walk["finished_at"] is not None

        await _until(is_over, f"profiles wait for the rules {version}")

    async def _ask(self, name: str, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self._tokens[name]}"}
        async with self._session.request(method, f"/admin/v1{path}", json=body, headers=headers) as answer:
            if answer.status >= 400:
                raise DemoError(
                    f"the admin API answered {answer.status} to {method} {path}; run the demo again"
                )
            return await answer.json()


async def _until(is_over: Callable[[], Awaitable[bool]], waiting: str) -> None:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not await is_over():  # noqa: ASYNC110 - the gateway is asked over HTTP
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise DemoError(f"after {_PATIENCE_SECONDS} s, {waiting}; run the demo again") from None
