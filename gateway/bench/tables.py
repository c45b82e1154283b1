"""The benchmark's queries on the gateway's tables: whether every accepted answer became exactly one row, and when each grant
was decided."""

from collections.abc import Sequence
from typing import NamedTuple

from gateway.bench.database import Database
from gateway.bench.errors import BenchError

_COUNTS = """
SELECT (SELECT count(*) FROM achievement),
       (SELECT count(*) FROM audit WHERE action = 'achievement.accepted'),
       (SELECT count(*) FROM achievement WHERE state = 'granted'),
       (SELECT count(*) FROM ledger),
       (SELECT count(*) FROM audit WHERE action = 'achievement.granted')
"""
_DECIDED = "SELECT count(*), coalesce(max(decided_at), 0) FROM achievement WHERE decided_at IS NOT NULL"
_DECIDED_WITHIN = "SELECT count(*) FROM achievement WHERE decided_at >= ? AND decided_at < ?"


class Counts(NamedTuple):
    achievements: int
    accepted_events: int
    granted: int
    ledger_entries: int
    granted_events: int


class Window(NamedTuple):
    """[began, ended) in milliseconds UTC."""

    began: int
    ended: int


def counts(database: Database) -> Counts:
    (row,) = database.rows(_COUNTS)
    return Counts(*row)


def verify(database: Database, before: Counts, accepted: int) -> None:
    """The database, its gateway stopped: accepted answers = achievements = audit events, grants = ledger entries = audit events
    since `before`, and no page is damaged. Raises otherwise, because a benchmark that lost a row has failed."""
    made = Counts(*(now - then for now, then in zip(counts(database), before, strict=True)))
    if not made.achievements == made.accepted_events == accepted:
        raise BenchError(f"{accepted:,} answers were 202, but the database holds {made}")
    if not made.granted == made.ledger_entries == made.granted_events:
        raise BenchError(f"grants, ledger entries and their audit events differ: {made}")
    if damage := database.damage():
        raise BenchError(f"the database is damaged: {damage}")


def grants_per_second(database: Database, windows: Sequence[Window]) -> list[float]:
    """The rates of the windows that ended before the backlog was empty."""
    ((_, last),) = database.rows(_DECIDED)
    whole = [window for window in windows if window.ended <= last]
    decided = [database.rows(_DECIDED_WITHIN, window)[0][0] for window in whole]
    return [count / (window.ended - window.began) * 1e3 for count, window in zip(decided, whole, strict=True)]
