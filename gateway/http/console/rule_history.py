"""Rule sets over time: how two of them differ, and what each rule did."""

from aiohttp import web

from gateway.http.admin.rule_history import DiffQuery, RuleHits, StatsQuery, diff_rules, show_rule_stats
from gateway.http.console.visit import Visit

_COUNTED = ("created", "attached", "merged", "reviews", "kept_apart")


async def show_diff(visit: Visit) -> web.Response:
    found = await visit.ask(diff_rules, visit.query(DiffQuery))
    return visit.page(
        "rule_diff.html",
        section="rules",
        title=visit.text("history", "title").format(a=found.a, b=found.b),
        one=found,
    )


async def hits_of(visit: Visit) -> list[RuleHits]:
    """What each rule of the page's version did in the last 60 days, the busiest rule first."""
    together: dict[str, RuleHits] = {}
    for one in (await visit.ask(show_rule_stats, StatsQuery())).items:
        total = together.setdefault(one.rule, RuleHits(at="", rule=one.rule))
        for what in _COUNTED:
            setattr(total, what, getattr(total, what) + getattr(one, what))
    return sorted(together.values(), key=lambda one: -sum(getattr(one, what) for what in _COUNTED))
