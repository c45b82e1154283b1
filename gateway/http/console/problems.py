"""Refusals and failures as pages: in words, with what to do, and with nothing half done."""

from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web

from gateway.errors import Refusal
from gateway.http.admin.operators import OPERATOR, remembered
from gateway.http.admin.problem import CODES, RuleProblems, status_of
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


def problem_page(
    request: web.Request, refusal: Refusal, request_id: str, headers: Mapping[str, str]
) -> web.Response:
    """A browser without a session is led to the log-in page, and back to this one afterwards."""
    if request.path == LOG_IN:
        wrong = TEXTS["log_in"]["wrong"] if refusal.code == "unauthorized" else str(refusal)
        return log_in_page(request, wrong, status_of(refusal.code), headers)
    if refusal.code == "unauthorized" and request.method in ("GET", "HEAD"):
        query = urlencode({"to": request.path_qs})
        return web.Response(status=303, headers={"Location": f"{LOG_IN}?{query}"})
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
        "back": request.path if request.method == "GET" else _before(request),
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


def _before(request: web.Request) -> str:
    """The page that sent the form, if it is one of the console."""
    sent_from = request.headers.get("Referer", "").partition("/console/")[2]
    return "/console/" + sent_from.partition("?")[0] if sent_from else "/console/"
