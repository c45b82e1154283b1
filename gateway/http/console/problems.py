"""Refusals and failures as pages: in words, with what to do, and with nothing half done."""

from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web

from gateway.errors import Refusal
from gateway.http.admin.operators import OPERATOR, refuse_forgery, remembered
from gateway.http.admin.problem import CODES, RuleProblems, status_of
from gateway.http.console.form import read_form
from gateway.http.console.render import TEXTS, page
from gateway.http.console.today import last_known
from gateway.http.console.visit import frame

LOG_IN, TODAY = "/console/log-in", "/console/"
_HEADINGS: Mapping[str, tuple[str, str]] = {
    "unavailable": ("away", "away_remedy"),
    "unauthorized": ("session", "session_remedy"),
    "forbidden_role": ("forbidden", ""),
    "page_outdated": ("outdated", "outdated_remedy"),
    "csrf_refused": ("foreign", "session_remedy"),
    "origin_refused": ("foreign", ""),
    "too_many_requests": ("busy", ""),
    "internal_error": ("failed", "failed_remedy"),
}
"""By code: the heading and the remedy among the texts. Others are named after their status."""
_NOT_FILLED_IN = frozenset(
    {"", "at", "confirm", "cursor", "expected", "following", "seen", "sure", "version"}
)
"""Fields in which a page tells itself something, and words that confirm."""


async def problem_page(
    request: web.Request, refusal: Refusal, request_id: str, headers: Mapping[str, str]
) -> web.Response:
    """A browser without a session is led to the log-in page, and back to this one afterwards. What was filled in is shown, so that
    it can be copied: it is in no page any more."""
    if request.path == LOG_IN:
        wrong = TEXTS["log_in"]["wrong"] if refusal.code == "unauthorized" else str(refusal)
        return log_in_page(request, wrong, status_of(refusal.code), headers)
    if refusal.code == "unauthorized" and request.method in ("GET", "HEAD"):
        query = urlencode({"to": request.path_qs})
        return web.Response(status=303, headers={"Location": f"{LOG_IN}?{query}"})
    if refusal.code == "method_not_allowed" and request.method == "GET":
        return web.Response(status=303, headers={"Location": _page_above(request)})
    if refusal.code == "unavailable" and (shown := _last_known(request, request_id)) is not None:
        return _with(shown, headers)
    status, texts = status_of(refusal.code), TEXTS["problem"]
    heading, remedy = _HEADINGS.get(refusal.code, ("not_there" if status == 404 else "title", ""))
    known = CODES.get(refusal.code)
    values = {
        "title": texts[heading],
        "heading": texts[heading],
        "detail": str(refusal),
        "problems": refusal.problems if isinstance(refusal, RuleProblems) else [],
        "remedy": texts[remedy] if remedy else (known.remedy if known is not None else ""),
        "tone": "bad" if status >= 500 else "warn",
        "code": refusal.code,
        "kept": await _filled_in(request),
        "back": _back(request, status),
    }
    answer = page("problem.html", frame(request, request.get(OPERATOR), request_id) | values, status)
    return _with(answer, headers)


def _last_known(request: web.Request, request_id: str) -> web.Response | None:
    """The first page as it last was, for an operator who could see it then."""
    if request.method != "GET" or request.path != TODAY:
        return None
    operator, values = request.get(OPERATOR) or remembered(request), last_known(request)
    if operator is None or values is None:
        return None
    return page("today.html", frame(request, operator, request_id) | values, status_of("unavailable"))


def log_in_page(
    request: web.Request, wrong: str, status: int, headers: Mapping[str, str] | None = None
) -> web.Response:
    values = {"title": TEXTS["log_in"]["title"], "wrong": wrong, "to": request.query.get("to", "")}
    return _with(page("log_in.html", frame(request, None, "") | values, status), headers or {})


def _with(answer: web.Response, headers: Mapping[str, str]) -> web.Response:
    """Without the header that makes a browser ask for a password by itself."""
    answer.headers.update({name: value for name, value in headers.items() if name != "WWW-Authenticate"})
    return answer


def _back(request: web.Request, status: int) -> str:
    """The page that sent the form, if it is one of the console; a page that was asked for in a way that it does not know,
    without that; or else the next page above."""
    if request.method == "GET":
        return _page_above(request) if status == web.HTTPNotFound.status_code else request.rel_url.raw_path
    sent_from = "/console/" + request.headers.get("Referer", "").partition("/console/")[2].partition("?")[0]
    return _page_above(request) if sent_from in ("/console/", request.rel_url.raw_path) else sent_from


def _page_above(request: web.Request) -> str:
    """The nearest page whose address is the beginning of this one: that of a form is often no page by itself."""
    shown = [
        route.resource.get_info()
        for route in request.app.router.routes()
        if route.resource and route.method == "GET"
    ]
    above = request.rel_url.raw_path.rstrip("/")
    while above := above.rpartition("/")[0]:
        if any(
            one.get("path") == above or ("pattern" in one and one["pattern"].fullmatch(above))
            for one in shown
        ):
            return above
    return TODAY


async def _filled_in(request: web.Request) -> list[tuple[str, str]]:
    """What the operator wrote into the fields of a form from a page of the console. A form of another site shows nothing here."""
    if request.method != "POST":
        return []
    try:
        refuse_forgery(request)
        form = await read_form(request)
    except (Refusal, web.HTTPException):
        return []
    return [
        (name, text)
        for name, text in form.items()
        if text.strip() and name not in _NOT_FILLED_IN and name[0] != "_"
    ]
