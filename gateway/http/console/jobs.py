"""Jobs: how far each has come; one is cancelled, or resumed if it failed."""

from aiohttp import web

from gateway.http.admin.jobs import cancel_job, list_jobs, resume_job, show_job
from gateway.http.admin.listing import ListQuery
from gateway.http.console.visit import NO_QUERY, Visit, go


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


async def resume(visit: Visit) -> web.Response:
    form = await visit.form()
    job = await visit.ask(resume_job, NO_QUERY, {"skip": form.get("skip") == "yes"})
    return go(f"/console/jobs/{job.id}", "begun")
