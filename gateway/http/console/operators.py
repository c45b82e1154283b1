"""Operators and their sessions."""

from aiohttp import web

from gateway.http.admin.accounts import (
    IssuedToken,
    add_operator,
    end_session,
    list_operators,
    list_sessions,
    remove_operator,
    rotate_operator,
)
from gateway.http.admin.listing import MOST, ListQuery
from gateway.http.console.visit import NO_QUERY, Visit, go

_ROLES = ("viewer", "steward", "admin")
_PAGE = "/console/operators"
_GRACE = 3_600


async def show_operators(visit: Visit) -> web.Response:
    page, wrong = await visit.look_up(list_operators, ListQuery)
    return visit.page(
        "operators.html",
        section="system",
        title=visit.text("operators", "title"),
        json="/operators",
        page=page,
        wrong=wrong,
        roles=_ROLES,
        sessions=(await visit.ask(list_sessions, ListQuery(limit=MOST))).items,
    )


async def add(visit: Visit) -> web.Response:
    form = await visit.form()
    asked = {"name": form.get("name", "").strip(), "role": form.get("role", "")}
    return _issued(visit, await visit.ask(add_operator, NO_QUERY, asked))


async def rotate(visit: Visit) -> web.Response:
    """With the hour that the operator needs to take the new token over, or at once, where the old one leaked."""
    form = await visit.form()
    grace = 0 if form.get("grace") == "none" else _GRACE
    return _issued(visit, await visit.ask(rotate_operator, NO_QUERY, {"grace_seconds": grace}))


async def remove(visit: Visit) -> web.Response:
    await visit.confirm(remove_operator, visit.request.match_info["name"])
    await visit.ask(remove_operator, NO_QUERY)
    return go(_PAGE, "removed")


async def end(visit: Visit) -> web.Response:
    ended = await visit.ask(end_session, NO_QUERY)
    return go(_PAGE, "ended" if ended.changed else "unchanged")


def _issued(visit: Visit, issued: IssuedToken) -> web.Response:
    """The page itself is the answer, and not another address, because only this answer has the token."""
    title = visit.text("operators", "issued").format(name=issued.name)
    return visit.page("token.html", section="system", title=title, one=issued, status=201)
