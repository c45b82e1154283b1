"""Suggestions: open questions that a search raised, the most certain first, and the searches themselves."""

from aiohttp import web

from gateway.http.admin.listing import ListQuery
from gateway.http.admin.suggestions import (
    list_suggestion_runs,
    list_suggestions,
    show_suggestion_run,
    start_suggesting,
)
from gateway.http.console.visit import NO_QUERY, Visit, go

_RUNS = 5


async def show_suggestions(visit: Visit) -> web.Response:
    page, wrong = await visit.look_up(list_suggestions, ListQuery)
    runs = await visit.ask(list_suggestion_runs, ListQuery(limit=_RUNS))
    return visit.page(
        "suggestions.html",
        section="reviews",
        title=visit.text("suggestions", "title"),
        json="/suggestions",
        page=page,
        wrong=wrong,
        runs=runs.items,
    )


async def show_one_run(visit: Visit) -> web.Response:
    found = await visit.ask(show_suggestion_run, NO_QUERY)
    return visit.page(
        "suggestion_run.html",
        section="reviews",
        title=found.id,
        json=f"/suggestions/runs/{found.id}",
        one=found,
    )


async def search(visit: Visit) -> web.Response:
    run = await visit.ask(start_suggesting, NO_QUERY)
    return go(f"/console/suggestions/runs/{run.id}", "begun")
