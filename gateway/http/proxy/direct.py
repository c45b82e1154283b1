"""The social-campaign call when the platform itself answers it: our own idempotency key and dedup window come first, then the call
is passed on like any other, and its result is stored."""

from typing import Literal, NamedTuple

import msgspec
import structlog
from aiohttp import web

from gateway.errors import StoreUnavailable
from gateway.http.gameball.achieve import Report, answer_to, read_report
from gateway.http.gameball.call import Answer, Call, Relayed, encode
from gateway.http.gameball.envelope import CLIENT_GONE, UPSTREAM_GARBLED, UPSTREAM_LOST, UPSTREAM_SLOW, Fault
from gateway.http.proxy.answer_text import text_of
from gateway.http.proxy.forward import Forward
from gateway.http.proxy.headers import to_keep
from gateway.model import Accepted, IdempotencyKey, Settle, UnknownCustomer
from gateway.upstream.answers import Delivered, Unknown, classify, code_of

_log = structlog.get_logger("direct")
_REPEATED = 4000
_LARGEST_KEPT = 64 << 10
_UNHEARD = frozenset({fault.code for fault in (UPSTREAM_SLOW, UPSTREAM_LOST, UPSTREAM_GARBLED)})


class _Result(NamedTuple):
    result: Literal["delivered", "refused", "unknown"]
    reason: str
    status: int


class Direct:
    def __init__(self, forward: Forward) -> None:
        self._forward = forward

    async def __call__(self, call: Call) -> Answer | Relayed | Fault:
        """The platform may know a customer who is unknown here; only its own window applies to them."""
        report = await read_report(call)
        if isinstance(report, Fault):
            return report
        outcome = await call.services.pipeline.submit(report.command(call, direct=True))
        if isinstance(outcome, UnknownCustomer):
            return await self._forward(call)
        if not isinstance(outcome, Accepted):
            return answer_to(report, outcome)
        answer = await self._forward(call)
        await self._settle(call, report, outcome, answer)
        return answer

    async def _settle(self, call: Call, report: Report, accepted: Accepted, answer: Relayed | Fault) -> None:
        result = _fault_result(answer) if isinstance(answer, Fault) else _result(call, answer)
        command = Settle(
            call.caller,
            accepted.achievement_id,
            accepted.resolution.profile_id,
            report.campaign_id,
            result.result,
            result.reason,
            result.status,
            _kept(report.key, answer),
        )
        try:
            await call.services.pipeline.submit(command)
        except StoreUnavailable:
            _log.warning(
                "report_not_settled",
                request_id=call.request_id,
                trace_id=call.trace_id,
                result=result.result,
            )


def _kept(key: IdempotencyKey | None, answer: Relayed | Fault) -> IdempotencyKey | None:
    """The key with the answer as it went out; None if that is too large to keep, and then only the window applies."""
    if key is None or isinstance(answer, Fault):
        return key
    body, headers = _body(answer), encode(to_keep(answer.response.headers)).decode()
    if len(body) + len(headers) > _LARGEST_KEPT:
        return None
    return msgspec.structs.replace(key, answer=body, status=answer.status, headers=headers)


def _body(relayed: Relayed) -> bytes:
    response = relayed.response
    return response.body if isinstance(response, web.Response) and isinstance(response.body, bytes) else b""


def _result(call: Call, relayed: Relayed) -> _Result:
    response = relayed.response
    raw = _body(relayed)
    text = text_of(raw, response.headers, call.services.config.upstream.max_response)
    body = text.utf8 if text is not None else raw
    if code_of(body) == _REPEATED:
        return _Result("delivered", "duplicate", response.status)
    verdict = classify(response.status, response.headers, body, now=call.services.clock.now())
    if isinstance(verdict, Delivered):
        return _Result("delivered", "", response.status)
    return _Result("unknown" if isinstance(verdict, Unknown) else "refused", verdict.reason, response.status)


def _fault_result(fault: Fault) -> _Result:
    if fault == CLIENT_GONE or fault.code in _UNHEARD:
        return _Result("unknown", "no_answer", 0)
    return _Result("refused", "not_sent", 0)
