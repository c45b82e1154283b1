"""Calls to the platform by the gateway's own client."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from multidict import CIMultiDict

from gateway.config import Secret, UpstreamSettings
from gateway.upstream.certificates import NoteEnd
from gateway.upstream.client import Request, Upstream
from gateway.upstream.errors import NoAnswer
from tests.support.in_process_gateway import ManualClock
from tests.support.loyalty_platform import API_KEY, SECRET_KEY

CUSTOMERS = "/api/v4.1/integrations/customers"


CUSTOMER = f"{CUSTOMERS}/c-1"


MIB = 1 << 20


Connect = Callable[..., AbstractAsyncContextManager[Upstream]]


def request(
    method: str = "POST", target: str = CUSTOMERS, body: Any = b'{"customerId":"c-1"}', **headers: str
) -> Request:
    sent = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return Request(method, target, sent, None if method in {"GET", "HEAD"} else body, "customers_write")


@asynccontextmanager
async def connected(
    url: str, note_certificate: NoteEnd = lambda ends_at: None, **settings: Any
) -> AsyncIterator[Upstream]:
    keys: dict[str, Any] = {"api_key": Secret(API_KEY), "secret_key": Secret(SECRET_KEY)}
    upstream = Upstream(
        UpstreamSettings(base_url=url, **keys, **settings),
        ManualClock(),
        random.Random(1).randint,
        note_certificate=note_certificate,
    )
    await upstream.open()
    try:
        yield upstream
    finally:
        await upstream.close()


async def asked(
    upstream: Upstream, call: Request, *, limit: int = MIB, within: int = 5_000
) -> tuple[int, bytes]:
    async with upstream.exchange(call, deadline_ms=within) as reply:
        return reply.status, await reply.read(limit)


async def failed(upstream: Upstream, call: Request, *, within: int = 5_000) -> NoAnswer:
    with pytest.raises(NoAnswer) as failure:
        await asked(upstream, call, within=within)
    return failure.value
