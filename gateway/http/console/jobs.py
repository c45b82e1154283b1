"""Jobs: how far each has come, and the undo of all merges that match a filter, which is shown first and confirmed with its
number."""

from typing import Any

from aiohttp import web

from gateway.errors import Refusal
from gateway.http.admin.bulk import undo_merges
from gateway.http.admin.jobs import cancel_job, list_jobs, show_job
from gateway.http.admin.listing import ListQuery
from gateway.http.console.visit import NO_QUERY, Visit, go
from gateway.plural import counted

_FIELDS = ("rule", "channel", "actor", "import_id", "since", "until", "reason")


async def show_jobs(visit: Visit) -> web.Response:
    page, wrong = await visit.look_up(list_jobs, ListQuery)
    title = visit.text("jobs", "title")
    return visit.page("jobs.html", section="merges", title=title, json="/jobs", page=page, wrong=wrong)


async def show_one_job(visit: Visit) -> web.Response:
    found = await visit.ask(show_job, NO_QUERY)
    return visit.page("job.html", section="merges", title=found.id, json=f"/jobs/{found.id}", one=found)


async def cancel(visit: Visit) -> web.Response:
    job = await visit.ask(cancel_job, NO_QUERY)
    return go(f"/console/jobs/{job.id}", "cancelled")


async def undo_many(visit: Visit) -> web.Response:
    """Without a number, what would be undone. The number that is typed has to be the one that was shown and that matches now."""
    form = await visit.form()
    asked: dict[str, Any] = {name: form.get(name, "").strip() for name in _FIELDS}
    if "sure" in form:
        await visit.confirm(undo_merges, form.get("expected", ""))
        begun = await visit.ask(
            undo_merges, NO_QUERY, asked | {"expected": _number(form.get("expected", ""))}
        )
        return go(f"/console/jobs/{begun.job.id}" if begun.job else "/console/jobs", "begun")
    plan = await visit.ask(undo_merges, NO_QUERY, asked | {"dry_run": True})
    return visit.page(
        "undo_many.html",
        section="merges",
        title=visit.text("jobs", "preview").format(merges=counted(plan.matched, "merge")),
        plan=plan,
        asked=[(name, text) for name, text in asked.items() if text],
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Refusal("bad_body", "expected: is not a number; load the page again")
    return int(text)
