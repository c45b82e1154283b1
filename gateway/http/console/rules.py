"""Rule sets: the stored versions, their text, and a form that checks a file, stores it, or activates a version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway.http.admin.listing import ListQuery
from gateway.http.admin.plan import plan_rules
from gateway.http.admin.problem import RuleProblems
from gateway.http.admin.rules import (
    CheckedRules,
    StoreQuery,
    activate_rules,
    check_rules,
    list_rules,
    show_rules,
    store_rules,
)
from gateway.http.console.chart import Bar, rows
from gateway.http.console.render import TEXTS, segment
from gateway.http.console.rule_history import hits_of
from gateway.http.console.visit import NO_QUERY, Visit, go


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    text: str
    problems: Sequence[Mapping[str, Any]]


async def list_versions(visit: Visit) -> web.Response:
    page, wrong = await visit.look_up(list_rules, ListQuery)
    return visit.page(
        "rules.html",
        section="rules",
        title=visit.text("rules", "title"),
        json="/rules",
        page=page,
        wrong=wrong,
    )


async def show_version(visit: Visit) -> web.Response:
    found = await visit.ask(show_rules, NO_QUERY)
    return visit.page(
        "rule_set.html",
        section="rules",
        title=found.version,
        json=f"/rules/{segment(found.version)}",
        one=found,
        lines=numbered(found.text, ()),
        hits=await hits_of(visit),
        versions=[
            one.version
            for one in (await visit.ask(list_rules, ListQuery())).items
            if one.version != found.version
        ],
    )


async def show_editor(visit: Visit) -> web.Response:
    return _editor(visit, "")


async def check_text(visit: Visit) -> web.Response:
    text = await _text(visit)
    try:
        return _editor(visit, text, await visit.ask(check_rules, NO_QUERY, {"text": text}))
    except RuleProblems as found:
        return _editor(visit, text, problems=found.problems)


async def store_text(visit: Visit) -> web.Response:
    text = await _text(visit)
    try:
        stored = await visit.ask(store_rules, StoreQuery(), {"text": text})
    except RuleProblems as found:
        return _editor(visit, text, problems=found.problems)
    return go(f"/console/rules/{segment(stored.version)}", "stored" if stored.changed else "unchanged")


async def plan_text(visit: Visit) -> web.Response:
    text = await _text(visit)
    try:
        plan = await visit.ask(plan_rules, NO_QUERY, {"text": text})
    except RuleProblems as found:
        return _editor(visit, text, problems=found.problems)
    counts, texts = plan.counts, TEXTS["plan"]
    return visit.page(
        "plan.html",
        section="rules",
        title=texts["title"].format(version=plan.version),
        plan=plan,
        text=text,
        sizes=rows(
            [
                Bar(texts["profiles_before"], counts.profiles_before, "before"),
                Bar(texts["profiles_after"], counts.profiles_after),
                Bar(texts["largest_before"], counts.largest_before, "before"),
                Bar(texts["largest"], counts.largest),
            ]
        ),
        changes=rows(
            [
                Bar(texts["merged"], counts.merged),
                Bar(texts["split"], counts.split, "bad"),
                Bar(texts["blocked"], counts.blocked, "warn"),
                Bar(texts["reviews"], counts.reviews, "warn"),
                Bar(texts["points"], counts.points, "good"),
                *([] if counts.by_score is None else [Bar(texts["by_score"], counts.by_score, "warn")]),
            ]
        ),
    )


async def activate_version(visit: Visit) -> web.Response:
    version = visit.request.match_info["version"]
    await visit.confirm(activate_rules, version)
    stored = await visit.ask(activate_rules, NO_QUERY)
    return go(f"/console/rules/{segment(version)}", "activated" if stored.changed else "unchanged")


def numbered(text: str, problems: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Each line with what is wrong in it."""
    return [
        Line(number, line, [one for one in problems if one["line"] == number])
        for number, line in enumerate(text.splitlines(), 1)
    ]


async def _text(visit: Visit) -> str:
    """The text as it was pasted: a browser sends each end of a line as two characters."""
    return (await visit.form()).get("text", "").replace("\r\n", "\n")


def _editor(
    visit: Visit, text: str, checked: CheckedRules | None = None, problems: Sequence[Mapping[str, Any]] = ()
) -> web.Response:
    return visit.page(
        "rule_editor.html",
        section="rules",
        title=visit.text("rules", "new"),
        text=text,
        checked=checked,
        problems=problems,
        of_file=[one for one in problems if not one["line"]],
        lines=numbered(text, problems) if problems else [],
        status=422 if problems else 200,
    )
