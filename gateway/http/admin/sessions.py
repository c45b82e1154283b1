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
from gateway.store.gateway_reads import note_seen, operator_session

UNATTENDED = "X-Unattended"
IDLE = 12 * HOUR
LONGEST = 7 * DAY
_NOTED_EVERY = 5 * MINUTE
"""A session's last request is stored this often at most, so that looking at pages writes next to nothing. What a
page asks for by itself is no sign of a person, so it stores nothing."""
_COOKIE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


_REMEMBERED = 15 * MINUTE
_MOST_REMEMBERED = 1_000


class RecentSessions:
    """Sessions that the database vouched for a short while ago, by their ids. While the database does not answer, they alone say
    whose browser asks: for what the listener has in memory, never for anything that it would read or change."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[OperatorSession, int]] = {}

    def note(self, session: OperatorSession, now: int) -> None:
        self._seen.pop(session.session_id, None)
        if len(self._seen) >= _MOST_REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._seen[session.session_id] = session, now

    def forget(self, session_id: str) -> None:
        self._seen.pop(session_id, None)

    def find(self, session_id: str, now: int) -> OperatorSession | None:
        session, noted = self._seen.get(session_id, (None, 0))
        is_recent = session is not None and 0 <= now - noted < _REMEMBERED and is_open(session, now)
        return session if is_recent else None


RECENT_SESSIONS = web.AppKey("recent_sessions", RecentSessions)


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
    request.app[RECENT_SESSIONS].forget(session.session_id)
    done = await request.app[SERVICES].pipeline.submit(EndSession(caller, session.name, session.session_id))
    return done.changed


def forget_cookie(request: web.Request) -> str:
    """The value of `Set-Cookie` that takes the cookie from the browser."""
    return _cookie(request, "", 0)


async def session_of(request: web.Request) -> OperatorSession | None:
    """The session of the request's cookie, unless it is over. The operator may have been removed since."""
    services = request.app[SERVICES]
    session_id = _id_of(request)
    if session_id is None:
        return None
    session = await operator_session(services.store, session_id)
    now, recent = services.clock.now(), request.app[RECENT_SESSIONS]
    if session is None or not is_open(session, now):
        recent.forget(session_id)
        return None
    recent.note(session, now)
    if now - session.seen_at >= _NOTED_EVERY and not _is_unattended(request):
        await note_seen(services.store, session, now)
    return session


def recent_session_of(request: web.Request) -> OperatorSession | None:
    """The session of the request's cookie, if the database vouched for it a short while ago."""
    session_id, services = _id_of(request), request.app[SERVICES]
    return (session_id and request.app[RECENT_SESSIONS].find(session_id, services.clock.now())) or None


def _id_of(request: web.Request) -> str | None:
    secret = request.cookies.get(_name(is_secure(request)), "")
    return request.app[SERVICES].operators.digest(secret).hex() if _COOKIE.fullmatch(secret) else None


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
