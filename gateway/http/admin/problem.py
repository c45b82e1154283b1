"""Refusals of the admin API as problem details (RFC 9457). This table is the only place that maps a code to a status, and the
reference page of errors is generated from it. A code that is not in it is a conflict with the present state."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from gateway.errors import Refusal


class Code(NamedTuple):
    """Its status, when it is the answer, and what to do."""

    status: int
    meaning: str
    remedy: str = ""


CODES: Mapping[str, Code] = {
    "bad_parameter": Code(400, "a query parameter cannot be used", "the detail names it"),
    "unknown_parameter": Code(
        400, "the operation has no such query parameter", "the detail lists the known ones"
    ),
    "bad_cursor": Code(400, "the cursor is not one of this list", "start again without a cursor"),
    "bad_body": Code(400, "the body cannot be used", "the detail names the place"),
    "unauthorized": Code(401, "the bearer token is missing or wrong", "`gateway admin-token` prints it"),
    "forbidden_role": Code(
        403, "the operator's role does not allow the operation", "the detail names the role that does"
    ),
    "csrf_refused": Code(
        403, "a request with a session's cookie lacks the session's `X-CSRF-Token`", "`GET /me` has it"
    ),
    "origin_refused": Code(
        403,
        "a browser sent the request from a page of another site",
        "behind a proxy, `[server] allowed_hosts` names the site",
    ),
    "not_found": Code(404, "there is no such object"),
    "key_unknown": Code(404, "there is no such channel key", "`gateway keys list`"),
    "operator_unknown": Code(404, "there is no such operator", "`gateway operators list`"),
    "session_unknown": Code(
        404, "there is no such session, or it is another operator's", "`gateway operators sessions`"
    ),
    "rules_unknown": Code(404, "no rule set with this version is stored", "`gateway rules list`"),
    "achievement_unknown": Code(404, "there is no such achievement", "`gateway achievements list`"),
    "delivery_unknown": Code(404, "there is no such delivery", "`gateway deliveries list`"),
    "webhook_unknown": Code(404, "the settings have no such webhook", "`gateway webhooks list`"),
    "unknown_channel": Code(404, "the settings have no such channel", "the detail lists the known ones"),
    "method_not_allowed": Code(405, "the path does not take this method"),
    "body_timeout": Code(408, "the body did not arrive in time", "send it again"),
    "achievement_delivered": Code(409, "the platform has the achievement; a report is not repeated"),
    "achievement_granted": Code(409, "a grant is final"),
    "answer_outlived": Code(
        409,
        "the answer to the review cannot be taken back, because later work depends on it",
        "the detail says what to undo first",
    ),
    "archive_refused": Code(409, "the audit log was changed", "`gateway audit verify` says where"),
    "archive_unusable": Code(
        409, "the directory cannot be used, or has a file that is not the log's next segment"
    ),
    "delivery_blanked": Code(
        409, "the body of the platform's event held personal data, and was removed when it was given up"
    ),
    "delivery_closed": Code(409, "the delivery was delivered or discarded; that is final"),
    "delivery_open": Code(
        409,
        "only a dead or held delivery can be retried or discarded; this one is still on its way",
        "wait for it",
    ),
    "count_changed": Code(
        409, "the number of matches has changed since the caller saw it", "look again with `dry_run`"
    ),
    "import_moved": Code(
        409,
        "the lines are not the next ones of this import: another command is sending it too, or an answer was lost",
        "get the import's position",
    ),
    "import_undoing": Code(409, "the import is being undone", "finish the undo first"),
    "import_undone": Code(409, "the import was undone before, and nothing was imported since"),
    "job_distrusted": Code(
        409,
        "the job's row is not as the audit log says, so the job is not run",
        "`gateway audit verify --state`; cancel the job, and start it again",
    ),
    "job_not_failed": Code(409, "only a failed job can be resumed"),
    "nothing_to_skip": Code(409, "the job did not fail at a single thing", "resume it without `skip`"),
    "search_over": Code(409, "the search is done or has failed"),
    "search_running": Code(409, "a search for suggestions is under way", "wait until it is done"),
    "job_over": Code(409, "the job is done or was cancelled"),
    "operator_exists": Code(
        409, "there is an operator of that name", "rotate their token, or choose another name"
    ),
    "pinned_apart": Code(
        409, "a person pinned records of the two profiles apart", "remove that pin before merging"
    ),
    "not_confirmed": Code(
        409, "the typed word is not the one that the page of the console asks for", "type it as it is shown"
    ),
    "page_outdated": Code(
        409, "a form of the console is from before an upgrade; nothing was changed", "load the page again"
    ),
    "pins_contradict": Code(409, "the opposite pin exists", "the detail names both"),
    "plan_required": Code(
        409,
        'the rule set needs a plan of exactly its content before it can be activated (`activation = "after_dry_run"`)',
        '`gateway rules plan FILE`, or write `"immediate"`',
    ),
    "plan_running": Code(
        409,
        "another plan is running; one at a time, because a plan needs memory for every record",
        "wait for it",
    ),
    "records_elsewhere": Code(409, "a record to split off is not on this profile"),
    "records_moved": Code(
        409, "records of the merge have moved since", "undo with `tree`, which takes out the rest"
    ),
    "regrouping_over": Code(409, "the regrouping is finished; only the gateway itself meets this"),
    "regrouping_taken": Code(
        409, "another process works on the regrouping; only the gateway itself meets this"
    ),
    "review_closed": Code(
        409,
        "the review has another answer, its profile was merged (then another review replaces it), or its records were moved",
    ),
    "review_not_answered": Code(409, "the review is open, or was not closed by a person's answer"),
    "same_profile": Code(
        409,
        "two records of one profile cannot be pinned apart; or two profile ids to compare lead to one profile",
        "split the profile; or compare records",
    ),
    "split_empties": Code(409, "a split or undo would leave one side without records"),
    "too_many_operators": Code(409, "the maximum number of operators is reached", "remove one first"),
    "too_many_keys": Code(409, "a channel has at most two active key pairs", "revoke one first"),
    "undo_too_late": Code(
        409, "the merge is older than the rules' `undo_window`", "split the profile instead"
    ),
    "version_taken": Code(
        409, "the rule set's version is stored with different content", "give the file a new `version`"
    ),
    "version_changed": Code(412, "the profile is no longer at the version in `If-Match`", "look at it again"),
    "too_large": Code(413, "the body is too large"),
    "unsupported_media_type": Code(
        415, "the content type is not one that the operation takes", "the detail names it"
    ),
    "wrong_host": Code(421, "the `Host` is not this listener's; this stops DNS rebinding"),
    "bad_rules": Code(422, "the rule file has problems", "each problem has its line, path and remedy"),
    "too_many_requests": Code(
        429,
        "more calls with a wrong token came from this address than `[limits] failures_per_minute`; the right token is still taken",
        "wait as long as `Retry-After` says",
    ),
    "too_many_own_listeners": Code(
        429,
        "the operator has 10 live streams open",
        "end one, such as a page of the console that is left open",
    ),
    "internal_error": Code(500, "a bug in the gateway", "the log has the request id"),
    "plan_failed": Code(
        503, "the process that plans ended, or took longer than 15 minutes; nothing was stored", "plan again"
    ),
    "reading_failed": Code(
        503,
        "the process that reads an import's rows ended twice; nothing of this chunk was stored",
        "send it again",
    ),
    "too_many_listeners": Code(
        503, "50 listeners of live streams are connected", "end one, or try again later"
    ),
    "unavailable": Code(503, "the store does not answer", "send it again"),
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


class RefusedForNow(Refusal):
    """The same request may be answered after `retry_after` seconds."""

    def __init__(self, code: str, message: str, retry_after: int) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after


class RuleProblems(Refusal):
    """A rule file that cannot be used, with all of its problems."""

    def __init__(self, problems: list[dict[str, Any]]) -> None:
        many = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("bad_rules", f"the rule set has {many}; nothing was stored")
        self.problems = problems


def status_of(code: str) -> int:
    found = CODES.get(code)
    return _CONFLICT if found is None else found.status


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
