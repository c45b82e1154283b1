"""The table of pages, and how the admin listener gets them."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiohttp import web

from gateway.errors import Refusal
from gateway.http.admin.access import DOCS, REFUSED_AS
from gateway.http.admin.operation import CALLER
from gateway.http.admin.operators import OPERATOR
from gateway.http.console import (
    achievements,
    api,
    audit,
    bulk,
    deliveries,
    find,
    imports,
    jobs,
    lists,
    log_in,
    merges,
    operators,
    person,
    profile_changes,
    reviews,
    rule_history,
    rules,
    static_files,
    suggestions,
    system,
    today,
)
from gateway.http.console.problems import problem_page
from gateway.http.console.render import BUILD
from gateway.http.console.visit import Visit
from gateway.http.services import SERVICES

_UNSAFE = "POST"


class Page(NamedTuple):
    """`path` is below `/console`. A POST is a form of a page."""

    method: str
    path: str
    handler: Callable[[Visit], Awaitable[web.StreamResponse]]


PAGES = (
    Page("GET", "/", today.show_today),
    Page("POST", "/log-out", log_in.log_out),
    Page("GET", "/find", find.show_search),
    Page("POST", "/find", find.search),
    Page("GET", "/duplicates", find.show_duplicates),
    Page("GET", "/odd-profiles", find.show_odd_profiles),
    Page("GET", "/generic-values", find.show_generic_values),
    Page("GET", "/profiles/{id}", person.show_person),
    Page("POST", "/profiles/{id}/merge", profile_changes.merge),
    Page("POST", "/profiles/{id}/split", profile_changes.split),
    Page("POST", "/profiles/{id}/pin", profile_changes.pin),
    Page("POST", "/profiles/{id}/unpin", profile_changes.unpin),
    Page("POST", "/profiles/{id}/erase", profile_changes.erase),
    Page("POST", "/splits/{id}/lift", profile_changes.lift),
    Page("GET", "/merges", merges.show_merges),
    Page("POST", "/merges/undo", bulk.undo_all),
    Page("GET", "/merges/{id}", merges.show_one_merge),
    Page("POST", "/merges/{id}/undo", profile_changes.undo),
    Page("GET", "/jobs", jobs.show_jobs),
    Page("GET", "/jobs/{id}", jobs.show_one_job),
    Page("POST", "/jobs/{id}/cancel", jobs.cancel),
    Page("POST", "/jobs/{id}/resume", jobs.resume),
    Page("POST", "/reviews/accept", bulk.accept_all),
    Page("POST", "/reviews/reject", bulk.reject_all),
    Page("POST", "/deliveries/retry", bulk.send_all),
    Page("POST", "/deliveries/discard", bulk.give_up_all),
    Page("POST", "/achievements/retry", bulk.retry_all),
    Page("GET", "/reviews", reviews.show_reviews),
    Page("GET", "/reviews/people", reviews.show_people_asked),
    Page("GET", "/reviews/{id}", reviews.show_one_review),
    Page("GET", "/suggestions", suggestions.show_suggestions),
    Page("POST", "/suggestions/searches", suggestions.search),
    Page("GET", "/suggestions/searches/{id}", suggestions.show_one_search),
    Page("POST", "/reviews/{id}/yes", reviews.answer_yes),
    Page("POST", "/reviews/{id}/no", reviews.answer_no),
    Page("POST", "/reviews/{id}/undo", reviews.undo),
    Page("GET", "/achievements", achievements.show_achievements),
    Page("POST", "/achievements/{id}/retry", achievements.retry_one_achievement),
    Page("GET", "/deliveries", deliveries.show_deliveries),
    Page("GET", "/deliveries/{id}", deliveries.show_one_delivery),
    Page("POST", "/deliveries/{id}/retry", deliveries.retry_one_delivery),
    Page("POST", "/deliveries/{id}/discard", deliveries.discard_one_delivery),
    Page("GET", "/audit", audit.show_audit),
    Page("GET", "/audit/events.ndjson", audit.download_audit),
    Page("GET", "/audit/events.csv", audit.download_audit_table),
    Page("GET", "/audit/verify", audit.show_verification),
    Page("GET", "/rules", rules.list_versions),
    Page("POST", "/rules", rules.store_text),
    Page("GET", "/rules/new", rules.show_editor),
    Page("POST", "/rules/check", rules.check_text),
    Page("POST", "/rules/plan", rules.plan_text),
    Page("GET", "/rules/diff", rule_history.show_diff),
    Page("GET", "/rules/{version}", rules.show_version),
    Page("POST", "/rules/{version}/activate", rules.activate_version),
    Page("GET", "/lists", lists.show_lists),
    Page("GET", "/lists/{name}", lists.show_one_list),
    Page("POST", "/lists/{name}/add", lists.put_on_list),
    Page("POST", "/lists/{name}/remove", lists.take_off_list),
    Page("GET", "/campaigns", achievements.show_campaigns),
    Page("GET", "/operators", operators.show_operators),
    Page("POST", "/operators", operators.add),
    Page("POST", "/operators/{name}/rotate", operators.rotate),
    Page("POST", "/operators/{name}/remove", operators.remove),
    Page("POST", "/sessions/{id}/end", operators.end),
    Page("GET", "/imports", imports.show_imports),
    Page("GET", "/imports/{id}/refused", imports.show_refused),
    Page("GET", "/imports/{id}/warned", imports.show_warned),
    Page("GET", "/imports/{id}/refused.csv", imports.download_refused),
    Page("GET", "/imports/{id}/warned.csv", imports.download_warned),
    Page("GET", "/system", system.show_system),
    Page("GET", "/api", api.show_operations),
    Page("GET", "/api/{operation}", api.show_operation),
    Page("GET", "/api/{operation}/try", api.try_operation),
    Page("POST", "/system/webhooks/{name}/test", system.try_one),
    Page("POST", "/system/keys", system.issue_key),
    Page("POST", "/system/keys/{id}/revoke", system.revoke_pair),
)


def add_console(app: web.Application) -> None:
    """Serve the pages on the admin listener, whose access check runs before each of them."""
    app[REFUSED_AS] = problem_page
    app[today.LAST_TODAY] = today.LastToday()
    app.router.add_get("/console/log-in", log_in.show_log_in)
    app.router.add_post("/console/log-in", log_in.log_in)
    app.router.add_get(static_files.PLACE + "{name}", static_files.show_file)
    app.router.add_get(DOCS, _served(Page("GET", DOCS, api.to_docs)))
    for page in PAGES:
        app.router.add_route(page.method, "/console" + page.path, _served(page))


def _served(page: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(request: web.Request) -> web.StreamResponse:
        visit = Visit(request, request.app[SERVICES], request[CALLER], request[OPERATOR])
        if page.method == _UNSAFE:
            await _check_form(visit)
        return await page.handler(visit)

    return serve


async def _check_form(visit: Visit) -> None:
    """Raises Refusal for a form that another site sent, or that was drawn before an upgrade: its fields may mean something else
    now."""
    form = await visit.form()
    if visit.operator.csrf:
        visit.operator.require_csrf(form.get("_csrf", ""))
    if form.get("_build", "") != BUILD:
        raise Refusal("page_outdated", "the page with this form is of another version; load it again")
