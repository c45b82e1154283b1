"""Operators and their browser sessions: who is asking, who may ask, and since when."""

import re
from http import HTTPStatus
from typing import Annotated

import msgspec
from aiohttp import hdrs
from msgspec import Meta

from gateway.clock import HOUR, SECOND
from gateway.config.operator_token import NAME, WHOLE_NAME
from gateway.errors import Refusal
from gateway.http.admin import sessions
from gateway.http.admin.listing import ListQuery, Page, Query, page, read_cursor
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.operators import OPERATOR
from gateway.http.admin.times import Time, shown, shown_or_none
from gateway.http.operator_tokens import SHARED
from gateway.http.services import Services
from gateway.model import AddOperator, OperatorSession, RemoveOperator, Role, RotateOperator, StoredOperator
from gateway.store.gateway_reads import operator_session, shared_state
from gateway.store.queries import accounts as queries

_MOST_OPERATORS = 1_000
_LONGEST_GRACE = 7 * 24 * HOUR // SECOND
Name = Annotated[
    str, Meta(pattern=WHOLE_NAME, description='1 to 40 lower-case letters, digits and ".-", no sign first')
]


class MeView(msgspec.Struct):
    """`csrf` goes into `X-CSRF-Token` of each request that changes something; it is empty for a token, which needs none.
    `session` is the browser's, empty without one."""

    name: str
    role: Role
    actor: str
    session: str
    csrf: str


class OperatorView(msgspec.Struct):
    """`used` is when a token or session of theirs was used last, within five minutes. `previous_until`: until when the token
    before the newest is still taken."""

    name: str
    role: Role
    created_at: Time
    created_by: str
    used: Time | None
    previous_until: Time | None
    removed_at: Time | None


class NewOperator(msgspec.Struct, forbid_unknown_fields=True):
    name: Name
    role: Role


class Rotation(msgspec.Struct, forbid_unknown_fields=True):
    """How long the present token is still taken."""

    grace_seconds: Annotated[int, Meta(ge=0, le=_LONGEST_GRACE)] = HOUR // SECOND


class IssuedToken(msgspec.Struct):
    """`token` is shown only once."""

    name: str
    role: Role
    token: str


class RemovedOperator(msgspec.Struct):
    name: str


class SessionView(msgspec.Struct):
    """`seen_at` is the last request, within five minutes. `own`: it is the session that asks."""

    id: str
    name: str
    opened_at: Time
    seen_at: Time
    own: bool


class OpenedSession(msgspec.Struct):
    """The session itself is in the cookie that comes with this answer."""

    id: str
    name: str
    role: Role
    csrf: str


class EndedSession(msgspec.Struct):
    id: str
    changed: bool


async def show_me(call: Call[Query]) -> MeView:
    operator = call.request[OPERATOR]
    return MeView(operator.name, operator.role, operator.actor, operator.session, operator.csrf)


async def list_operators(call: Call[ListQuery]) -> Page[OperatorView]:
    query = call.query
    after = read_cursor(query.cursor, str, "")
    found = await queries.operators(call.services.store, after, query.limit + 1)
    return page(
        found, query.limit, lambda one: _view(one, call.services.clock.now()), lambda one: one.operator.name
    )


async def add_operator(call: Call[Query]) -> IssuedToken:
    services, asked = call.services, await call.body(NewOperator)
    if asked.name == SHARED:
        raise Refusal("bad_body", f"name: {SHARED} stands for the admin token; choose another name")
    if any(known.name == asked.name for known in services.config.operators):
        raise Refusal(
            "operator_exists",
            f"the settings have an operator {asked.name}, for whom the proxy vouches; choose another name",
        )
    if services.operators.count >= _MOST_OPERATORS:
        raise Refusal("too_many_operators", f"there are {_MOST_OPERATORS} operators; remove one first")
    token, digest = services.operators.issue(asked.name)
    now = services.clock.now()
    await call.submit(
        AddOperator(call.caller, StoredOperator(asked.name, asked.role, digest, now, call.caller.actor))
    )
    await _refresh(services)
    return IssuedToken(asked.name, asked.role, token)


async def rotate_operator(call: Call[Query]) -> IssuedToken:
    services, asked = call.services, await call.body(Rotation)
    name = _name(call)
    token, digest = services.operators.issue(name)
    until = services.clock.now() + asked.grace_seconds * SECOND
    rotated = await call.submit(RotateOperator(call.caller, name, digest, until))
    await _refresh(services)
    return IssuedToken(name, rotated.role, token)


async def remove_operator(call: Call[Query]) -> RemovedOperator:
    name = _name(call)
    await call.submit(RemoveOperator(call.caller, name))
    await _refresh(call.services)
    return RemovedOperator(name)


async def list_sessions(call: Call[ListQuery]) -> Page[SessionView]:
    """An admin sees those of all operators."""
    query, operator, now = call.query, call.request[OPERATOR], call.services.clock.now()
    whose = "" if operator.role == "admin" else operator.name
    after = read_cursor(query.cursor, str, "")
    open_since = (now - sessions.LONGEST, now - sessions.IDLE)
    found = await queries.sessions(call.services.store, whose, open_since, after, query.limit + 1)

    def view(one: OperatorSession) -> SessionView:
        own = one.session_id == operator.session
        return SessionView(one.session_id, one.name, shown(one.opened_at), shown(one.seen_at), own)

    return page(found, query.limit, view, lambda one: one.session_id)


async def open_session(call: Call[Query]) -> OpenedSession:
    operator = call.request[OPERATOR]
    opened = await sessions.open_session(call.request, call.caller, operator.name, operator.token_hash)
    call.headers[hdrs.SET_COOKIE] = opened.cookie
    session_id = opened.session.session_id
    return OpenedSession(session_id, operator.name, operator.role, call.services.operators.csrf(session_id))


async def end_session(call: Call[Query]) -> EndedSession:
    operator, session_id = call.request[OPERATOR], call.request.match_info["id"]
    session = await operator_session(call.services.store, session_id)
    if session is None or (session.name != operator.name and operator.role != "admin"):
        raise Refusal("session_unknown", "there is no such session; `gateway operators sessions` lists them")
    changed = await sessions.close_session(call.request, call.caller, session)
    if session_id == operator.session:
        call.headers[hdrs.SET_COOKIE] = sessions.forget_cookie(call.request)
    return EndedSession(session_id, changed)


def _name(call: Call[Query]) -> str:
    name = call.request.match_info["name"]
    if not re.fullmatch(NAME, name):
        raise Refusal("operator_unknown", "there is no such operator; `gateway operators list` shows them")
    return name


async def _refresh(services: Services) -> None:
    services.operators.refresh((await shared_state(services.store)).operators)


def _view(one: queries.KnownOperator, now: int) -> OperatorView:
    operator = one.operator
    until = operator.previous_until
    return OperatorView(
        operator.name,
        operator.role,
        shown(operator.created_at),
        operator.created_by,
        shown_or_none(one.used_at),
        shown(until) if until is not None and until > now else None,
        shown_or_none(operator.removed_at),
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/me",
        handler=show_me,
        role="viewer",
        summary="Who is asking, and with which role",
        answer=MeView,
    ),
    Operation(
        method="GET",
        path="/operators",
        handler=list_operators,
        role="viewer",
        summary="Operators with their roles, removed ones too; without tokens",
        query=ListQuery,
        answer=Page[OperatorView],
        refusals=("bad_cursor",),
    ),
    Operation(
        method="POST",
        path="/operators",
        handler=add_operator,
        role="admin",
        summary="Add an operator; the token is shown only once",
        body=NewOperator,
        answer=IssuedToken,
        status=HTTPStatus.CREATED,
        refusals=("operator_exists", "too_many_operators"),
    ),
    Operation(
        method="POST",
        path="/operators/{name}/rotate",
        handler=rotate_operator,
        role="admin",
        summary="Give an operator another token, and end their sessions; the token before it is taken for a while",
        body=Rotation,
        answer=IssuedToken,
        refusals=("operator_unknown",),
    ),
    Operation(
        method="DELETE",
        path="/operators/{name}",
        handler=remove_operator,
        role="admin",
        summary="Remove an operator: their tokens and sessions end",
        answer=RemovedOperator,
        refusals=("operator_unknown",),
    ),
    Operation(
        method="GET",
        path="/sessions",
        handler=list_sessions,
        role="viewer",
        summary="Browser sessions that are open: one's own, or for an admin those of all operators",
        query=ListQuery,
        answer=Page[SessionView],
        refusals=("bad_cursor",),
    ),
    Operation(
        method="POST",
        path="/sessions",
        handler=open_session,
        role="viewer",
        summary="Open a browser session with a token; the answer sets its cookie",
        answer=OpenedSession,
        status=HTTPStatus.CREATED,
    ),
    Operation(
        method="DELETE",
        path="/sessions/{id}",
        handler=end_session,
        role="viewer",
        summary="End a browser session: one's own, or for an admin any",
        answer=EndedSession,
        refusals=("session_unknown",),
    ),
)
