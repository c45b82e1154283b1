"""Work on everything that matches a list's filters: what would become of it is shown first, and confirmed with the number of
matches."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiohttp import web

from gateway.errors import Refusal
from gateway.http.admin.bulk import (
    PlannedStepView,
    accept_reviews,
    discard_deliveries,
    reject_reviews,
    retry_achievements,
    retry_deliveries,
    undo_merges,
)
from gateway.http.console.visit import NO_QUERY, Visit, go
from gateway.plural import counted

_TONES = {"done": "good", "refused": "bad", "closed": "info", "open": "warn"}
_PERIOD = ("since", "until")
Offer = list[tuple[str, str]]
"""The filters of a list for a job, by their names there; empty: no job is offered."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing of a preview, and what would become of it. `href` is its page, `people` are profiles with their names."""

    id: str
    href: str
    people: list[tuple[str, str]]
    what: str
    at: str
    outcome: str
    tone: str
    why: str


class Bulk(NamedTuple):
    """`fields` are the filters, `line` makes a line of a planned step; the texts begin with `name`."""

    name: str
    handler: Callable[..., Any]
    section: str
    thing: str
    fields: tuple[str, ...]
    line: Callable[[Any, Visit], Line]


def _line(
    step: PlannedStepView, one: Any, place: str, people: list[tuple[str, str]], what: str, at: str
) -> Line:
    href = f"/console/{place}/{one.id}" if place else ""
    outcome = step.outcome or "open"
    return Line(one.id, href, people, what, at, outcome, _TONES[outcome], step.why)


def _merge(step: Any, visit: Visit) -> Line:
    one = step.merge
    return _line(step, one, "merges", [(one.survivor, one.person)], one.rule, one.merged_at)


def _review(step: Any, visit: Visit) -> Line:
    one = step.review
    people = list(zip(one.profiles, one.people, strict=True))
    return _line(step, one, "reviews", people, one.reason, one.opened_at)


def _delivery(step: Any, visit: Visit) -> Line:
    one = step.delivery
    what = f"{one.target} {one.reason}"
    return _line(step, one, "deliveries", [(one.profile, "")], what, one.created_at)


def _achievement(step: Any, visit: Visit) -> Line:
    one = step.achievement
    names = {campaign.id: campaign.name for campaign in visit.services.config.campaigns}
    people = [(one.profile, "")] if one.profile else []
    return _line(step, one, "", people, str(names.get(one.campaign, one.campaign)), one.accepted_at)


_OF_MERGES = ("rule", "channel", "actor", "import_id", *_PERIOD)
_OF_REVIEWS = ("question", "rule", "channel", *_PERIOD)
_OF_DELIVERIES = ("state", "target", *_PERIOD)
_OF_ACHIEVEMENTS = ("state", "campaign", *_PERIOD)
_UNDO = Bulk("undo", undo_merges, "merges", "merge", _OF_MERGES, _merge)
_ACCEPT = Bulk("accept", accept_reviews, "reviews", "question", _OF_REVIEWS, _review)
_REJECT = Bulk("reject", reject_reviews, "reviews", "question", _OF_REVIEWS, _review)
_SEND = Bulk("send", retry_deliveries, "deliveries", "delivery", _OF_DELIVERIES, _delivery)
_GIVE_UP = Bulk("give_up", discard_deliveries, "deliveries", "delivery", _OF_DELIVERIES, _delivery)
_RETRY = Bulk("retry", retry_achievements, "achievements", "achievement", _OF_ACHIEVEMENTS, _achievement)


async def undo_all(visit: Visit) -> web.Response:
    return await _plan_or_begin(visit, _UNDO)


async def accept_all(visit: Visit) -> web.Response:
    return await _plan_or_begin(visit, _ACCEPT)


async def reject_all(visit: Visit) -> web.Response:
    return await _plan_or_begin(visit, _REJECT)


async def send_all(visit: Visit) -> web.Response:
    return await _plan_or_begin(visit, _SEND)


async def give_up_all(visit: Visit) -> web.Response:
    return await _plan_or_begin(visit, _GIVE_UP)


async def retry_all(visit: Visit) -> web.Response:
    return await _plan_or_begin(visit, _RETRY)


async def _plan_or_begin(visit: Visit, bulk: Bulk) -> web.Response:
    """Without a number, what would be done. The number that is typed has to be the one that was shown and that matches now."""
    form = await visit.form()
    asked = {name: text for name in (*bulk.fields, "reason") if (text := form.get(name, "").strip())}
    body: dict[str, Any] = dict(asked)
    if "campaign" in asked:
        body["campaign"] = _number("campaign", asked["campaign"])
    if "sure" in form:
        expected = form.get("expected", "")
        await visit.confirm(bulk.handler, expected)
        begun = await visit.ask(bulk.handler, NO_QUERY, body | {"expected": _number("expected", expected)})
        return go(f"/console/jobs/{begun.job.id}", "begun")
    plan = await visit.ask(bulk.handler, NO_QUERY, body | {"dry_run": True})
    return visit.page(
        "bulk.html",
        section=bulk.section,
        title=visit.text("bulk_title", bulk.name).format(n=counted(plan.matched, bulk.thing)),
        name=bulk.name,
        action=visit.request.path,
        plan=plan,
        lines=[bulk.line(step, visit) for step in plan.first],
        effects_of=getattr(plan, "effects", None),
        asked=list(asked.items()),
    )


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Refusal("bad_body", f"{name}: is not a number; load the page again")
    return int(text)


# ---- what the lists offer ----


def of_merges(visit: Visit) -> Offer:
    return list(_given(visit, _OF_MERGES))


def of_reviews(visit: Visit, *, is_open: bool) -> Offer:
    """`question` is called `reason` in the list."""
    if not is_open:
        return []
    named = {"question": "reason"}
    return [(name, text) for name in _OF_REVIEWS for _, text in _given(visit, (named.get(name, name),))]


def of_deliveries(visit: Visit) -> Offer:
    return _with_state(visit, ("dead", "held"), _OF_DELIVERIES)


def of_achievements(visit: Visit) -> Offer:
    """A person's own are retried one by one."""
    if list(_given(visit, ("profile",))):
        return []
    return _with_state(visit, ("failed", "ignored", "dead"), _OF_ACHIEVEMENTS)


def _with_state(visit: Visit, states: tuple[str, ...], names: tuple[str, ...]) -> Offer:
    return list(_given(visit, names)) if visit.request.query.get("state", "").strip() in states else []


def _given(visit: Visit, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    return ((name, text) for name in names if (text := visit.request.query.get(name, "").strip()))
