"""Suggestions: open questions that a search raised, the most certain first, and the searches themselves."""

from aiohttp import web

from gateway.http.admin.listing import ListQuery
from gateway.http.admin.suggestions import (
    SearchQuery,
    list_searches,
    list_suggestions,
    show_search,
    start_search,
)
from gateway.http.console.visit import NO_QUERY, Visit, go

_SEARCHES = 5


async def show_suggestions(visit: Visit) -> web.Response:
    page, wrong = await visit.look_up(list_suggestions, ListQuery)
    searches = await visit.ask(list_searches, ListQuery(limit=_SEARCHES))
    return visit.page(
        "suggestions.html",
        section="reviews",
        title=visit.text("suggestions", "title"),
        json="/suggestions",
        page=page,
        wrong=wrong,
        searches=searches.items,
    )


async def show_one_search(visit: Visit) -> web.Response:
    found = await visit.ask(show_search, NO_QUERY)
    return visit.page(
        "search.html",
        section="reviews",
        title=found.id,
        json=f"/suggestions/searches/{found.id}",
        one=found,
    )


async def search(visit: Visit) -> web.Response:
    begun = await visit.ask(start_search, SearchQuery())
    return go(f"/console/suggestions/searches/{begun.id}", "begun")
