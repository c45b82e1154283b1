"""The first page: does it work, and what waits for a person?"""

from datetime import datetime, timedelta

from aiohttp import web

from gateway.http.admin.activity import ActivityQuery, ActivityView, show_activity
from gateway.http.admin.overview import Overview, show_overview
from gateway.http.console.chart import Bar, Chart, columns
from gateway.http.console.render import TEXTS, duration_words
from gateway.http.console.visit import NO_QUERY, Visit

_SHOWN = (
    ("created", ""),
    ("attached", "good"),
    ("merged", "info"),
    ("reviews", "warn"),
    ("calls_refused", "bad"),
)
"""What the bars are made of, from the bottom to the top, each with its colour."""
_SILENT_AFTER = 10 * 60


async def show_today(visit: Visit) -> web.Response:
    overview = await visit.ask(show_overview, NO_QUERY)
    day = await visit.ask(show_activity, ActivityQuery(since="24h", step="1h"))
    return visit.page(
        "today.html",
        section="today",
        title=visit.text("places", "today"),
        json="/overview",
        one=overview,
        tasks=list(tasks_of(overview)),
        day=day,
        shown=_SHOWN,
        chart=chart_of(day),
        silent={
            channel.name: duration_words(channel.silent_seconds)
            for channel in overview.channels
            if channel.silent_seconds is not None and channel.silent_seconds >= _SILENT_AFTER
        },
        age=duration_words,
    )


def tasks_of(overview: Overview) -> list[tuple[str, int, str, str | None]]:
    """What waits for a person: its name among the texts, how many, the page, and since when."""
    waiting = overview.waiting
    return [
        ("reviews", sum(waiting.reviews.values()), "/console/reviews/people", None),
        ("failed", waiting.failed_grants, "/console/achievements?state=failed", None),
        ("dead", waiting.dead, "/console/deliveries?state=dead", waiting.dead_since),
        ("held", waiting.held, "/console/deliveries?state=held", waiting.held_since),
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
