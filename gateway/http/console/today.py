"""The first page: does it work, and what waits for a person?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from gateway.clock import SECOND
from gateway.http.admin.activity import ActivityQuery, ActivityView, show_activity
from gateway.http.admin.overview import Overview, show_overview
from gateway.http.console.chart import Bar, Chart, columns
from gateway.http.console.render import TEXTS, duration_words
from gateway.http.console.visit import NO_QUERY, Visit
from gateway.http.services import SERVICES

_SHOWN = (
    ("created", ""),
    ("attached", "good"),
    ("merged", "info"),
    ("reviews", "warn"),
    ("calls_refused", "bad"),
)
"""What the bars are made of, from the bottom to the top, each with its colour."""
_SILENT_AFTER = 10 * 60


@dataclass(slots=True)
class LastToday:
    """What the page last showed, and when (ms): all that can be said while the database does not answer."""

    values: Mapping[str, Any] | None = None
    at: int = 0


LAST_TODAY = web.AppKey("last_today", LastToday)


async def show_today(visit: Visit) -> web.Response:
    overview = await visit.ask(show_overview, NO_QUERY)
    day = await visit.ask(show_activity, ActivityQuery(since="24h", step="1h"))
    values = values_of(overview, day)
    last = visit.request.app[LAST_TODAY]
    last.values, last.at = values, visit.services.clock.now()
    return visit.page("today.html", json="/overview", **values)


def values_of(overview: Overview, day: ActivityView) -> dict[str, Any]:
    """What the template needs beside the frame."""
    return {
        "section": "today",
        "title": TEXTS["places"]["today"],
        "one": overview,
        "tasks": tasks_of(overview),
        "day": day,
        "shown": _SHOWN,
        "chart": chart_of(day),
        "silent": {
            channel.name: duration_words(channel.silent_seconds)
            for channel in overview.channels
            if channel.silent_seconds is not None and channel.silent_seconds >= _SILENT_AFTER
        },
        "age": duration_words,
        "stale": "",
    }


def last_known(request: web.Request) -> dict[str, Any] | None:
    """The values of the last page, marked with their age; None if none was shown since the start."""
    last = request.app[LAST_TODAY]
    if last.values is None:
        return None
    seconds = max(0, request.app[SERVICES].clock.now() - last.at) // SECOND
    return {**last.values, "stale": duration_words(seconds)}


def tasks_of(overview: Overview) -> list[tuple[str, int, str, str | None]]:
    """What waits for a person: its name among the texts, how many, the page, and since when. Only forward mode holds deliveries."""
    waiting = overview.waiting
    held = ("held", waiting.held, "/console/deliveries?state=held", waiting.held_since)
    return [
        ("reviews", sum(waiting.reviews.values()), "/console/reviews/people", None),
        ("failed", waiting.failed_grants, "/console/achievements?state=failed", None),
        ("dead", waiting.dead, "/console/deliveries?state=dead", waiting.dead_since),
        *([held] if waiting.held or overview.mode == "forward" else []),
        ("generic", waiting.generic_values, "/console/generic-values?since=7d", None),
    ]


def chart_of(day: ActivityView) -> Chart:
    """A column for each hour, also for one in which nothing happened."""
    names = TEXTS["today"]
    bars = {bar.at[:13]: bar for bar in day.items}
    begin, end = datetime.fromisoformat(day.since), datetime.fromisoformat(day.until)
    hours = [f"{begin + timedelta(hours=n):%Y-%m-%dT%H}" for n in range((end - begin) // timedelta(hours=1))]
    return columns(
        [
            Bar(f"{hour[11:]}:00 {names[what]}", getattr(bars.get(hour), what, 0), tone)
            for what, tone in _SHOWN
        ]
        for hour in hours
    )
