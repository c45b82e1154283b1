"""Limits calls without the token: a few mistakes a minute from each address, and for each kind of refusal one audit event a
minute with the number of calls. So a stranger cannot fill the audit log, but every such call is counted in it."""

import asyncio
from collections.abc import Mapping

import structlog
from aiohttp import web

from gateway.clock import MINUTE, SECOND
from gateway.errors import GatewayError, Refusal
from gateway.http.admin.problem import RefusedForNow, status_of
from gateway.http.gameball.limits import FailureBudget, client_address
from gateway.http.services import Services
from gateway.model import Caller, RefuseCall

_log = structlog.get_logger("admin")


_LOG_INS = 10
"""Failed log-ins a minute and address. Then even the right token waits, so that a guess cannot be told from a miss."""


class TooManyFailures(RefusedForNow):
    def __init__(self, wait: int) -> None:
        super().__init__(
            "too_many_requests",
            "too many calls with a wrong token came from this address; wait",
            -(-wait // SECOND),
        )


class FailedCalls:
    """The first refusal of a kind is recorded at once; the others of that minute are recorded together at its end."""

    def __init__(self, services: Services) -> None:
        self._pipeline = services.pipeline
        self._services = services
        self._budget = FailureBudget(services.config.limits.failures_per_minute, services.clock)
        self._log_ins = FailureBudget(_LOG_INS, services.clock)
        self._waiting: dict[str, RefuseCall | None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def charge(self, request: web.Request) -> None:
        """For a wrong token. Raises TooManyFailures."""
        config = self._services.config
        self._budget.limit = config.limits.failures_per_minute
        wait = self._budget.spend(client_address(request, config.server.trusted_proxies))
        if wait:
            raise TooManyFailures(wait)

    def admit_log_in(self, request: web.Request) -> None:
        """Before a log-in. Raises TooManyFailures."""
        wait = self._log_ins.wait(client_address(request, self._services.config.server.trusted_proxies))
        if wait:
            raise TooManyFailures(wait)

    def charge_log_in(self, request: web.Request) -> None:
        """For a log-in with a wrong token."""
        self._log_ins.spend(client_address(request, self._services.config.server.trusted_proxies))

    async def note(self, caller: Caller, route: str, refusal: Refusal) -> None:
        code, status = refusal.code, status_of(refusal.code)
        first = RefuseCall(caller, route, status, status, code)
        if code in self._waiting:
            before = self._waiting[code]
            count = before.count + 1 if before is not None else 1
            self._waiting[code] = RefuseCall(caller, route, status, status, code, count)
            return
        self._waiting[code] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(MINUTE / SECOND, self._end_minute)
        await self._record(first)

    async def flush(self) -> None:
        """Record the refusals since the last time. A kind without any starts again."""
        together = {code: refused for code, refused in self._waiting.items() if refused is not None}
        self._waiting = dict.fromkeys(together)
        for refused in together.values():
            await self._record(refused)

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self.flush()

    def _end_minute(self) -> None:
        self._timer = None
        self._task = asyncio.create_task(self.flush())
        if any(refused is not None for refused in self._waiting.values()):
            self._timer = asyncio.get_running_loop().call_later(MINUTE / SECOND, self._end_minute)

    async def _record(self, refused: RefuseCall) -> None:
        try:
            await self._pipeline.submit(refused)
        except GatewayError:
            _log.warning("refusal_not_recorded", request_id=refused.caller.request_id)


FAILED_CALLS = web.AppKey("failed_calls", FailedCalls)


def headers_of(refusal: Refusal) -> Mapping[str, str]:
    match refusal:
        case RefusedForNow():
            return {"Retry-After": str(refusal.retry_after)}
        case Refusal(code="unauthorized"):
            return {"WWW-Authenticate": 'Bearer realm="admin"'}
        case _:
            return {}
