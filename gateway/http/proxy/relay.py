"""One exchange with the upstream, and its answer on the way to the client: status, body and headers as they are, streamed
where they are large, with nothing of the connection, the keys or other gateways in them.

A client that goes away ends the exchange, unless something has to be done here whatever becomes of the client. What breaks
before the first byte went out is answered in the envelope; after it, the connection is cut, so that no client takes half an
answer for a whole one.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import cast

from aiohttp import hdrs, web
from multidict import CIMultiDict

from gateway.clock import SECOND
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
from gateway.http.gameball.unreadable import Connection
from gateway.http.proxy.headers import towards_client
from gateway.http.proxy.lookup import ResolvedCustomer
from gateway.upstream.client import Reply, Request, Upstream
from gateway.upstream.errors import Garbled, NoAnswer, Unreachable

SMALL = 64 << 10
"""Bodies up to this many bytes are taken whole."""
_BODILESS = frozenset({204, 304})
Finish = Callable[[int, bytes, CIMultiDict[str]], Awaitable[bytes]]
"""What is done with a whole answer before it goes out: from its status, body (also where there is none) and headers to the body
that is sent."""


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


class Relay:
    """`deadline` is in milliseconds, for the answer's head; `largest` for answers that have to be read whole."""

    def __init__(self, upstream: Upstream, *, deadline: int, largest: int) -> None:
        self._upstream = upstream
        self._deadline = deadline
        self._largest = largest

    async def send(
        self,
        call: Call,
        request: Request,
        customers: Sequence[ResolvedCustomer],
        finish: Finish | None,
        *,
        to_the_end: bool = False,
    ) -> Relayed | Fault:
        """`to_the_end`: also for a client that has gone."""
        connection = cast("Connection", call.request.protocol)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        connection.on_lost = None if to_the_end else task.cancel
        try:
            async with self._upstream.exchange(request, deadline_ms=self._deadline) as reply:
                return await self._answer(call, reply, customers, finish)
        except NoAnswer as failure:
            return _fault(failure)
        except asyncio.CancelledError:
            if connection.transport is not None:
                raise
            task.uncancel()
            return CLIENT_GONE
        finally:
            connection.on_lost = None

    async def _answer(
        self, call: Call, reply: Reply, customers: Sequence[ResolvedCustomer], finish: Finish | None
    ) -> Relayed | Fault:
        headers = towards_client(reply.headers)
        bodiless = call.request.method == hdrs.METH_HEAD or reply.status in _BODILESS
        length = reply.headers.get(hdrs.CONTENT_LENGTH)
        if call.request.method == hdrs.METH_HEAD and length is not None:
            headers[hdrs.CONTENT_LENGTH] = length
        small = length is not None and int(length) <= SMALL
        if finish is None and not (bodiless or small or reply.is_complete):
            return await _streamed(call, reply, headers, customers)
        body = b"" if bodiless else await reply.read(self._largest)
        if finish is not None:
            body = await finish(reply.status, body, headers)
        return _relayed(call, web.Response(status=reply.status, body=body, headers=headers), customers)


async def _streamed(
    call: Call, reply: Reply, headers: CIMultiDict[str], customers: Sequence[ResolvedCustomer]
) -> Relayed:
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
        return relayed._replace(code=_fault(failure).code)
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


def _fault(failure: NoAnswer) -> Fault:
    if isinstance(failure, Unreachable):
        return UPSTREAM_UNREACHABLE
    if isinstance(failure, Garbled):
        return UPSTREAM_GARBLED
    return UPSTREAM_SLOW if failure.reason == "timeout" else UPSTREAM_LOST
