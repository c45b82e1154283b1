"""Audit events as sentences, for an operator who explains to a customer what happened and why."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.audit.event import Action
from gateway.plural import counted

Row = Mapping[str, Any]


def sentence(event: Row) -> str:
    """One event as a sentence. A newer gateway may write actions that are unknown here; only their names are shown."""
    tell = _SENTENCES.get(event["action"])
    return tell(event, event["detail"] | (event["words"] or {})) if tell else event["action"]


def _why(detail: Row) -> str:
    """The rule, and the identifiers that the request stated."""
    agreed = ", ".join(f"{one['type']} {one['mask']}" for one in detail.get("evidence", ()))
    rule = f" by rule {detail['rule']}" if detail.get("rule") else ""
    return rule + (f" ({agreed})" if agreed else "")


def _and_reason(event: Row) -> str:
    return f": {event['reason']}" if event["reason"] else ""


def _merged(event: Row, detail: Row) -> str:
    absorbed = " and ".join(detail.get("absorbed", ()))
    by_hand = _by_hand(event, detail) if event["reason"] == "operator" else ""
    return f"{absorbed or 'another profile'} became one with {event['profile']}{_why(detail)}{by_hand}"


def _split(event: Row, detail: Row) -> str:
    parts = " and ".join(detail.get("parts", ()))
    return f"{parts} left {event['profile']}{_by_hand(event, detail)}"


def _by_hand(event: Row, detail: Row) -> str:
    return f" by decision of {event['actor']}{_noted(detail)}"


def _noted(detail: Row) -> str:
    return f": {detail['note']}" if detail.get("note") else ""


def _pinned(text: str) -> "Callable[[Row, Row], str]":
    return lambda event, detail: (
        text.format(records=" and ".join(detail.get("records", ())), kind=event["reason"])
        + _by_hand(event, detail)
    )


def _unpinned(event: Row, detail: Row) -> str:
    if detail.get("split") and not detail.get("records"):
        return f"the sides of {detail['split']} are no longer kept apart{_by_hand(event, detail)}"
    return _pinned("the pin on {records} was removed")(event, detail)


def _reviewed(answers: Mapping[str, str]) -> "Callable[[Row, Row], str]":
    return lambda event, detail: (
        answers[detail.get("asked", "join")].format(
            profile=event["profile"], profiles=" and ".join(detail.get("profiles", ()))
        )
        + _by_hand(event, detail)
    )


_ACCEPTED = {
    "join": "{profiles} were found to be one person",
    "leave": "records that were in question left {profile}",
    "keys": "the identifiers that {profiles} both hold were given to the other of the two",
    "points": "the points that the platform kept for {profiles} were moved by a person",
}
_REJECTED = {
    "join": "{profiles} were found to be two persons",
    "leave": "records that were in question stay with {profile}",
    "keys": "the identifiers that {profiles} both hold stay with their owner",
    "points": "the points that the platform keeps for {profiles} stay as they are",
}
"""By the question of the review."""


def _granted(event: Row, detail: Row) -> str:
    prize = [counted(detail["points"], "point")] if detail.get("points") else []
    prize += [f"{detail['score']} score"] if detail.get("score") else []
    prize += ["a coupon"] if detail.get("coupon") else []
    return f"campaign {detail.get('campaign')} was granted: {', '.join(prize) or 'no reward'}"


def _campaign(text: str) -> "Callable[[Row, Row], str]":
    return lambda event, detail: (
        text.format(campaign=detail.get("campaign"), channel=event["channel"]) + _and_reason(event)
    )


def _changed(detail: Row) -> str:
    return ", ".join(detail.get("changed", detail.get("tags", ())))


def _claimed(detail: Row) -> str:
    identifiers = [f"{one['type']} {one['mask']}" for one in detail.get("claims", ())]
    return ", ".join((*identifiers, *detail.get("attributes", ())))


def _key(event: Row, detail: Row) -> str:
    return f"{detail.get('type', 'identifier')} {detail.get('mask', '')}"


def _delivery(text: str) -> "Callable[[Row, Row], str]":
    return lambda event, detail: (
        text.format(delivery=event["object"] or "a delivery", target=detail.get("target", "its receiver"))
        + _and_reason(event)
    )


def _regrouped(event: Row, detail: Row) -> str:
    counts = [f"{detail[name]} {name}" for name in ("merged", "split", "asked") if detail.get(name)]
    return f"{counted(detail.get('looked', 0), 'profile')} regrouped: {', '.join(counts) or 'no change'}"


def _imported(event: Row, detail: Row) -> str:
    rows = sum(detail.get("counts", {}).values())
    return f"import {event['object']} stored {counted(rows, 'row')}"


def _import_undone(event: Row, detail: Row) -> str:
    removed, restored = (counted(len(detail.get(one, ())), "record") for one in ("removed", "restored"))
    undo = f"the undo of import {event['object']}"
    return f"{undo} removed {removed} and restored {restored}{_noted(detail)}"


def _listed(event: Row, detail: Row) -> str:
    return f"list {event['object']}: {counted(detail.get('values', 0), 'value')} {event['outcome']}"


_WORK = {
    "undo_merges": "undo {}",
    "accept_reviews": "answer {} with yes",
    "reject_reviews": "answer {} with no",
    "retry_deliveries": "send {} again",
    "discard_deliveries": "discard {}",
    "retry_achievements": "retry {}",
}
_THINGS = {"merges": "merge", "reviews": "question", "deliveries": "delivery", "achievements": "achievement"}


def _begun(event: Row, detail: Row) -> str:
    things = counted(detail.get("matched", 0), _thing(event["reason"]))
    work = _WORK.get(event["reason"], "change {}").format(things)
    return f"{event['object'] or 'a job'} began to {work}{_noted(detail)}"


def _thing(kind: str) -> str:
    return _THINGS.get(kind.partition("_")[2], "thing")


def _job(text: str) -> "Callable[[Row, Row], str]":
    return lambda event, detail: (
        text.format(job=event["object"] or "a job", actor=event["actor"] or "an operator")
        + f": {detail.get('done', 0):,} of {counted(detail.get('matched', 0), _thing(event['reason']))} done"
        + (f"; {detail['why']}" if detail.get("why") else "")
    )


_SENTENCES: dict[str, Callable[[Row, Row], str]] = {
    Action.GATEWAY_STARTED: lambda event, detail: "the gateway started",
    Action.GATEWAY_STOPPED: lambda event, detail: "the gateway stopped",
    Action.CONFIG_RELOADED: lambda event, detail: (
        f"settings were changed: {', '.join(detail.get('settings', ()))}"
    ),
    Action.STATE_BOUND: lambda event, detail: (
        f"{counted(detail.get('rows', 0), 'row')} of {detail.get('table', 'a table')} bound to the log, as schema step"
        f" {detail.get('step', 'of an upgrade')} asks"
    ),
    Action.STATE_NOTED: lambda event, detail: (
        "a review was closed as stale, or more evidence was noted on it"
    ),
    Action.SECRET_REPLACED: lambda event, detail: "the lost master secret was replaced",
    Action.IDENTITY_CREATED: lambda event, detail: f"{event['channel']} created a new customer{_why(detail)}",
    Action.IDENTITY_ATTACHED: lambda event, detail: (
        f"{event['channel']}'s customer belongs to {event['profile']}{_why(detail)}"
    ),
    Action.IDENTITY_MERGED: _merged,
    Action.IDENTITY_SPLIT: _split,
    Action.PIN_SET: _pinned("{records} were pinned: {kind} be one person"),
    Action.PIN_DROPPED: _unpinned,
    Action.REVIEW_ACCEPTED: _reviewed(_ACCEPTED),
    Action.REVIEW_REJECTED: _reviewed(_REJECTED),
    Action.IDENTITY_REVIEW: lambda event, detail: (
        f"a person is asked whether two profiles are one{_and_reason(event)}"
    ),
    Action.IDENTITY_SKIPPED: lambda event, detail: (
        f"too many records belong together (one reason is {_key(event, detail)}), so their profiles stay as they are"
    ),
    Action.IDENTITY_REFUSED: lambda event, detail: f"profiles were kept apart{_and_reason(event)}",
    Action.IDENTITY_SHADOW: lambda event, detail: (
        f"the rules would have {detail.get('decision')}; they are in shadow mode{_why(detail)}"
    ),
    Action.IDENTITY_CLAIMED: lambda event, detail: (
        f"{event['channel']} claimed {_claimed(detail)} without being trusted to state it ({detail.get('source')})"
    ),
    Action.IDENTIFIER_GENERIC: lambda event, detail: (
        f"{_key(event, detail)} is on too many records and joins no profiles now"
    ),
    Action.IDENTIFIER_SHARED: lambda event, detail: (
        f"{_key(event, detail)} belongs to several profiles and joins no profiles now"
    ),
    Action.IDENTIFIER_TAKEN: lambda event, detail: f"{_key(event, detail)} moved here from {event['reason']}",
    Action.CUSTOMER_UPDATED: lambda event, detail: f"{event['channel']} changed {_changed(detail)}",
    Action.CUSTOMER_ACTIVATED: lambda event, detail: "the customer was activated",
    Action.CUSTOMER_DEACTIVATED: lambda event, detail: "the customer was deactivated and earns nothing",
    Action.CUSTOMER_TAGGED: lambda event, detail: f"tags were attached: {_changed(detail)}",
    Action.CUSTOMER_UNTAGGED: lambda event, detail: f"tags were removed: {_changed(detail)}",
    Action.CUSTOMER_ERASED: lambda event, detail: (
        f"the customer was erased with {counted(detail.get('records', 0), 'record')}"
    ),
    Action.ACHIEVEMENT_ACCEPTED: _campaign("{channel} reported campaign {campaign}; accepted"),
    Action.ACHIEVEMENT_DUPLICATE: _campaign("{channel} reported campaign {campaign} again and was told so"),
    Action.ACHIEVEMENT_REPLAYED: _campaign(
        "{channel} repeated a request for campaign {campaign} and got the same answer"
    ),
    Action.ACHIEVEMENT_GRANTED: _granted,
    Action.ACHIEVEMENT_IGNORED: _campaign("campaign {campaign} was not granted"),
    Action.ACHIEVEMENT_FAILED: _campaign("campaign {campaign} could not be decided"),
    Action.ACHIEVEMENT_RETRIED: _campaign("campaign {campaign} is decided again"),
    Action.CALL_REFUSED: lambda event, detail: f"a call was refused{_and_reason(event)}",
    Action.KEY_CREATED: lambda event, detail: f"key pair {event['object']} was issued for {event['channel']}",
    Action.KEY_REVOKED: lambda event, detail: f"key pair {event['object']} of {event['channel']} was revoked",
    Action.RULES_STORED: lambda event, detail: f"rule set {event['object']} was stored",
    Action.RULES_PLANNED: lambda event, detail: f"a plan showed what rule set {event['object']} would do",
    Action.RULES_ACTIVATED: lambda event, detail: f"rule set {event['object']} became the active one",
    Action.IDENTITY_REGROUPED: _regrouped,
    Action.IDENTIFIER_BLOCKED: lambda event, detail: (
        f"{_key(event, detail)} was put on a list of blocked values and joins no profiles now"
    ),
    Action.IDENTIFIER_UNBLOCKED: lambda event, detail: (
        f"{_key(event, detail)} was taken off a list of blocked values"
    ),
    Action.POINTS_PROPOSED: lambda event, detail: (
        f"the platform has points for both sides of merge {detail.get('merge', '')}; a person is asked what to do"
    ),
    Action.REVIEW_UNDONE: lambda event, detail: (
        f"the answer to question {event['object']} was taken back{_by_hand(event, detail)}"
    ),
    Action.REVIEW_CLOSED: lambda event, detail: (
        f"question {event['object']} was closed because it was not answered in time"
    ),
    Action.REVIEW_REOPENED: lambda event, detail: (
        f"question {event['object']} was opened again because there is new evidence"
    ),
    Action.CUSTOMER_VIEWED: lambda event, detail: f"{event['actor']} looked at the customer",
    Action.CUSTOMER_SEARCHED: lambda event, detail: f"{event['actor']} searched for customers",
    Action.CUSTOMER_EXPORTED: lambda event, detail: "all data about the customer was exported",
    Action.IMPORT_ROWS: _imported,
    Action.IMPORT_UNDONE: _import_undone,
    Action.REGROUPING_FAILED: lambda event, detail: (
        f"a regrouping was given up: {detail.get('why') or 'a step failed'}"
    ),
    Action.REGROUPING_RESUMED: lambda event, detail: (
        f"a regrouping that had failed was resumed by {event['actor'] or 'an operator'}"
    ),
    Action.JOB_STARTED: _begun,
    Action.SEARCH_STARTED: lambda event, detail: f"{event['object']} began to look for records of one person",
    Action.SEARCH_ENDED: lambda event, detail: (
        f"{event['object']} ended: {detail.get('opened', 'some')} questions of {detail.get('candidates', 'some')} candidates"
    ),
    Action.JOB_ENDED: _job("{job} is done"),
    Action.JOB_FAILED: _job("{job} failed"),
    Action.JOB_RESUMED: _job("{job} was resumed by {actor}"),
    Action.JOB_CANCELLED: _job("{job} was cancelled"),
    Action.JOB_DISTRUSTED: lambda event, detail: (
        f"{event['object'] or 'a job'} is not run, because its row is not as the audit log says"
    ),
    Action.ACHIEVEMENT_DELIVERED: _campaign("the platform has the achievement for campaign {campaign}"),
    Action.ACHIEVEMENT_DEAD: _campaign(
        "the achievement for campaign {campaign} was given up and not delivered"
    ),
    Action.DELIVERY_UNKNOWN: _delivery("{delivery} was sent to {target}, and no answer came"),
    Action.DELIVERY_HELD: _delivery("{delivery} to {target} is held back"),
    Action.DELIVERY_DEAD: _delivery("{delivery} to {target} was given up"),
    Action.DELIVERY_RETRIED: _delivery("{delivery} is sent to {target} again"),
    Action.DELIVERY_DISCARDED: _delivery("{delivery} to {target} was discarded"),
    Action.DELIVERY_TESTED: _delivery("{delivery} tries {target}"),
    Action.WEBHOOK_RECEIVED: lambda event, detail: (
        f"the platform sent a webhook about {detail.get('topic', 'something')}"
    ),
    Action.OPERATOR_ADDED: lambda event, detail: (
        f"{event['object']} became an operator, as {detail.get('role', '')}"
    ),
    Action.OPERATOR_ROTATED: lambda event, detail: f"operator {event['object']} got another token",
    Action.OPERATOR_REMOVED: lambda event, detail: f"operator {event['object']} was removed",
    Action.SESSION_OPENED: lambda event, detail: f"operator {event['object']} logged in",
    Action.SESSION_ENDED: lambda event, detail: f"a session of operator {event['object']} ended",
    Action.LIST_CHANGED: _listed,
    Action.CLOCK_BELIEVED: lambda event, detail: "the gateway now uses the new time of the machine's clock",
    Action.RETENTION_APPLIED: lambda event, detail: (
        f"old details went: {counted(detail.get('achievements', 0), 'achievement')},"
        f" {counted(detail.get('coupons', 0), 'coupon code')}"
    ),
    Action.AUDIT_ARCHIVED: lambda event, detail: (
        f"{counted(detail.get('events', 0), 'audit event')} moved to the file {event['object']}"
    ),
    Action.AUDIT_CHECKPOINTS_ARCHIVED: lambda event, detail: (
        f"checkpoints of the audit log up to number {detail.get('checkpoint', '')} moved to the file {event['object']}"
    ),
    Action.DATABASE_SCRUBBED: lambda event, detail: "the database was rewritten, without erased data",
}
