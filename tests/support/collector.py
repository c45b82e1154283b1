"""A collector of spans on a real socket: what it was sent, decoded as OTLP's own definitions read it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Any, NamedTuple

from aiohttp import web
from multidict import CIMultiDictProxy
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


class Received(NamedTuple):
    trace_id: str
    span_id: str
    parent_id: str
    kind: str
    name: str
    attributes: dict[str, Any]
    failed: bool
    began: int
    ended: int
    flags: int
    resource: dict[str, Any]


class Collector:
    """`status` is its next answer, and all later ones; `rejects` is how many spans it says it did not keep; while `hangs`, it
    answers nothing. `bodies` and `headers` are of the requests that it answered with 200."""

    def __init__(self) -> None:
        self.spans: list[Received] = []
        self.bodies: list[bytes] = []
        self.headers: list[CIMultiDictProxy[str]] = []
        self.asked = 0
        self.status = 200
        self.rejects = 0
        self.hangs = False
        self.port = 0
        self._news = asyncio.Condition()

    @property
    def settings(self) -> str:
        return f'[tracing]\nendpoint = "http://127.0.0.1:{self.port}"\n'

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()  # aiohttp unpacks it
        self.asked += 1
        async with self._news:
            self._news.notify_all()
        while self.hangs:
            await asyncio.Event().wait()
        if self.status == 200:
            assert request.headers["Content-Type"] == "application/x-protobuf"
            self.bodies.append(body)
            self.headers.append(request.headers)
            self.spans += decoded(body)
            async with self._news:
                self._news.notify_all()
        answer = ExportTraceServiceResponse()
        answer.partial_success.rejected_spans = self.rejects
        return web.Response(
            status=self.status, body=answer.SerializeToString(), content_type="application/x-protobuf"
        )

    async def until(self, so: Callable[[], object]) -> None:
        """Wait until a request made it so."""
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(lambda: bool(so()))

    def of(self, trace_id: str, kind: str = "") -> list[Received]:
        return [one for one in self.spans if one.trace_id == trace_id and kind in ("", one.kind)]

    def one(self, trace_id: str, kind: str) -> Received:
        (found,) = self.of(trace_id, kind)
        return found


@contextlib.asynccontextmanager
async def collecting(collector: Collector) -> AsyncGenerator[Collector]:
    """It takes spans until the block ends; on its port, if it has one from before."""
    application = web.Application(client_max_size=64 << 20)
    application.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", collector.port, reuse_address=True).start()
    collector.port = runner.addresses[0][1]
    try:
        yield collector
    finally:
        await runner.cleanup()


def decoded(body: bytes) -> list[Received]:
    found: list[Received] = []
    for part in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = _values(part.resource.attributes)
        for scope in part.scope_spans:
            assert scope.scope.name == "gateway"
            found += [_received(one, resource) for one in scope.spans]
    return found


def _received(span: Span, resource: dict[str, Any]) -> Received:
    return Received(
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        span.name,
        _values(span.attributes),
        span.status.code == Status.STATUS_CODE_ERROR,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.flags,
        resource,
    )


def _values(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    return {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in attributes}
