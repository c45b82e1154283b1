"""Logging in with a token, and out again. Pages use the sessions of the admin API."""

from aiohttp import hdrs, web
from msgspec.structs import replace

from gateway.http.admin import operators, sessions
from gateway.http.admin.operation import CALLER
from gateway.http.admin.operators import OPERATOR
from gateway.http.console.form import read_form
from gateway.http.console.problems import log_in_page
from gateway.http.console.visit import Visit, go
from gateway.store.gateway_reads import operator_session

_FIRST_PAGE = "/console/"


async def show_log_in(request: web.Request) -> web.Response:
    return log_in_page(request, "", 200)


async def log_in(request: web.Request) -> web.Response:
    """A form of another site is refused. It could log the browser in as an operator whose owner reads later what was typed."""
    operators.refuse_forgery(request)
    operator = await operators.log_in(request, (await read_form(request)).get("token", "").strip())
    caller = replace(request[CALLER], actor=operator.actor)
    opened = await sessions.open_session(request, caller, operator.name, operator.token_hash)
    answer = go(_inside(request.query.get("to", "")))
    answer.headers[hdrs.SET_COOKIE] = opened.cookie
    return answer


async def log_out(visit: Visit) -> web.Response:
    session = await operator_session(visit.services.store, visit.request[OPERATOR].session)
    if session is not None:
        await sessions.close_session(visit.request, visit.caller, session)
    answer = go("/console/log-in", "logged_out")
    answer.headers[hdrs.SET_COOKIE] = sessions.forget_cookie(visit.request)
    return answer


def _inside(asked: str) -> str:
    """A page of the console; never an address elsewhere, which a link could have put into the form."""
    return (
        asked if asked.startswith(_FIRST_PAGE) and asked.isprintable() and "\\" not in asked else _FIRST_PAGE
    )
