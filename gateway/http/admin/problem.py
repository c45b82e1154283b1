"""Refusals of the admin API as problem details (RFC 9457). The table is the one place where a code becomes a status; a
code that is not in it is a conflict with the present state."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from gateway.errors import Refusal

STATUS: Mapping[str, int] = {
    "bad_parameter": 400,
    "unknown_parameter": 400,
    "bad_cursor": 400,
    "bad_body": 400,
    "unauthorized": 401,
    "not_found": 404,
    "key_unknown": 404,
    "rules_unknown": 404,
    "achievement_unknown": 404,
    "delivery_unknown": 404,
    "unknown_channel": 404,
    "method_not_allowed": 405,
    "body_timeout": 408,
    "version_changed": 412,
    "too_large": 413,
    "unsupported_media_type": 415,
    "wrong_host": 421,
    "bad_rules": 422,
    "too_many_requests": 429,
    "internal_error": 500,
    "plan_failed": 503,
    "reading_failed": 503,
    "unavailable": 503,
}
_CONFLICT = 409


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`code` is stable; `detail` is for a person and names the remedy. `problems` belongs to `bad_rules` only."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    problems: list[dict[str, Any]] = []


class RuleProblems(Refusal):
    """A rule file that cannot be used, with all that is wrong with it."""

    def __init__(self, problems: list[dict[str, Any]]) -> None:
        many = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("bad_rules", f"the rule set has {many}; nothing was stored")
        self.problems = problems


def status_of(code: str) -> int:
    return STATUS.get(code, _CONFLICT)


def problem(refusal: Refusal, request_id: str, headers: Mapping[str, str] | None = None) -> web.Response:
    status = status_of(refusal.code)
    body = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        code=refusal.code,
        detail=str(refusal),
        request_id=request_id,
        problems=refusal.problems if isinstance(refusal, RuleProblems) else [],
    )
    return web.Response(
        status=status,
        body=msgspec.json.encode(body),
        content_type="application/problem+json",
        headers=headers,
    )
