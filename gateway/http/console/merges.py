"""Merges, newest first: which rule made them, a day's number of each rule, and one merge with what its undo would do."""

from collections import Counter
from collections.abc import Iterable, Sequence

from aiohttp import web

from gateway.clock import DAY
from gateway.http.admin.merge_list import (
    CountQuery,
    DayCountView,
    MergeQuery,
    count_merges,
    list_merges,
    show_merge,
)
from gateway.http.admin.times import shown
from gateway.http.console import bulk
from gateway.http.console.chart import Bar, Chart, columns
from gateway.http.console.visit import NO_QUERY, Visit

_DAYS = 31
_STATES = ("standing", "undone")
_TONES = ("", "good", "warn", "info", "before")


async def show_merges(visit: Visit) -> web.Response:
    page, wrong = await visit.look_up(list_merges, MergeQuery)
    counts = (await visit.ask(count_merges, CountQuery())).days
    rules = list(dict.fromkeys(one.rule for one in sorted(counts, key=lambda one: -one.merged)))
    return visit.page(
        "merges.html",
        section="merges",
        title=visit.text("merges", "title"),
        json="/merges",
        page=page,
        wrong=wrong,
        states=_STATES,
        offered=bulk.of_merges(visit),
        channels=[channel.name for channel in visit.services.config.channels],
        chart=chart_of(counts, rules, visit.services.clock.now()),
        totals=totals_of(counts),
        tones={rule: _TONES[min(n, len(_TONES) - 1)] for n, rule in enumerate(rules)},
        status=400 if wrong else 200,
    )


async def show_one_merge(visit: Visit) -> web.Response:
    found = await visit.ask(show_merge, NO_QUERY)
    return visit.page("merge.html", section="merges", title=found.id, json=f"/merges/{found.id}", one=found)


def chart_of(counts: Iterable[DayCountView], rules: Sequence[str], now: int) -> Chart:
    """A column for each day, in which each rule has its part."""
    merged = {(one.day, one.rule): one.merged for one in counts}
    days = [shown(now - back * DAY)[:10] for back in reversed(range(_DAYS))]
    return columns(
        [
            Bar(f"{day} {rule}", merged.get((day, rule), 0), _TONES[min(n, len(_TONES) - 1)])
            for n, rule in enumerate(rules)
        ]
        for day in days
    )


def totals_of(counts: Iterable[DayCountView]) -> list[tuple[str, int, int, str, int]]:
    """For each rule: merges, undone ones, and the day with the most of them."""
    merged: Counter[str] = Counter()
    undone: Counter[str] = Counter()
    most: dict[str, tuple[int, str]] = {}
    for one in counts:
        merged[one.rule] += one.merged
        undone[one.rule] += one.undone
        most[one.rule] = max(most.get(one.rule, (0, "")), (one.merged, one.day))
    return [
        (rule, number, undone[rule], most[rule][1], most[rule][0]) for rule, number in merged.most_common()
    ]
