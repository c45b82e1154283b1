"""Fills a migrated database with people and with a backlog, straight through sqlite3 in key order: a million
in seconds. Its rows are those that the gateway would have written; only the history (audit, dedup windows) is
missing."""

import random
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from gateway.bench.workload import CHANNEL, FIRST_CAMPAIGN, Person, person
from gateway.ids import Ids

BORN = 1_750_000_000_000
"""When everybody was first seen: 2025-06-15, long before any dedup window."""

TILL = "till"
"""The id space of the second records."""

Row = tuple[int | str | None, ...]


class _Member(NamedTuple):
    profile_id: int
    record_id: int
    who: Person


def _records(members: Iterable[_Member]) -> Iterator[Row]:
    for profile_id, record_id, who in members:
        yield CHANNEL, who.customer_id, record_id, profile_id, BORN, 1, 0


def _profiles(members: Iterable[_Member]) -> Iterator[Row]:
    for profile_id, _, who in members:
        yield profile_id, BORN, 1, None, who.customer_id


def _observations(members: Iterable[_Member]) -> Iterator[Row]:
    for _, record_id, who in members:
        yield record_id, "email", who.email, BORN, BORN, 0, 0, 0
        yield record_id, "mobile", who.mobile, BORN, BORN, 0, 0, 0


def _emails(members: Iterable[_Member]) -> Iterator[Row]:
    for profile_id, _, who in members:
        yield "email", who.email, "normal", profile_id, 1


def _mobiles(members: Iterable[_Member]) -> Iterator[Row]:
    for profile_id, _, who in members:
        yield "mobile", who.mobile, "normal", profile_id, 1


_TABLES: tuple[tuple[str, Callable[[Iterable[_Member]], Iterator[Row]]], ...] = (
    ("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", _records),
    ("INSERT INTO profile VALUES (?, ?, ?, ?, ?)", _profiles),
    ("INSERT INTO observation VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _observations),
    ("INSERT INTO identifier VALUES (?, ?, ?, ?, ?)", _emails),
    ("INSERT INTO identifier VALUES (?, ?, ?, ?, ?)", _mobiles),
)
_ACHIEVEMENT = "INSERT INTO achievement VALUES (?, ?, ?, 'accepted', '', ?, 'bench', ?, ?, NULL, 0)"


def build(database: Path, people: int, *, seen_at: int = BORN) -> None:
    """`people` profiles of one record with one e-mail and one mobile each, last seen at `seen_at`; the tables must exist and
    hold nobody."""
    with _bulk(database) as connection:
        for statement, rows in _TABLES:
            connection.executemany(statement, rows(_members(people)))
        connection.execute("UPDATE observation SET last_seen = ? WHERE last_seen <> ?", (seen_at, seen_at))


def add_second_records(database: Path, people: int) -> None:
    """The first `people` come again, at the till: by their e-mail, every other one by the mobile as well. One in ten has
    stayed apart, on a profile of its own."""
    with _bulk(database) as connection:
        for statement, rows in _SECOND:
            connection.executemany(statement, rows(_second(people)))


def add_backlog(database: Path, people: int, campaigns: int) -> None:
    """An overdue achievement of each of the first `people` in each of `campaigns`."""
    with _bulk(database) as connection:
        connection.executemany(_ACHIEVEMENT, _overdue(people, campaigns))


class _Second(NamedTuple):
    """`profile_id` is the person's own, or one of its own (`apart`)."""

    profile_id: int
    record_id: int
    who: Person
    apart: bool
    has_mobile: bool


def _second(people: int) -> Iterator[_Second]:
    ids = Ids(2)
    for number, member in enumerate(_members(people)):
        own, apart = ids.next(BORN), number % 10 == 0
        profile_id = own if apart else member.profile_id
        yield _Second(profile_id, ids.next(BORN), member.who, apart, number % 2 == 0)


def _second_records(members: Iterable[_Second]) -> Iterator[Row]:
    for one in members:
        yield TILL, one.who.customer_id, one.record_id, one.profile_id, BORN, 1, 0


def _second_profiles(members: Iterable[_Second]) -> Iterator[Row]:
    for one in members:
        if one.apart:
            yield one.profile_id, BORN, 1, None, f"{TILL}:{one.who.customer_id}"


def _second_observations(members: Iterable[_Second]) -> Iterator[Row]:
    for one in members:
        yield one.record_id, "email", one.who.email, BORN, BORN, 0, 0, 0
        if one.has_mobile:
            yield one.record_id, "mobile", one.who.mobile, BORN, BORN, 0, 0, 0


def _held_twice(members: Iterable[_Second]) -> Iterator[Row]:
    for one in members:
        yield "email", one.who.email
        if one.has_mobile:
            yield "mobile", one.who.mobile


_SECOND: tuple[tuple[str, Callable[[Iterable[_Second]], Iterator[Row]]], ...] = (
    ("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", _second_records),
    ("INSERT INTO profile VALUES (?, ?, ?, ?, ?)", _second_profiles),
    ("INSERT INTO observation VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _second_observations),
    ("UPDATE identifier SET holders = holders + 1 WHERE type = ? AND value = ?", _held_twice),
)


@contextmanager
def _bulk(database: Path) -> Generator[sqlite3.Connection]:
    """One transaction without journal or fsync: what is interrupted is thrown away with its directory."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -262144")
        connection.execute("BEGIN")
        yield connection
        connection.execute("COMMIT")


def _members(count: int) -> Iterator[_Member]:
    ids = Ids(0)
    for number in range(count):
        yield _Member(ids.next(BORN), ids.next(BORN), person(number))


def _overdue(people: int, campaigns: int) -> Iterator[Row]:
    """Accepted one after another, two a millisecond, and due 20 to 180 seconds later: in another order."""
    ids = Ids(1)
    delays = random.Random(1)  # noqa: S311
    for campaign in range(FIRST_CAMPAIGN, FIRST_CAMPAIGN + campaigns):
        for position, member in enumerate(_members(people), (campaign - FIRST_CAMPAIGN) * people):
            accepted_at = BORN + 1_000 + position // 2
            due_at = accepted_at + delays.randint(20_000, 180_000)
            yield ids.next(accepted_at), member.record_id, campaign, CHANNEL, accepted_at, due_at
