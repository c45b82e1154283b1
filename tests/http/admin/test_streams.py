"""Live streams: what happens arrives, a broken stream goes on, and no listener can hold the gateway up."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from gateway.clock import MINUTE, Clock
from gateway.http.admin import build
from gateway.http.admin.listing import Query
from gateway.http.admin.operation import Call
from gateway.http.admin.operators import OPERATOR, Operator
from gateway.http.admin.streams import STREAMS, Frame, Streams, stream
from gateway.http.services import SERVICES
from gateway.model import SaveCustomer
from tests.support.people import caller, save
from tests.support.running_gateway import ADMIN_TOKEN

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient

    from tests.support.running_gateway import RunningGateway

TOKEN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


class Listener:
    """Reads the events of one stream."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._lines = aiter(response.content)

    async def next(self) -> dict[str, str]:
        """The fields of the next event; a comment is under ""."""
        async with asyncio.timeout(20):
            fields: dict[str, str] = {}
            while (line := (await anext(self._lines)).decode().rstrip("\n")) or not fields:
                name, _, value = line.partition(": ")
                fields[name] = value
            return fields

    async def event(self, kind: str) -> tuple[str, Any]:
        """The next one of this kind: its id, and what it holds."""
        while (fields := await self.next()).get("event") != kind:
            pass
        return fields.get("id", ""), json.loads(fields["data"])


@pytest.fixture
async def client(gateway: RunningGateway, aiohttp_client: Any) -> TestClient[Any, Any]:
    """Of another admin listener on the same gateway, which looks for news all the time."""
    app = build(gateway.services)
    app[STREAMS].poll = 0.01
    return await aiohttp_client(app)


@asynccontextmanager
async def listening(client: Any, path: str, **headers: str) -> AsyncGenerator[Listener]:
    async with client.get(f"/admin/v1/{path}", headers={**TOKEN, **headers}) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        yield Listener(response)


async def test_a_follower_gets_the_events_it_asked_for_and_resumes_where_it_stopped(
    gateway: RunningGateway, client: Any
) -> None:
    await save(gateway.services, "web", "before", email="a@x.eg")
    async with listening(client, "audit/stream?action=identity.*&channel=pos") as listener:
        assert await listener.next() == {"retry": "3000"}
        await save(gateway.services, "web", "other", email="b@x.eg")
        await save(gateway.services, "pos", "mine", email="c@x.eg")
        first, event = await listener.event("audit")
        assert (first, event["channel"], event["action"]) == (event["id"], "pos", "identity.created")
    await save(gateway.services, "pos", "meanwhile", email="d@x.eg")
    headers = {"Last-Event-ID": first}
    async with listening(client, "audit/stream?action=identity.*", **headers) as listener:
        _, event = await listener.event("audit")
        assert (event["channel"], event["action"]) == ("pos", "identity.created")
        assert event["id"] > first


class Later:
    """A clock that is a minute ahead of another."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> int:
        return self._clock.now() + MINUTE

    def steady(self) -> int:
        return self._clock.steady()


async def test_a_follower_that_falls_behind_is_told_how_much_was_skipped(
    gateway: RunningGateway, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = gateway.services
    client.app[STREAMS].heartbeat = 0.0
    async with listening(client, "audit/stream") as listener:
        while await listener.next() != {"": "nothing new"}:
            pass
        monkeypatch.setattr(services, "clock", Later(services.clock))
        many = (SaveCustomer(caller("web"), f"web-{number}", ()) for number in range(120))
        await asyncio.gather(*(services.pipeline.submit(command) for command in many))
        _, gap = await listener.event("gap")
        assert gap["after"] < gap["before"]
        await services.pipeline.submit(SaveCustomer(caller("web"), "after the gap", ()))
        following, _ = await listener.event("audit")
        assert following > gap["before"]


async def test_a_listener_gets_keep_alives_and_repeated_overviews(client: Any) -> None:
    client.app[STREAMS].heartbeat = 0.0
    async with listening(client, "audit/stream?action=pin.set") as listener:
        assert await listener.next() == {"retry": "3000"}
        assert await listener.next() == {"": "nothing new"}
    async with listening(client, "overview/stream") as one, listening(client, "overview/stream") as other:
        told = [(await listener.event("overview"))[1] for listener in (one, other)]
        assert told[0]["ready"]
        assert told[0] == told[1]


async def test_fifty_of_two_hundred_listeners_are_served_and_no_operator_takes_all_places(
    gateway: RunningGateway, client: Any
) -> None:
    streams: Streams = client.app[STREAMS]
    tokens = [await _operator(gateway, f"sam-{number}") for number in range(6)]

    async def listen(token: str) -> aiohttp.ClientResponse:
        return await client.get("/admin/v1/audit/stream", headers={"Authorization": f"Bearer {token}"})

    # The client's own pool has fewer connections than that.
    async with aiohttp.TCPConnector(limit=0) as connector:
        client.session._connector, before = connector, client.session._connector
        try:
            answers = await asyncio.gather(*(listen(token) for token in tokens[:5] for _ in range(40)))
            last = await listen(tokens[5])
            found = Counter([answer.status for answer in answers])
            assert found == {200: streams.most, 429: 200 - streams.most}
            refused = next(answer for answer in answers if answer.status == 429)
            assert (await refused.json())["code"] == "too_many_own_listeners"
            assert (last.status, (await last.json())["code"]) == (503, "too_many_listeners")
            assert all(int(answer.headers["Retry-After"]) > 0 for answer in (refused, last))
            for answer in answers:
                answer.close()
            while (again := await listen(tokens[5])).status != 200:
                assert again.status == 503
            again.close()
        finally:
            client.session._connector = before


async def _operator(gateway: RunningGateway, name: str) -> str:
    body = {"name": name, "role": "viewer"}
    async with gateway.admin("POST", "operators", json=body) as response:
        return (await response.json())["token"]


async def test_the_overview_begins_behind_the_one_that_a_page_shows(client: Any) -> None:
    client.app[STREAMS].heartbeat = 0.0
    async with listening(client, "overview/stream") as listener:
        _, known = await listener.event("overview")
    async with listening(client, f"overview/stream?after={known['now']}") as listener:
        assert await listener.next() == {"retry": "3000"}
        assert await listener.next() == {"": "nothing new"}
    async with listening(client, "overview/stream?after=1h") as listener:
        assert (await listener.event("overview"))[1] == known


async def test_listeners_beyond_the_limit_are_refused_and_all_are_released_at_the_end(client: Any) -> None:
    streams: Streams = client.app[STREAMS]
    streams.most = 2
    async with listening(client, "audit/stream") as one, listening(client, "overview/stream"):
        await one.next()
        async with client.get("/admin/v1/audit/stream", headers=TOKEN) as refused:
            assert (refused.status, (await refused.json())["code"]) == (503, "too_many_listeners")
        await streams.end(client.app)
        with pytest.raises(StopAsyncIteration):
            await one.event("audit")
    async with client.get("/admin/v1/audit/stream", headers=TOKEN) as answer:
        assert answer.status == 200


async def test_a_listener_that_does_not_read_is_dropped(gateway: RunningGateway, aiohttp_client: Any) -> None:
    dropped = asyncio.Event()
    waiting: list[int] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        async def flood() -> list[Frame]:
            assert request.transport is not None
            waiting.append(request.transport.get_write_buffer_size())
            return [Frame("flood", b"0" * (1 << 20))]

        request[OPERATOR] = Operator("sam", "viewer")
        response = await stream(Call(request, gateway.services, caller("web"), Query()), flood)
        dropped.set()
        return response

    app = web.Application()
    app[STREAMS] = Streams(poll=0, patience=0.1)
    app[SERVICES] = gateway.services
    app.router.add_get("/", handler)
    client = await aiohttp_client(app)
    _, writer = await asyncio.open_connection(client.host, client.port, limit=1)
    writer.write(f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n\r\n".encode())
    async with asyncio.timeout(20):
        await dropped.wait()
    assert max(waiting) < 1 << 20  # nothing more is made for it while it does not read
    writer.close()
