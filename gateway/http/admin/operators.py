"""Which operator sends a request: by a token, by the cookie of a browser session, or by the name that a trusted proxy sends.

A browser adds the latter two by itself, also to a request that another site's page made it send. Such an operator has a `csrf`
text, which every request that changes something has to bring back.
"""

import hmac
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from gateway.errors import Refusal
from gateway.http.admin import sessions
from gateway.http.admin.failed_calls import FAILED_CALLS
from gateway.http.gameball.limits import is_within
from gateway.http.operator_tokens import SHARED, TokenHolder
from gateway.http.services import SERVICES, Services
from gateway.model import OperatorSession, Role, includes
from gateway.store.gateway_reads import note_use

CSRF_HEADER = "X-CSRF-Token"
_DECLARED = re.compile(r"[A-Za-z0-9._-]{1,50}", re.ASCII)
_SAFE = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})


@dataclass(frozen=True, slots=True)
class Operator:
    """`declared` is what the user of the shared token calls themselves: for the audit log, and no proof. `session` is the id of
    the browser session, `token_hash` the digest of a token that was sent. `csrf`: see above; "" where a token was sent."""

    name: str
    role: Role
    declared: str = ""
    session: str = ""
    csrf: str = field(default="", repr=False)
    token_hash: bytes = field(default=b"", repr=False)

    @property
    def actor(self) -> str:
        return f"operator:{self.name}"

    def require(self, role: Role) -> None:
        """Raises Refusal unless the operator has this role or a higher one."""
        if not includes(self.role, role):
            raise Refusal("forbidden_role", f"this needs the role {role}, and {self.name} is a {self.role}")

    def require_csrf(self, given: str) -> None:
        """For a request that changes something: `given` is what its form or header brings back. Raises Refusal."""
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self.csrf.encode()):
            raise Refusal(
                "csrf_refused",
                f"the request does not come from a page of this session; load the page again, or send {CSRF_HEADER}"
                " as GET /me gives it",
            )


OPERATOR = web.RequestKey("operator", Operator)


async def authenticated(request: web.Request) -> Operator | None:
    """The operator who sends the request. A token decides alone; without one, the session, and then the proxy."""
    services = request.app[SERVICES]
    token = bearer(request)
    if token is not None:
        holder = services.operators.open(token, services.clock.now())
        return await _with_token(request, services, holder) if holder is not None else None
    return await _by_session(request, services) or _by_proxy(request, services)


async def log_in(request: web.Request, token: str) -> Operator:
    """The operator with this token, for whom a session may be opened. Raises Refusal; after too many wrong tokens from an address,
    it does so without a look at the token."""
    services, failed_calls = request.app[SERVICES], request.app[FAILED_CALLS]
    failed_calls.admit_log_in(request)
    holder = services.operators.open(token, services.clock.now())
    if holder is None:
        failed_calls.charge_log_in(request)
        raise Refusal("unauthorized", "there is no operator with this token")
    return await _with_token(request, services, holder)


def bearer(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def refuse_forgery(request: web.Request) -> None:
    """A browser says which site's page made it send a request that changes something. Raises Refusal if it is another's, or if
    nothing says that it is not."""
    if request.method in _SAFE:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get(hdrs.ORIGIN)
    told = site is not None or origin is not None
    if told and site in (None, "same-origin") and (origin is None or _is_own(origin, request)):
        return
    raise Refusal(
        "origin_refused",
        "the request comes from a page of another site; behind a proxy, name the site in [server] allowed_hosts",
    )


def _is_own(origin: str, request: web.Request) -> bool:
    try:
        parts = urlsplit(origin.lower())
        own = request.app[SERVICES].config.server.allowed_hosts
        return parts.scheme in ("http", "https") and (
            parts.netloc == request.host.lower() or parts.hostname in {name.lower() for name in own}
        )
    except ValueError:
        return False


async def _with_token(request: web.Request, services: Services, holder: TokenHolder) -> Operator:
    now = services.clock.now()
    if holder.name == SHARED:
        declared = request.headers.get("X-Operator", "")
        known = declared if _DECLARED.fullmatch(declared) else ""
        return Operator(*_named(holder), known, token_hash=holder.token_hash)
    if services.operators.is_use_news(holder.name, now):
        await note_use(services.store, holder.name, now)
    return Operator(*_named(holder), token_hash=holder.token_hash)


def remembered(request: web.Request) -> Operator | None:
    """The operator of a session that was open a short while ago, while the database cannot say whether it still is."""
    return _of_session(sessions.recent_session_of(request), request.app[SERVICES])


async def _by_session(request: web.Request, services: Services) -> Operator | None:
    return _of_session(await sessions.session_of(request), services)


def _of_session(session: OperatorSession | None, services: Services) -> Operator | None:
    if session is None:
        return None
    holder = services.operators.holder_of(session.token_hash, services.clock.now())
    if holder is None or holder.name != session.name:
        return None
    return Operator(
        *_named(holder), session=session.session_id, csrf=services.operators.csrf(session.session_id)
    )


def _by_proxy(request: web.Request, services: Services) -> Operator | None:
    """Any client can send the header, so only what a trusted proxy itself sends is believed."""
    server = services.config.server
    if not server.operator_header or not is_within(request.remote or "", server.trusted_proxies):
        return None
    given = request.headers.getall(server.operator_header, ())
    if len(given) != 1:
        return None
    for known in services.config.operators:
        if known.user == given[0]:
            return Operator(known.name, known.role, csrf=services.operators.csrf(f"proxy {known.name}"))
    return None


def _named(holder: TokenHolder) -> tuple[str, Role]:
    return holder.name, holder.role
