"""Three years of counts of ten channels, and 50,000 open questions: what an operator looks at first still comes at once."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import pytest

from gateway.clock import DAY, HOUR, MINUTE
from gateway.sqlite_library import sqlite3
from gateway.store.activity import FIELDS
from gateway.store.gateway_reads import open_reviews
from gateway.store.queries import activity
from tests.support.in_process_gateway import NOON, ManualClock, make_store

END = NOON - NOON % DAY
LONGEST_SECONDS = 0.05
QUESTIONS: dict[str, Callable[[Any], Awaitable[object]]] = {
    "a day by the minute": lambda store: activity.activity(store, None, END - DAY, END, MINUTE),
    "60 days by the hour": lambda store: activity.activity(store, None, END - 1_500 * HOUR, END, HOUR),
    "3 years by the day": lambda store: activity.activity(store, None, END - 1_095 * DAY, END, DAY),
    "last calls": activity.last_calls,
    "channels of today": lambda store: activity.activity_of_channels(store, END - DAY, END, DAY),
    "200 hours of rules": lambda store: activity.hits(store, "rules", END - 200 * HOUR, END, HOUR),
    "100 days of campaigns": lambda store: activity.funnels(store, END - 100 * DAY, END),
    "open reviews": open_reviews,
}


def _channels() -> Iterator[tuple[object, ...]]:
    for span, number in ((MINUTE, 90 * 1_440), (HOUR, 365 * 24), (DAY, 3 * 365)):
        for back in range(number):
            for channel in range(10):
                yield span, END - back * span, f"channel-{channel}", *([3] * len(FIELDS))


def _rules() -> Iterator[tuple[object, ...]]:
    for back in range(90 * 24):
        for rule in range(15):
            for what in ("attached", "merged", "reviews"):
                yield HOUR, END - back * HOUR, "rules", f"rule-{rule}", what, 5


def _campaigns() -> Iterator[tuple[object, ...]]:
    for back in range(365):
        for campaign in range(100):
            for what in ("accepted", "granted", "ignored"):
                yield END - back * DAY, campaign, what, "", 4


def _reviews() -> Iterator[tuple[object, ...]]:
    for number in range(100_000):
        state = "open" if number % 2 else "accepted"
        yield (
            number,
            number,
            number + 1_000_000,
            state,
            f"conflict:{number % 7}",
            "",
            "[]",
            1,
            None,
            "",
            "[]",
            "[]",
        )


@pytest.mark.soak
async def test_the_first_pages_of_an_operator_are_as_fast_after_years(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    empty, store = (make_store(f"sqlite:///{path}", ManualClock()) for _ in range(2))
    await empty.open()
    await empty.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, rows in (
            ("activity", _channels()),
            ("rule_activity", _rules()),
            ("campaign_activity", _campaigns()),
            ("review", _reviews()),
        ):
            width = len(connection.execute(f"PRAGMA table_info({table})").fetchall())
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * width)})", rows)
    await store.open()
    try:
        for question, ask in QUESTIONS.items():
            took: list[float] = []
            for _ in range(5):
                began = process_time()
                await ask(store)
                took.append(process_time() - began)
            assert median(took) < LONGEST_SECONDS, (question, took)
    finally:
        await store.close()
