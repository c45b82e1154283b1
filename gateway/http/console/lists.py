"""The operators' own lists of numbers."""

from aiohttp import web

from gateway.errors import Refusal
from gateway.http.admin.listing import ListQuery
from gateway.http.admin.lists import add_to_list, checked_name, list_lists, remove_from_list, show_list
from gateway.http.console.render import segment
from gateway.http.console.visit import NO_QUERY, Visit, go


async def show_lists(visit: Visit) -> web.Response:
    """With a name in the address, that list; a list without numbers is made by its first number."""
    name, wrong = visit.request.query.get("name", "").strip(), ""
    if name:
        try:
            return go(f"/console/lists/{checked_name(name)}")
        except Refusal as refusal:
            wrong = str(refusal)
    page = await visit.ask(list_lists, NO_QUERY)
    return visit.page(
        "lists.html",
        section="rules",
        title=visit.text("lists", "title"),
        json="/lists",
        page=page,
        wrong=wrong,
        name=name,
        status=400 if wrong else 200,
    )


async def show_one_list(visit: Visit) -> web.Response:
    name = visit.request.match_info["name"]
    page, wrong = await visit.look_up(show_list, ListQuery)
    return visit.page(
        "list.html",
        section="rules",
        title=name,
        json=f"/lists/{segment(name)}",
        page=page,
        wrong=wrong,
        name=name,
    )


async def put_on_list(visit: Visit) -> web.Response:
    outcome = await visit.ask(add_to_list, NO_QUERY, await _numbers(visit))
    return go(f"/console/lists/{outcome.name}", "listed" if outcome.changed else "unchanged")


async def take_off_list(visit: Visit) -> web.Response:
    outcome = await visit.ask(remove_from_list, NO_QUERY, await _numbers(visit))
    return go(f"/console/lists/{outcome.name}", "unlisted" if outcome.changed else "unchanged")


async def _numbers(visit: Visit) -> dict[str, object]:
    form = await visit.form()
    written = (line.strip() for line in form.get("values", "").splitlines())
    return {"values": [one for one in written if one], "region": form.get("region", "").strip().upper()}
