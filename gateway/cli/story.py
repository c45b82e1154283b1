"""Audit events as sentences, for whoever has to explain to a customer what happened and why."""

from collections.abc import Callable, Iterable
from typing import Any

from gateway.cli.output import Columns, Row, counted


def sentence(event: Row) -> str:
    """What one event says; the action's own name where there is nothing to add."""
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
    note = f": {detail['note']}" if detail.get("note") else ""
    return f" on the word of {event['actor']}{note}"


def _pinned(text: str) -> "Callable[[Row, Row], str]":
    return lambda event, detail: (
        text.format(records=" and ".join(detail.get("records", ())), kind=event["reason"])
        + _by_hand(event, detail)
    )


def _reviewed(text: str) -> "Callable[[Row, Row], str]":
    return lambda event, detail: (
        text.format(profiles=" and ".join(detail.get("profiles", ()))) + _by_hand(event, detail)
    )


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


_SENTENCES: dict[str, Callable[[Row, Row], str]] = {
    "gateway.started": lambda event, detail: "the gateway started",
    "gateway.stopped": lambda event, detail: "the gateway stopped",
    "config.reloaded": lambda event, detail: (
        f"settings were changed: {', '.join(detail.get('settings', ()))}"
    ),
    "secret.replaced": lambda event, detail: "the lost master secret was replaced by another one",
    "identity.created": lambda event, detail: f"{event['channel']} brought a new customer{_why(detail)}",
    "identity.attached": lambda event, detail: (
        f"{event['channel']}'s customer belongs to {event['profile']}{_why(detail)}"
    ),
    "identity.merged": _merged,
    "identity.split": _split,
    "pin.set": _pinned("{records} were pinned: {kind} be one person"),
    "pin.dropped": _pinned("the pin on {records} was lifted"),
    "review.accepted": _reviewed("{profiles} were judged one person"),
    "review.rejected": _reviewed("{profiles} were judged two persons"),
    "identity.review": lambda event, detail: (
        f"a person is asked whether two profiles are one{_and_reason(event)}"
    ),
    "identity.skipped": lambda event, detail: (
        f"too many records belong together, by {_key(event, detail)} for one, and were left as they are"
    ),
    "identity.refused": lambda event, detail: f"profiles were kept apart{_and_reason(event)}",
    "identity.shadow": lambda event, detail: (
        f"the rules would have {detail.get('decision')}; they only watch{_why(detail)}"
    ),
    "identity.claimed": lambda event, detail: (
        f"{event['channel']} claimed {_claimed(detail)} without being trusted to state it ({detail.get('source')})"
    ),
    "identifier.generic": lambda event, detail: (
        f"{_key(event, detail)} is on too many records and joins nobody now"
    ),
    "identifier.shared": lambda event, detail: (
        f"{_key(event, detail)} belongs to several profiles and joins nobody now"
    ),
    "identifier.taken": lambda event, detail: f"{_key(event, detail)} moved here from {event['reason']}",
    "customer.updated": lambda event, detail: f"{event['channel']} changed {_changed(detail)}",
    "customer.activated": lambda event, detail: "the customer was switched on",
    "customer.deactivated": lambda event, detail: "the customer was switched off and earns nothing",
    "customer.tagged": lambda event, detail: f"tags were attached: {_changed(detail)}",
    "customer.untagged": lambda event, detail: f"tags were removed: {_changed(detail)}",
    "customer.erased": lambda event, detail: (
        f"the customer was erased with {counted(detail.get('records', 0), 'record')}"
    ),
    "achievement.accepted": _campaign("{channel} reported campaign {campaign}; accepted"),
    "achievement.duplicate": _campaign("{channel} reported campaign {campaign} again and was told so"),
    "achievement.replayed": _campaign(
        "{channel} repeated a request for campaign {campaign} and got the same answer"
    ),
    "achievement.granted": _granted,
    "achievement.ignored": _campaign("campaign {campaign} was not granted"),
    "achievement.failed": _campaign("campaign {campaign} could not be judged"),
    "achievement.retried": _campaign("campaign {campaign} is judged again"),
    "call.refused": lambda event, detail: f"a call was refused{_and_reason(event)}",
    "key.created": lambda event, detail: f"key pair {event['object']} was issued for {event['channel']}",
    "key.revoked": lambda event, detail: f"key pair {event['object']} of {event['channel']} was revoked",
    "rules.stored": lambda event, detail: f"rule set {event['object']} was stored",
    "rules.planned": lambda event, detail: f"it was looked at what rule set {event['object']} would do",
    "rules.activated": lambda event, detail: f"rule set {event['object']} became the active one",
}

STORY: Columns = {
    "at": "at",
    "what": sentence,
    "by": lambda event: event["actor"] or event["channel"],
    "object": "object",
    "request": "request_id",
}


def in_order(events: Iterable[Any]) -> list[Any]:
    """Every event once, oldest first."""
    return [event for _, event in sorted({event["id"]: event for event in events}.items())]
