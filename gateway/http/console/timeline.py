"""Audit events as sentences on a page."""

import re
from dataclasses import dataclass
from typing import Any

import msgspec
from markupsafe import Markup, escape

from gateway.audit.sentences import sentence
from gateway.http.admin.audit import EventView
from gateway.http.console.render import harmless

_IDS = re.compile(r"\b(prf|rev|dlv)_[0-7][0-9a-f]{15}\b", re.ASCII)
_STARTS_WITH_ID = re.compile(r"[a-z]{3}_[0-9a-f]{16}", re.ASCII)
_PAGES = {"prf": "profiles", "rev": "reviews", "dlv": "deliveries"}


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """`detail` is what the event tells, as indented JSON. `kind` is the subject of its action."""

    event: EventView
    sentence: Markup
    kind: str
    by: str
    detail: str


def told(event: EventView) -> TimelineEntry:
    fields: dict[str, Any] = msgspec.structs.asdict(event)
    detail, words = (
        msgspec.json.decode(raw, type=dict[str, Any] | None) for raw in (event.detail, event.words)
    )
    text = sentence({**fields, "detail": detail or {}, "words": words})
    everything = (detail or {}) | ({"words": words} if words else {})
    refused = event.outcome == "refused" or event.action.endswith(("refused", "dead", "failed"))
    return TimelineEntry(
        event,
        linked(text if _STARTS_WITH_ID.match(text) else text[:1].upper() + text[1:]),
        "refused" if refused else event.action.partition(".")[0],
        event.actor or event.channel,
        msgspec.json.format(msgspec.json.encode(everything), indent=2).decode() if everything else "",
    )


def linked(text: str) -> Markup:
    """Ids in a sentence lead to their pages."""
    safe = str(escape(harmless(text)))
    return Markup(_IDS.sub(_link, safe))  # noqa: S704 - escaped above; the ids consist of letters, digits and _


def _link(found: re.Match[str]) -> str:
    return f'<a class="id" href="/console/{_PAGES[found[1]]}/{found[0]}">{found[0]}</a>'
