"""Imports: how far each is, and the lines that it could not take as they were."""

from aiohttp import web

from gateway.http.admin.download import CSV
from gateway.http.admin.import_lists import ImportsQuery, list_imports, list_refusals, list_warnings
from gateway.http.admin.listing import ListQuery
from gateway.http.console.visit import Visit


async def show_imports(visit: Visit) -> web.Response:
    page, wrong = await visit.look_up(list_imports, ImportsQuery)
    return visit.page(
        "imports.html",
        section="system",
        title=visit.text("imports", "title"),
        json="/imports",
        page=page,
        wrong=wrong,
        channels=[channel.name for channel in visit.services.config.channels],
    )


async def show_refused(visit: Visit) -> web.Response:
    return await _lines(visit, "refused")


async def show_warned(visit: Visit) -> web.Response:
    return await _lines(visit, "warned")


async def download_refused(visit: Visit) -> web.StreamResponse:
    return await visit.download(list_refusals, ListQuery(), CSV)


async def download_warned(visit: Visit) -> web.StreamResponse:
    return await visit.download(list_warnings, ListQuery(), CSV)


async def _lines(visit: Visit, what: str) -> web.Response:
    import_id = visit.request.match_info["id"]
    handler = list_refusals if what == "refused" else list_warnings
    page, wrong = await visit.look_up(handler, ListQuery)
    path = "refusals" if what == "refused" else "warnings"
    return visit.page(
        "import_lines.html",
        section="system",
        title=visit.text("imports", what),
        json=f"/imports/{import_id}/{path}",
        import_id=import_id,
        page=page,
        wrong=wrong,
    )
