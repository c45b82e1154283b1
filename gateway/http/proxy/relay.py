"""Bodies on their way to the upstream, and answers on their way to the client: status, body and headers as they are, streamed
if they are large, without what belongs to the connection, the keys or other gateways.

A failure before the first byte went out is answered in the envelope. After it, the connection is cut, so that no client takes
half an answer for a whole one.
"""

import asyncio
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, cast

from aiohttp import hdrs, web
from multidict import CIMultiDict

from gateway.clock import SECOND
from gateway.http.aiohttp_response import CompleteResponse
from gateway.http.gameball.call import WARNINGS, Call, Relayed
from gateway.http.gameball.envelope import (
    BODY_TOO_LARGE,
    BODY_TOO_SLOW,
    CLIENT_GONE,
    UPSTREAM_GARBLED,
    UPSTREAM_LOST,
    UPSTREAM_SLOW,
    UPSTREAM_UNREACHABLE,
    Fault,
)
from gateway.http.gameball.framing import go_on
from gateway.http.gameball.unreadable import ClientConnection
from gateway.http.proxy.headers import towards_client
from gateway.http.proxy.lookup import ResolvedCustomer
from gateway.upstream.client import Reply
from gateway.upstream.errors import Garbled, NoAnswer, Unreachable

SMALL = 64 << 10
"""Bodies up to this many bytes are read whole."""
_BODILESS = frozenset({204, 304})


class Upload:
    """A body on its way to the upstream, counted as it passes. `fault` says why it broke off."""

    def __init__(self, request: web.BaseRequest, largest: int, patience: int) -> None:
        self.fault: Fault | None = None
        self._request = request
        self._left = largest
        self._patience = patience / SECOND

    async def chunks(self) -> AsyncIterator[bytes]:
        await go_on(self._request)
        deadline = asyncio.get_running_loop().time() + self._patience
        while chunk := await self._next(deadline):
            yield chunk

    async def _next(self, deadline: float) -> bytes:
        try:
            async with asyncio.timeout_at(deadline):
                chunk = await self._request.content.readany()
        except TimeoutError:
            self.fault = BODY_TOO_SLOW
            raise
        self._left -= len(chunk)
        if self._left < 0:
            self.fault = BODY_TOO_LARGE
            raise ValueError("the body is too large")
        return chunk


class Received(NamedTuple):
    """A whole answer."""

    status: int
    body: bytes
    headers: CIMultiDict[str]


@contextmanager
def ended_by_client(call: Call) -> Generator[None]:
    """Give up what is done inside when the client goes away. Raises ClientGone."""
    connection = cast("ClientConnection", call.request.protocol)
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine runs in one
    connection.on_lost = task.cancel
    try:
        yield
    except asyncio.CancelledError:
        if connection.transport is not None:
            raise
        task.uncancel()
        raise ClientGone from None
    finally:
        connection.on_lost = None


class ClientGone(Exception):
    pass


async def receive(call: Call, reply: Reply, largest: int) -> Received:
    """The whole answer, of at most `largest` bytes. Raises NoAnswer."""
    headers = _headers(call, reply)
    return Received(reply.status, b"" if _is_bodiless(call, reply) else await reply.read(largest), headers)


async def pass_on(call: Call, reply: Reply, customers: Sequence[ResolvedCustomer], largest: int) -> Relayed:
    """Send the answer to the client as it comes. Raises NoAnswer if nothing of it went out."""
    length = reply.headers.get(hdrs.CONTENT_LENGTH)
    small = length is not None and int(length) <= SMALL
    if _is_bodiless(call, reply) or small or reply.is_complete:
        return respond(call, await receive(call, reply, largest), customers)
    return await _streamed(call, reply, customers)


def respond(call: Call, answer: Received, customers: Sequence[ResolvedCustomer]) -> Relayed:
    response = CompleteResponse(status=answer.status, body=answer.body, headers=answer.headers)
    return _relayed(call, response, customers)


def _is_bodiless(call: Call, reply: Reply) -> bool:
    return call.request.method == hdrs.METH_HEAD or reply.status in _BODILESS


def _headers(call: Call, reply: Reply) -> CIMultiDict[str]:
    headers = towards_client(reply.headers)
    length = reply.headers.get(hdrs.CONTENT_LENGTH)
    if call.request.method == hdrs.METH_HEAD and length is not None:
        headers[hdrs.CONTENT_LENGTH] = length
    return headers


async def _streamed(call: Call, reply: Reply, customers: Sequence[ResolvedCustomer]) -> Relayed:
    headers = towards_client(reply.headers)
    length = reply.headers.get(hdrs.CONTENT_LENGTH)
    if length is not None:
        headers[hdrs.CONTENT_LENGTH] = length
    response = web.StreamResponse(status=reply.status, headers=headers)
    relayed = _relayed(call, response, customers)
    await response.prepare(call.request)
    try:
        async for chunk in reply.chunks():
            await response.write(chunk)
        await response.write_eof()
    except NoAnswer as failure:
        _cut(call.request)
        return relayed._replace(code=fault_of(failure).code)
    except ConnectionError:
        return relayed._replace(code=CLIENT_GONE.code)
    return relayed


def _relayed(call: Call, response: web.StreamResponse, customers: Sequence[ResolvedCustomer]) -> Relayed:
    one = customers[0] if len(customers) == 1 else None
    of_people = (text for customer in customers for text in customer.warnings)
    found = [*response.headers.getall(WARNINGS, ()), *call.warnings, *of_people]
    warnings = tuple(dict.fromkeys(found))
    relayed = Relayed(response, one.profile_id if one else None, one.decision if one else "")
    response.headers.update(call.response_headers(relayed.profile_id, relayed.decision, warnings))
    return relayed


def _cut(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()  # pyright: ignore[reportAttributeAccessIssue]


def fault_of(failure: NoAnswer) -> Fault:
    if isinstance(failure, Unreachable):
        return UPSTREAM_UNREACHABLE
    if isinstance(failure, Garbled):
        return UPSTREAM_GARBLED
    return UPSTREAM_SLOW if failure.reason == "timeout" else UPSTREAM_LOST
