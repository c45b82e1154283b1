"""Runs before every operation: the host check against DNS rebinding, who sends the request, and from which site's page. It also
turns every error into a problem document, an audit event and a log line, in one place.

`/healthz`, `/readyz` and `/metrics` are open: they contain no customer data, and monitoring systems have no token.
"""

import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import ip_address

import structlog
from aiohttp import hdrs, web
from msgspec.structs import replace

from gateway import trace
from gateway.config import ServerSettings
from gateway.errors import GatewayError, Refusal, StoreUnavailable
from gateway.http.admin.failed_calls import FAILED_CALLS, headers_of
from gateway.http.admin.operation import CALLER, PREFIX
from gateway.http.admin.operators import OPERATOR, Operator, authenticated, bearer, log_in, refuse_forgery
from gateway.http.admin.page_headers import PAGE_HEADERS
from gateway.http.admin.problem import problem, status_of
from gateway.http.admin.times import shown
from gateway.http.services import SERVICES, Services
from gateway.http.unexpected_errors import catch_unexpected
from gateway.model import Caller, RefuseCall
from gateway.telemetry.tracing import Tracing

OPEN = frozenset({"/healthz", "/readyz", "/metrics"})
PAGES = "/console/"
DOCS = "/admin/docs"
"""Leads to the pages about the admin API."""
_WITHOUT_SESSION = (f"{PAGES}log-in", f"{PAGES}static/")
"""The start of their paths. They contain no data; the log-in checks the token itself."""
RefusedAs = Callable[[web.Request, Refusal, str, Mapping[str, str]], Awaitable[web.Response]]
REFUSED_AS: web.AppKey[RefusedAs] = web.AppKey("refused_as")
"""How a page shows a refusal: of the request, the refusal, the request id, and headers."""
_LOG_IN = f"{PREFIX}/sessions"
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9.-]+))(?::[0-9]{1,5})?", re.ASCII)
_log = structlog.get_logger("admin")
_HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def control_access(request: web.Request, handler: _Handler) -> web.StreamResponse:
    services = request.app[SERVICES]
    started = time.perf_counter()
    named, tracing = trace.taken(request.headers.getall(trace.HEADER, ())), services.telemetry.tracing
    followed = named if tracing is None else tracing.joined(named)
    caller = Caller("", "", "anonymous", f"req_{secrets.token_hex(8)}", "operator", trace=followed)
    code = ""

    async def answering() -> web.StreamResponse:
        nonlocal caller
        request[CALLER] = caller
        operator = await _check(request, services)
        if operator is not None:
            request[OPERATOR] = operator
            request[CALLER] = caller = replace(caller, actor=operator.actor, declared=operator.declared)
        return await handler(request)

    async def refusing(error: Exception) -> web.StreamResponse:
        nonlocal code
        refusal, headers = _refusal(error, caller)
        code = refusal.code
        await _record(request, services, caller, refusal)
        show = request.app.get(REFUSED_AS, _as_document) if is_page(request) else _as_document
        return await show(request, refusal, caller.request_id, headers)

    response = await catch_unexpected(answering(), refusing)
    if not response.prepared:
        response.headers["X-Request-Id"] = caller.request_id
    _log_line(request, services, caller, response.status, code, started)
    return response


async def add_page_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Before the first byte of any answer, also of one that is sent in parts."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.update(PAGE_HEADERS)


def route_of(request: web.Request) -> str:
    """The route's template, never the path or the query, which may hold personal data that a person searched for."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unmatched"


async def _check(request: web.Request, services: Services) -> Operator | None:
    """Who sends the request; None where anyone may. Raises Refusal."""
    if not _is_own_host(request.headers.getall(hdrs.HOST, ()), services.config.server):
        raise Refusal(
            "wrong_host",
            "this listener does not answer to that host name; use 127.0.0.1 or localhost, or name the proxy in front of it in"
            " [server] allowed_hosts",
        )
    if request.path in OPEN or request.path.startswith(_WITHOUT_SESSION):
        return None
    is_log_in = request.method == "POST" and request.path == _LOG_IN
    if is_log_in and (token := bearer(request)):
        return await log_in(request, token)
    # Any site's page can send a log-in without a token, so it is none: it must not lock its visitor out.
    operator = None if is_log_in else await authenticated(request)
    if operator is None and is_page(request) and hdrs.AUTHORIZATION not in request.headers:
        raise Refusal("unauthorized", "log in first")  # it sends no token, so it guesses none
    if operator is None:
        request.app[FAILED_CALLS].charge(request)
        raise Refusal("unauthorized", "send a token as Authorization: Bearer TOKEN")
    if operator.csrf:
        refuse_forgery(request)
    return operator


def is_page(request: web.Request) -> bool:
    """Whether a browser shows the answer."""
    return request.path.startswith(PAGES) or request.path == DOCS


async def _as_document(
    _: web.Request, refusal: Refusal, request_id: str, headers: Mapping[str, str]
) -> web.Response:
    return problem(refusal, request_id, headers)


def _is_own_host(hosts: Sequence[str], server: ServerSettings) -> bool:
    """A page from elsewhere can point its own host name at a loopback listener, but it cannot change the name that the browser
    sends. A listener that is open to the network has names that only its operator knows; there, only the token protects."""
    listen = server.admin_listen
    if not listen.is_loopback:
        return True
    found = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    if found is None:
        return False
    name = found["address"] or found["name"].lower()
    own = (listen.host.lower(), *server.allowed_hosts)
    return _as_address(name) in _LOOPBACK_NAMES | {_as_address(host) for host in own}


def _as_address(name: str) -> str:
    """An address in its usual spelling; a name unchanged."""
    try:
        return str(ip_address(name))
    except ValueError:
        return name


def _refusal(error: Exception, caller: Caller) -> tuple[Refusal, Mapping[str, str]]:
    match error:
        case Refusal():
            return error, headers_of(error)
        case StoreUnavailable():
            return Refusal("unavailable", str(error)), {"Retry-After": str(error.retry_after)}
        case web.HTTPException() if error.status in _HTTP_CODES:
            allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
            return Refusal(
                _HTTP_CODES[error.status], f"{error.reason.lower()}; see /admin/v1/openapi.json"
            ), allow
        case _:
            _log.error("request_failed", request_id=caller.request_id, exc_info=error)
            return Refusal(
                "internal_error", "the gateway failed; its log says where, under this request id"
            ), {}


async def _record(request: web.Request, services: Services, caller: Caller, refusal: Refusal) -> None:
    """Refused calls go to the audit log. If that fails, the call is answered anyway."""
    status = status_of(refusal.code)
    if status >= 500:
        return
    route = f"{request.method} {route_of(request)}"
    if OPERATOR not in request:
        await request.app[FAILED_CALLS].note(caller, route, refusal)
        return
    try:
        await services.pipeline.submit(RefuseCall(caller, route, status, status, refusal.code))
    except GatewayError:
        _log.warning("refusal_not_recorded", request_id=caller.request_id)


def _log_line(
    request: web.Request, services: Services, caller: Caller, status: int, code: str, started: float
) -> None:
    if request.path in OPEN and status < 400:
        return
    seconds = time.perf_counter() - started
    if services.telemetry.tracing is not None:
        _follow(services.telemetry.tracing, request, caller, status, code, seconds)
    services.telemetry.request(
        {
            "ts": shown(services.clock.now()),
            "level": "info",
            "event": "admin_request",
            "method": request.method,
            "route": route_of(request),
            "status": status,
            "error": code,
            "actor": caller.actor,
            "request_id": caller.request_id,
            "trace_id": trace.trace_id(caller.trace, caller.request_id),
            "ms": round(seconds * 1_000, 2),
        }
    )


def _follow(
    tracing: Tracing, request: web.Request, caller: Caller, status: int, code: str, seconds: float
) -> None:
    """The span of a call. It does not say who acted, because a name may be a person's."""
    known = request.match_info.route.resource is not None
    tracing.note_call(
        caller.trace,
        caller.request_id,
        request.headers.getall(trace.HEADER, ()),
        request.method,
        route_of(request) if known else "",
        status,
        seconds,
        {"gateway.code": code} if code else {},
    )
