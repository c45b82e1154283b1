"""Pages of the console beside calls, over a large database: what five operators who click cost the calls, and how long the first
byte of a page takes meanwhile. Calls come at a fixed rate, with and without the operators in pairs.

The yardstick of a page is the CPU of a bare request. Where Chromium is installed, it tells when it first paints pages; their
yardstick is the log-in page, which shows almost nothing."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from gateway.bench.accept import prepare
from gateway.bench.children import CLIENTS, ask
from gateway.bench.clicks import Clicked, Clicks
from gateway.bench.config import ENVIRONMENT
from gateway.bench.figures import Figure, Target, ratios, spread
from gateway.bench.first_paint import chromium, first_paints
from gateway.bench.load import Run
from gateway.bench.rounds import Lane, Session, Shape, alternate, perform, warm
from gateway.bench.subjects import Subject, bare, gateway
from gateway.bench.tables import counts, verify

CALLS = Shape(rate=500)
SLOWDOWN = Target("at most", 1.2)
FIRST_BYTE = Target("at most", 250.0)
"""In bare requests. That is 50 ms on a machine where a bare request takes 0.2 ms."""
PAINTED = ("", "find", "reviews", "merges", "deliveries", "audit", "system")
LARGEST = Target("at most", 100.0)


def pages(session: Session) -> list[Figure]:
    directory = session.directory / "console"
    workload, database = prepare(session, directory, session.options.large, [CALLS, CALLS])
    before = counts(database)
    alone: list[Run] = []
    beside: list[Run] = []
    looks: list[Clicked] = []
    with (
        bare(directory) as yardstick,
        gateway(directory, database, campaigns=workload.last, name="console") as subject,
    ):
        base, lane = Lane(yardstick, workload, repeat=True), Lane(subject, workload)
        warm(session, "console", [base, lane])
        looks.append(_click(subject, 0, 0))
        (requests,) = alternate(session, "console, bare requests", [base], Shape())
        turns = range(session.options.rounds)
        for turn in session.progress.track(turns, description=f"console: {CALLS}"):
            alone.append(perform(session, "console", lane, CALLS, turn))
            with ThreadPoolExecutor(1) as operators:
                clicked = operators.submit(_click, subject, session.options.seconds, turn)
                beside.append(perform(session, "console", lane, CALLS, turn))
                looks.append(clicked.result())
        painted = _paint(subject, session.options.rounds)
    verify(database, before, lane.accepted)
    return [*_figures(alone, beside, requests, looks), *painted]


def _paint(subject: Subject, rounds: int) -> list[Figure]:
    """No figures if Chromium is not installed."""
    path = chromium()
    if path is None:
        return []
    places = (*(f"/console/{page}" for page in PAINTED), "/console/log-in")
    urls = [f"http://127.0.0.1:{subject.admin_port}{place}" for place in places] * rounds
    times = asyncio.run(first_paints(path, urls, ENVIRONMENT["GATEWAY_ADMIN_TOKEN"]))
    turns = [times[start : start + len(places)] for start in range(0, len(times), len(places))]
    medians = [spread(turn[:-1]).median for turn in turns]
    return [
        Figure(
            "first contentful paint of a page / of the log-in page",
            "ratio",
            ratios(medians, [turn[-1] for turn in turns]),
        ),
        Figure("first contentful paint of a page", "ms", [one for turn in turns for one in turn[:-1]]),
    ]


def _click(subject: Subject, seconds: float, turn: int) -> Clicked:
    token = ENVIRONMENT["GATEWAY_ADMIN_TOKEN"]
    return ask("clicks", Clicks(subject.admin_port, token, seconds, seed=turn), Clicked, CLIENTS)


def _figures(alone: list[Run], beside: list[Run], requests: list[Run], looks: list[Clicked]) -> list[Figure]:
    """Leaves out the first of `looks`, which was the warm-up."""
    medians = {
        page: spread(times).median
        for page in looks[0].first_bytes
        if (times := [one for look in looks[1:] for one in look.first_bytes[page]])
    }
    slowest = max(medians, key=lambda page: medians[page])
    times = [one for look in looks[1:] for one in look.first_bytes[slowest]]
    request = spread([run.server_cpu for run in requests]).median / 1_000
    everything = [one for look in looks[1:] for some in look.first_bytes.values() for one in some]
    largest = max(size for look in looks for size in look.sizes.values())
    named = f"/console/{slowest}"
    return [
        Figure(
            "accept p99 with / without five operators",
            "ratio",
            ratios([run.p99 for run in beside], [run.p99 for run in alone]),
            SLOWDOWN,
        ),
        Figure(
            "first byte of the slowest page / a bare request",
            "ratio",
            [one / request for one in times],
            FIRST_BYTE,
            named,
        ),
        Figure("first byte of the slowest page", "ms", times, note=named),
        Figure("first byte of a page", "ms", everything),
        Figure("largest page", "kB", [largest / 1_000], LARGEST),
        Figure("accept p99 without operators", "ms", [run.p99 for run in alone]),
        Figure("accept p99 beside five operators", "ms", [run.p99 for run in beside]),
    ]
