"""Spans as OTLP has them, in protobuf. The only module that needs the extra `otlp`."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2 as pb

from gateway.telemetry.tracing import Attributes, Kind, Span

_KINDS: Final[dict[Kind, pb.Span.SpanKind.ValueType]] = {
    "internal": pb.Span.SPAN_KIND_INTERNAL,
    "server": pb.Span.SPAN_KIND_SERVER,
    "client": pb.Span.SPAN_KIND_CLIENT,
}
_SAMPLED: Final = 1
_IS_KNOWN, _IS_REMOTE = pb.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK, pb.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK


class Encoder:
    """For one process, which `resource` describes. Encoded messages may be joined: protobuf reads them as one."""

    def __init__(self, resource: Attributes, version: str) -> None:
        self._resource = Resource(attributes=_attributes(resource))
        self._scope = InstrumentationScope(name="gateway", version=version)

    def encode(self, spans: Sequence[Span]) -> bytes:
        found = pb.ScopeSpans(scope=self._scope, spans=map(_span, spans))
        whole = pb.ResourceSpans(resource=self._resource, scope_spans=[found])
        return ExportTraceServiceRequest(resource_spans=[whole]).SerializeToString()

    def rejected(self, answer: bytes) -> int:
        """How many spans the collector did not keep, by its own words. Raises ValueError if it says something else."""
        try:
            found = ExportTraceServiceResponse.FromString(answer)
        except DecodeError:
            raise ValueError("no answer of OTLP") from None
        return max(0, found.partial_success.rejected_spans)


def _span(span: Span) -> pb.Span:
    flags = _SAMPLED | _IS_KNOWN | (_IS_REMOTE if span.kind == "server" and span.parent_id else 0)
    return pb.Span(
        trace_id=bytes.fromhex(span.trace_id),
        span_id=bytes.fromhex(span.span_id),
        parent_span_id=bytes.fromhex(span.parent_id),
        flags=flags,
        name=span.name,
        kind=_KINDS[span.kind],
        start_time_unix_nano=span.began,
        end_time_unix_nano=span.ended,
        attributes=_attributes(span.attributes),
        status=pb.Status(code=pb.Status.STATUS_CODE_ERROR) if span.error else None,
    )


def _attributes(values: Attributes) -> list[KeyValue]:
    return [_attribute(key, value) for key, value in values.items()]


@lru_cache(1024)
def _attribute(key: str, value: str | int) -> KeyValue:
    """Most attributes of most spans are those of earlier ones."""
    said = AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value)
    return KeyValue(key=key, value=said)
