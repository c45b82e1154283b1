"""The sessions of operators' browsers. The cookie is a secret of the browser; the database has its HMAC, so all gateways on it
share the session, and a restart keeps it. What ends one (a log-out, another token, a removed operator) ends it everywhere."""

import re
import secrets
from typing import NamedTuple

from aiohttp import hdrs, web

from gateway.clock import DAY, HOUR, MINUTE, SECOND
from gateway.http.gameball.limits import is_within
from gateway.http.services import SERVICES
from gateway.model import Caller, EndSession, OpenSession, OperatorSession
from gateway.store.operations import note_seen, operator_session

UNATTENDED = "X-Unattended"
IDLE = 12 * HOUR
LONGEST = 7 * DAY
_NOTED_EVERY = 5 * MINUTE
"""A session's last request is stored this often at most, so that looking at pages writes next to nothing. What a
page asks for by itself is no sign of a person, so it stores nothing."""
_COOKIE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class Opened(NamedTuple):
    """`cookie` is the value of `Set-Cookie`."""

    session: OperatorSession
    cookie: str


async def open_session(request: web.Request, caller: Caller, name: str, token_hash: bytes) -> Opened:
    """A session for the operator who sent the token with this digest."""
    services = request.app[SERVICES]
    secret, now = secrets.token_urlsafe(32), services.clock.now()
    session = OperatorSession(services.operators.digest(secret).hex(), name, token_hash, now, now)
    await services.pipeline.submit(OpenSession(caller, session, (now - LONGEST, now - IDLE)))
    return Opened(session, _cookie(request, secret, LONGEST // SECOND))


async def close_session(request: web.Request, caller: Caller, session: OperatorSession) -> bool:
    """End any session, this browser's or another's. False: it had ended before."""
    done = await request.app[SERVICES].pipeline.submit(EndSession(caller, session.name, session.session_id))
    return done.changed


def forget_cookie(request: web.Request) -> str:
    """The value of `Set-Cookie` that takes the cookie from the browser."""
    return _cookie(request, "", 0)


async def session_of(request: web.Request) -> OperatorSession | None:
    """The session of the request's cookie, unless it is over. The operator may have been removed since."""
    services = request.app[SERVICES]
    secret = request.cookies.get(_name(is_secure(request)), "")
    if not _COOKIE.fullmatch(secret):
        return None
    session = await operator_session(services.store, services.operators.digest(secret).hex())
    now = services.clock.now()
    if session is None or not is_open(session, now):
        return None
    if now - session.seen_at >= _NOTED_EVERY and not _is_unattended(request):
        await note_seen(services.store, session, now)
    return session


def _is_unattended(request: web.Request) -> bool:
    """Whether an open page asks by itself: for its stream, or for its own next state."""
    return request.headers.get(hdrs.ACCEPT) == "text/event-stream" or UNATTENDED in request.headers


def is_open(session: OperatorSession, now: int) -> bool:
    return now - session.opened_at < LONGEST and now - session.seen_at < IDLE


def is_secure(request: web.Request) -> bool:
    """Whether the browser speaks TLS, as the trusted proxy in front says."""
    trusted = request.app[SERVICES].config.server.trusted_proxies
    return request.headers.get(hdrs.X_FORWARDED_PROTO) == "https" and is_within(request.remote or "", trusted)


def _name(secure: bool) -> str:
    return "__Host-gateway_session" if secure else "gateway_session"


def _cookie(request: web.Request, value: str, seconds: int) -> str:
    """`__Host-` keeps a neighbouring site from setting the cookie. Browsers take it over TLS only."""
    secure = is_secure(request)
    kept = f"{_name(secure)}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict"
    return f"{kept}; Secure" if secure else kept
