"""How tests call the public listener, and what they check in its answers."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.model import GrantDue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.running_gateway import RunningGateway

ACHIEVE = "customers/social-challenges"


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: Any
    raw: bytes

    @property
    def fault(self) -> tuple[int, int, str]:
        """Status, code and type of an envelope, after a look at all of it."""
        assert set(self.body) == {"code", "type", "message", "documentationUrl", "requestId"}
        assert self.body["requestId"] == self.headers["X-Request-Id"]
        assert self.body["documentationUrl"].startswith("https://docs.gameball.co/api-reference/")
        return self.status, self.body["code"], self.body["type"]


async def ask(gateway: RunningGateway, method: str, path: str, **options: Any) -> Reply:
    async with gateway.call(method, path, **options) as response:
        raw = await response.read()
        return Reply(response.status, response.headers, json.loads(raw) if raw else None, raw)


async def send_raw(gateway: RunningGateway, request: bytes) -> tuple[int, bytes]:
    """Status and all bytes of the answer to a hand-written request, which should end the connection."""
    host, port = gateway.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return int(answer.split(b" ", 2)[1]), answer


async def save(gateway: RunningGateway, customer_id: str = "ann", channel: str = "web", **body: Any) -> Reply:
    reply = await ask(gateway, "POST", "customers", channel=channel, json={"customerId": customer_id, **body})
    assert reply.status == 200, reply
    return reply


async def achieve(
    gateway: RunningGateway,
    customer_id: str = "ann",
    campaign: int = 11664,
    *,
    channel: str = "web",
    **body: Any,
) -> Reply:
    payload = {"customerId": customer_id, "challengeId": campaign, **body}
    return await ask(gateway, "POST", ACHIEVE, channel=channel, json=payload)


async def grant_all(gateway: RunningGateway) -> None:
    """Everything that is due, now; the workers may have been first."""
    await gateway.services.pipeline.submit(GrantDue(500))


def names(text: str) -> set[str]:
    return set(text.split())


async def until(holds: Callable[[], bool], seconds: float = 5) -> None:
    """Wait for what has no event to wait for."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
