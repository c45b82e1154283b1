"""The audit log: filters as a form, each event with all of its detail, a download, and the check of the whole log."""

from urllib.parse import urlencode

from aiohttp import web

from gateway.audit.event import Action
from gateway.http.admin.audit import AuditQuery, query_audit
from gateway.http.admin.audit_stream import place_of_a_page
from gateway.http.admin.download import CSV, NDJSON
from gateway.http.admin.times import shown
from gateway.http.admin.verification import VerifyQuery, verify_audit
from gateway.http.console.timeline import told
from gateway.http.console.visit import Visit

_ON_A_PAGE = 30


async def show_audit(visit: Visit) -> web.Response:
    place = await place_of_a_page(visit.services)
    page, wrong = await visit.look_up(query_audit, AuditQuery, limit=_ON_A_PAGE)
    query = visit.request.query
    filters = {name: query[name] for name in AuditQuery.__struct_fields__ if query.get(name)}
    return visit.page(
        "audit.html",
        section="audit",
        title=visit.text("audit", "title"),
        json="/audit",
        page=page,
        wrong=wrong,
        events=[told(event) for event in page.items],
        actions=sorted(one.value for one in Action),
        channels=[channel.name for channel in visit.services.config.channels],
        filters=filters,
        live=not wrong and not {"cursor", "until", "order", "since", "after"} & filters.keys(),
        followed=urlencode(filters | {"after": place}),
        status=400 if wrong else 200,
    )


async def download_audit(visit: Visit) -> web.StreamResponse:
    """All events that match, each on a line of JSON."""
    return await visit.download(query_audit, visit.query(AuditQuery), NDJSON)


async def download_audit_table(visit: Visit) -> web.StreamResponse:
    """All events that match, for a spreadsheet."""
    return await visit.download(query_audit, visit.query(AuditQuery), CSV)


async def show_verification(visit: Visit) -> web.Response:
    """The check runs if the form asks for it, because it reads the whole log."""
    asked = visit.request.query
    query = VerifyQuery(state="state" in asked)
    found = await visit.ask(verify_audit, query) if "run" in asked else None
    last = await visit.services.verifications.last()
    return visit.page(
        "verify.html",
        section="audit",
        title=visit.text("verify", "title"),
        json="/audit/verify",
        found=found,
        last=shown(last.at) if last else None,
    )
