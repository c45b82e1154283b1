"""What every call passes, in this order: framing, path, version, api key, secret key, rate; then its handler. And what every answer
gets on its way out: envelope, headers, metrics, log line, and for a refusal its audit event.

No exception leaves this module: a mistake of the caller is a fault, our own is a 500 that says nothing.
"""

import contextlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import count
from time import perf_counter
from typing import get_args

import msgspec
import structlog
from aiohttp import web
from multidict import CIMultiDict

from gateway.clock import SECOND
from gateway.config import CallSource, Channel, Config
from gateway.errors import GatewayError, StoreUnavailable
from gateway.http.aiohttp_response import CompleteResponse
from gateway.http.gameball import session
from gateway.http.gameball.access_log import AccessLog
from gateway.http.gameball.call import NOBODY, Answer, Call, Handler, Relayed, Target
from gateway.http.gameball.cors import Cors, is_preflight
from gateway.http.gameball.envelope import (
    CUSTOMER_UNKNOWN,
    INTERNAL_ERROR,
    MALFORMED_PATH,
    NO_SESSIONS,
    SECRET_KEY_NEEDED,
    SECRET_KEY_NEEDED_FOR_UNLISTED,
    SECRET_KEY_NEEDED_TO_ACHIEVE,
    UNKNOWN_PATH,
    VERSION_TOO_OLD,
    WRONG_API_KEY,
    Fault,
    render,
    session_refused,
    too_many_requests,
    unavailable,
    wrong_method,
)
from gateway.http.gameball.framing import fault_in_headers, path_of, texts
from gateway.http.gameball.identify import name_customer
from gateway.http.gameball.limits import FailureBudget, TokenBucket, client_address
from gateway.http.gameball.operations import (
    ACHIEVE,
    GENERAL_PAGE,
    PREFLIGHT,
    RECEIVE_WEBHOOK,
    UNLISTED,
    Operation,
    Version,
)
from gateway.http.gameball.routing import find, find_unlisted
from gateway.http.gameball.session import takes_token
from gateway.http.gameball.texts import fault_in_customer_id
from gateway.http.keyring import Failure, Opened
from gateway.http.services import Services
from gateway.http.unexpected_errors import catch_unexpected
from gateway.ids import show
from gateway.model import RefuseCall
from rules.identifier import Evidence
from rules.source import Trust

_log = structlog.get_logger("gameball")
_KEY_NEEDED = {ACHIEVE: SECRET_KEY_NEEDED_TO_ACHIEVE, UNLISTED: SECRET_KEY_NEEDED_FOR_UNLISTED}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
"""Methods that are passed on for a path in no table."""
_pairs = msgspec.json.Decoder(list[tuple[str, str]]).decode
_HEADERS = CIMultiDict(
    {
        "Content-Type": "application/json; charset=utf-8",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Server": "gateway",
    }
)


class Gate:
    """`handlers` are by route, `other` is for the rest. `fixed` targets, those without a parameter, are found by one look-up."""

    def __init__(
        self, services: Services, handlers: Mapping[str, Handler], other: Handler, cors: Cors
    ) -> None:
        config = services.config
        self._services = services
        self._handlers = handlers
        self._other = other
        self._api = config.api
        self._passes_unlisted = services.upstream is not None and config.upstream.unknown_routes == "pass"
        self._tracing = services.telemetry.tracing
        self._access_log = AccessLog(services.telemetry, services.activity, services.clock)
        self._next_id = _request_ids()
        self._fixed: dict[tuple[str, str], Target] = {}
        self._buckets: dict[str, TokenBucket] = {}
        self._buckets = self._buckets_of(config)
        self._trust = _trust_of(config)
        self._failures = FailureBudget(config.limits.failures_per_minute, services.clock)
        self._cors = cors
        self._preflight = Target(PREFLIGHT.route, PREFLIGHT, (), self._tell_browser, False, False)
        services.followers.append(self._follow)

    def _follow(self, config: Config) -> Callable[[], None]:
        buckets, trust = self._buckets_of(config), _trust_of(config)

        def take_over() -> None:
            self._buckets, self._trust = buckets, trust
            self._failures.limit = config.limits.failures_per_minute
            self._cors.allow(config.server.cors_origins)

        return take_over

    def _buckets_of(self, config: Config) -> dict[str, TokenBucket]:
        """One for each channel with a limit. If the limit did not change, the bucket keeps its level."""
        buckets: dict[str, TokenBucket] = {}
        for channel in config.channels:
            if channel.rate_limit is not None:
                known = self._buckets.get(channel.name)
                same = known is not None and known.limit == channel.rate_limit
                buckets[channel.name] = (
                    known if known and same else TokenBucket(channel.rate_limit, self._services.clock)
                )
        return buckets

    def fix(self, path: str, operation: Operation, version: Version) -> None:
        """Look up the target of a path without parameters in advance."""
        self._fixed[operation.method, path] = self._target(operation, version, ())

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        began = perf_counter()
        call = Call(self._services, request, self._next_id())
        if self._tracing is not None:
            call.trace = self._tracing.joined(call.trace)
        outcome = await catch_unexpected(self._outcome(call), partial(_failed, call))
        profile = "" if outcome.profile_id is None else show("prf", outcome.profile_id)
        self._access_log.note(call, outcome, profile, began)
        if isinstance(outcome, Relayed):
            return outcome.response
        return _accepted(call, outcome) if isinstance(outcome, Answer) else _refused(call, outcome)

    async def _outcome(self, call: Call) -> Answer | Relayed | Fault:
        unclear = fault_in_headers(call.request)
        if unclear is not None:
            call.last = True
            return await self._record(call, unclear)
        if is_preflight(call.request):
            call.target = self._preflight
            return await self._preflight.handler(call)
        target = self._aim(call.request)
        if isinstance(target, Fault):
            return await self._record(call, target)
        call.target = target
        fault = self._admit(call, target)
        if fault is None:
            outcome = await target.handler(call)
            if not isinstance(outcome, Fault):
                return outcome
            fault = outcome
        return await self._record(call, fault)

    # ---- in ----

    def _aim(self, request: web.BaseRequest) -> Target | Fault:
        target = self._fixed.get((request.method, request.raw_path))
        if target is not None:
            return target
        path = path_of(request.raw_path)
        if isinstance(path, Fault):
            return path
        place = find(path)
        operation = place.operation(request.method) if place is not None else None
        if operation is None:
            unlisted = find_unlisted(path) if self._passes_unlisted and request.method in _METHODS else None
            if unlisted is None:
                return UNKNOWN_PATH if place is None else wrong_method(place.allow)
            place, operation = unlisted, UNLISTED
        assert place is not None  # noqa: S101 - it has an operation
        parameters = texts(place.parameters)
        if parameters is None:
            return MALFORMED_PATH
        return self._target(operation, place.version, parameters, place.id_at)

    async def _tell_browser(self, call: Call) -> Relayed:
        path = path_of(call.request.raw_path)
        place = None if isinstance(path, Fault) else find(path)
        return Relayed(self._cors.answer(call.request.headers, place))

    def _target(
        self,
        operation: Operation,
        version: Version,
        parameters: tuple[str, ...],
        id_at: tuple[int, ...] = (),
    ) -> Target:
        return Target(
            operation.route,
            operation,
            parameters,
            self._handlers.get(operation.route, self._other),
            operation.needs_secret(version, high_security=self._api.high_security),
            version < self._api.minimum_version and not operation.from_apps,
            takes_token(operation, version),
            operation is RECEIVE_WEBHOOK,
            self._services.upstream is not None
            and operation.opens_with_key_alone(version, high_security=self._api.high_security),
            id_at,
        )

    def _admit(self, call: Call, target: Target) -> Fault | None:
        headers = call.request.headers
        if target.signed:
            return None
        if target.too_old:
            return VERSION_TOO_OLD
        api_key = headers.get("apikey", "")
        opened = self._services.keyring.open(api_key, call.secret_key, secret_needed=target.needs_secret)
        if opened == "secret_key_missing" and target.takes_token and session.HEADER in headers:
            opened = self._open_with_token(call)
        if opened in ("secret_key_missing", "secret_key") and target.key_alone:
            call.key_alone = True
            opened = self._services.keyring.open(api_key, None, secret_needed=False)
        if isinstance(opened, Fault):
            return opened
        if isinstance(opened, str):
            if opened == "api_key":
                return WRONG_API_KEY
            return _KEY_NEEDED.get(target.operation, SECRET_KEY_NEEDED)
        call.channel, call.actor = opened.channel, opened.actor
        source = "backend" if opened.proven else "session" if call.session else "public"
        call.source, call.trust = source, self._trust[call.channel.name, source]
        bucket = self._buckets.get(call.channel.name)
        if bucket is not None and (wait := bucket.take()):
            return too_many_requests(_seconds(wait))
        if target.parameters and target.operation.modes == "both":
            return fault_in_customer_id(target.parameters[0]) or self._fault_in_person(call)
        return None

    def _fault_in_person(self, call: Call) -> Fault | None:
        """In forward mode, the platform decides whether a customer is unknown."""
        if self._services.upstream is not None:
            return None
        named = name_customer(call, call.parameters[0])
        return CUSTOMER_UNKNOWN._replace(warnings=named.warnings) if isinstance(named, Fault) else None

    def _open_with_token(self, call: Call) -> Opened | Fault | Failure:
        """The api key is known. The token replaces the secret key, for one customer only."""
        headers = call.request.headers
        opened = self._services.keyring.open(headers.get("apikey", ""), None, secret_needed=False)
        if isinstance(opened, str):
            return opened
        key = opened.channel.token_key
        if key is None:
            return NO_SESSIONS
        claims = session.verify(headers[session.HEADER], key, self._services.clock.now())
        if isinstance(claims, str):
            return session_refused(claims)
        call.session = claims.customer_id
        if self._trust[opened.channel.name, "backend"] == "state":
            call.token_evidence = self._evidence(opened.channel, claims.identifiers)
        return opened

    def _evidence(self, channel: Channel, said: Iterable[tuple[str, str]]) -> tuple[Evidence, ...]:
        normalizer = self._services.env.normalizer
        found = [
            normalizer.evidence(kind, text, channel.default_region)
            for kind, text in said
            if kind in normalizer.types
        ]
        return tuple(item for items in found for item in items if item.status != "invalid")

    # ---- out ----

    async def _record(self, call: Call, fault: Fault) -> Fault:
        """Write a refusal to the audit log; an unauthenticated one only while its address has not failed too often."""
        if fault.recorded:
            return fault
        if call.channel is NOBODY:
            address = client_address(call.request, self._services.config.server.trusted_proxies)
            wait = self._failures.spend(address)
            if wait:
                return too_many_requests(_seconds(wait)) if fault.status == 401 else fault
        refusal = RefuseCall(call.caller, call.route, fault.status, fault.code, fault.message)
        with contextlib.suppress(StoreUnavailable):
            await call.services.pipeline.submit(refusal)
        return fault


def _trust_of(config: Config) -> Mapping[tuple[str, CallSource], Trust]:
    return {
        (channel.name, source): config.trust_in(channel, source)
        for channel in config.channels
        for source in get_args(CallSource)
    }


async def _failed(call: Call, error: Exception) -> Fault:
    if isinstance(error, StoreUnavailable):
        return unavailable(error.retry_after)
    _log.error(
        "call_failed",
        request_id=call.request_id,
        trace_id=call.trace_id,
        exc_info=not isinstance(error, GatewayError),
    )
    return INTERNAL_ERROR


def _accepted(call: Call, answer: Answer) -> web.Response:
    headers = CIMultiDict(_pairs(answer.headers)) if answer.headers else _HEADERS.copy()
    headers.update(call.response_headers(answer.profile_id, answer.decision, answer.warnings))
    if answer.replayed:
        headers["Idempotent-Replayed"] = "true"
    return CompleteResponse(status=answer.status, body=answer.body, headers=headers)


def _refused(call: Call, fault: Fault) -> web.Response:
    headers = _HEADERS.copy()
    headers.update(call.response_headers(fault.profile_id, fault.decision, fault.warnings))
    if fault.retry_after:
        headers["Retry-After"] = str(fault.retry_after)
    if fault.allow:
        headers["Allow"] = fault.allow
    page = call.target.operation.page if call.target else GENERAL_PAGE
    body = render(fault, page, call.request_id)
    response = web.Response(status=fault.status, body=body, headers=headers)
    if call.last:
        response.force_close()
    return response


def _seconds(milliseconds: int) -> int:
    return -(-milliseconds // SECOND)


def _request_ids() -> Callable[[], str]:
    """Ids that no other process makes and no caller chooses."""
    process, numbers = secrets.token_hex(6), count(1)
    return lambda: f"req_{process}{next(numbers):08x}"
