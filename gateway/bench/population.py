"""Fills a migrated database with people and with a backlog, directly through the engine in key order: a million in seconds. The
rows equal those that the gateway writes; only the history (audit, dedup windows) is missing."""

import random
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from gateway.bench.database import Database, Row
from gateway.bench.workload import CHANNEL, FIRST_CAMPAIGN, Person, person
from gateway.clock import DAY
from gateway.ids import Ids

BORN = 1_750_000_000_000
"""When all people were first seen: 2025-06-15, long before any dedup window."""

TILL = "till"
"""The id space of the second records."""


class _Member(NamedTuple):
    profile_id: int
    record_id: int
    who: Person


def _records(members: Iterable[_Member]) -> Iterator[Row]:
    for profile_id, record_id, who in members:
        yield CHANNEL, who.customer_id, record_id, profile_id, BORN, 1, 0


def _profiles(members: Iterable[_Member]) -> Iterator[Row]:
    for profile_id, record_id, who in members:
        yield profile_id, BORN, 0, None, who.customer_id, record_id


def _observations(members: Iterable[_Member], seen_at: int) -> Iterator[Row]:
    for profile_id, record_id, who in members:
        yield record_id, "email", who.email, BORN, seen_at, 0, 0, 0, profile_id, "backend"
        yield record_id, "mobile", who.mobile, BORN, seen_at, 0, 0, 0, profile_id, "backend"


def build(database: Database, people: int, *, seen_at: int = BORN) -> None:
    """`people` profiles with one record, one e-mail and one mobile each, last seen at `seen_at`. The tables must exist and be
    empty."""
    database.fill("record", _records(_members(people)))
    database.fill("profile", _profiles(_members(people)))
    database.fill("observation", _observations(_members(people), seen_at))


def add_second_records(database: Database, people: int) -> None:
    """Second records of the first `people`, from the till: with their e-mail, every other one also with the mobile. One in ten
    is on a separate profile."""
    database.fill("record", _second_records(_second(people)))
    database.fill("profile", _second_profiles(_second(people)))
    database.fill("observation", _second_observations(_second(people)))


def add_backlog(database: Database, people: int, campaigns: int) -> None:
    """An overdue achievement of each of the first `people` in each of `campaigns`."""
    database.fill("achievement", _overdue(people, campaigns))


def add_queue(database: Database, people: int, count: int, until: int) -> None:
    """`count` achievements of the first `people` that wait to be reported to the platform, accepted two a millisecond up to
    `until`."""
    database.fill("achievement", (row for row, _ in _queued(people, count, until)))
    database.fill("delivery", (row for _, row in _queued(people, count, until)))


def _queued(people: int, count: int, until: int) -> Iterator[tuple[Row, Row]]:
    """Each achievement with its delivery."""
    ids, members = Ids(3), list(_members(people))
    for number in range(count):
        at = until - (count - number) // 2
        member, achievement_id = members[number % people], ids.next(at)
        campaign = FIRST_CAMPAIGN + number // people
        yield (
            (achievement_id, member.record_id, campaign, "queued", "", CHANNEL, "bench", at, at, None, 0, ""),
            (
                *(ids.next(at), "upstream", member.profile_id, "achievement", achievement_id, "", "pending"),
                *(at, at, at + 3 * DAY, "", 0, 0, 0, None, None, 0, "", "", "", ""),
            ),
        )


class _Second(NamedTuple):
    """`profile_id` is the person's profile, or a separate one (`apart`); `owner_id` is the profile that owns the person's
    identifiers."""

    profile_id: int
    owner_id: int
    record_id: int
    who: Person
    apart: bool
    has_mobile: bool


def _second(people: int) -> Iterator[_Second]:
    ids = Ids(2)
    for number, member in enumerate(_members(people)):
        own, apart = ids.next(BORN), number % 10 == 0
        profile_id = own if apart else member.profile_id
        yield _Second(profile_id, member.profile_id, ids.next(BORN), member.who, apart, number % 2 == 0)


def _second_records(members: Iterable[_Second]) -> Iterator[Row]:
    for one in members:
        yield TILL, one.who.customer_id, one.record_id, one.profile_id, BORN, 1, 0


def _second_profiles(members: Iterable[_Second]) -> Iterator[Row]:
    for one in members:
        if one.apart:
            yield one.profile_id, BORN, 0, None, f"{TILL}:{one.who.customer_id}", one.record_id


def _second_observations(members: Iterable[_Second]) -> Iterator[Row]:
    for one in members:
        yield one.record_id, "email", one.who.email, BORN, BORN, 0, 0, 0, one.owner_id, "backend"
        if one.has_mobile:
            yield one.record_id, "mobile", one.who.mobile, BORN, BORN, 0, 0, 0, one.owner_id, "backend"


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
            achievement = (
                ids.next(accepted_at),
                member.record_id,
                campaign,
                "accepted",
                "",
                CHANNEL,
                "bench",
            )
            yield *achievement, accepted_at, due_at, None, 0, ""
