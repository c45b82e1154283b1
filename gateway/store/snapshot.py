"""The whole database as the rules see it, from one read transaction. It does not hold up the process that serves."""

from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import msgspec

from rules.identifier import Identifier
from rules.record import Apart, Judgement, Observation, Pin, Record

RECORDS = """
SELECT r.record_id, r.id_space, r.customer_id, r.profile_id, r.created_at,
       o.type, o.value, o.first_seen, o.last_seen, o.verified, o.blocked, o.retired, o.source
FROM record AS r LEFT JOIN observation AS o ON o.record_id = r.record_id ORDER BY r.id_space, r.customer_id
"""
_PROFILES = "SELECT profile_id, record_id FROM record"
_NAMES = "SELECT named_after, profile_id FROM profile"
_BALANCES = "SELECT record_id, CAST(SUM(points) AS BIGINT) FROM ledger GROUP BY record_id"
_PINS = "SELECT record_a, record_b, kind, expires_at FROM pin"
_SIDES = """
SELECT s.split_id, x.expires_at, s.record_id, s.side
FROM split_side AS s JOIN split AS x ON x.split_id = s.split_id ORDER BY s.split_id
"""
_OWN_LISTS = "SELECT name, value FROM own_list"
_ATTRIBUTES = "SELECT record_id, name, value FROM attribute"
_ASKED = "SELECT profile_a, profile_b, reason FROM review WHERE state = 'open'"
_SCORED = "SELECT record_a, record_b FROM pin WHERE actor = 'gateway'"
_ANSWERS = """
SELECT s.record_a, s.record_b, v.state FROM suggestion AS s JOIN review AS v ON v.review_id = s.review_id
WHERE v.state IN ('accepted', 'rejected') AND v.closed_by LIKE 'operator:%' ORDER BY s.record_a, s.record_b
"""


class Answered(NamedTuple):
    """What an operator said about two records of a suggestion."""

    record_a: int
    record_b: int
    is_same: bool


@dataclass(slots=True)
class Snapshot:
    """`profiles` are record ids by profile id; `names` are profiles, live or absorbed, by the record that they are named after;
    `balances` are points and `attributes` texts, by record id. `asked` are the profiles between which a question is open, with
    its reason. `scored` are the pins of merges by a score, which no person set.
    `records` can be read once."""

    records: Iterator[Record]
    profiles: dict[int, list[int]]
    names: dict[int, int]
    balances: dict[int, int]
    attributes: dict[int, dict[str, str]]
    pins: list[Judgement]
    own_lists: dict[str, frozenset[str]]
    asked: dict[tuple[int, int], str]
    scored: set[tuple[int, int]]
    answers: list[Answered]


Loading = Generator[str, Iterable[Any], Snapshot]
"""SELECT statements, each answered by its rows; the engine runs all of them in one read transaction."""


def load(attributes: Collection[str], *, with_profiles: bool) -> Loading:
    """Only the named attributes are loaded; `profiles` and `names` are empty unless they are wanted. The rows of RECORDS are used
    while the caller works on the records, all others at once."""
    return Snapshot(
        _records((yield RECORDS)),
        _profiles((yield _PROFILES)) if with_profiles else {},
        dict((yield _NAMES)) if with_profiles else {},
        dict((yield _BALANCES)),
        _texts((yield _ATTRIBUTES), attributes) if attributes else {},
        _judgements((yield _PINS), (yield _SIDES)),
        _own_lists((yield _OWN_LISTS)),
        {(one, other): reason for one, other, reason in (yield _ASKED)},
        {(one, other) for one, other in (yield _SCORED)},
        _answers((yield _ANSWERS)),
    )


def _records(rows: Iterable[Sequence[Any]]) -> Iterator[Record]:
    """Every record with its observations."""
    record: Record | None = None
    for record_id, id_space, customer_id, profile_id, created_at, *seen in rows:
        if record is None or record.record_id != record_id:
            if record is not None:
                yield record
            record = Record(record_id, id_space, customer_id, profile_id, created_at)
        if seen[0] is not None:
            kind, value, first, last, verified, blocked, retired, source = seen
            identifier = Identifier(kind, value)
            record.observations[identifier] = Observation(
                identifier, first, last, bool(verified), bool(blocked), bool(retired), source
            )
    if record is not None:
        yield record


def _profiles(rows: Iterable[Sequence[Any]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for profile_id, record_id in rows:
        found.setdefault(profile_id, []).append(record_id)
    return found


def _judgements(pins: Iterable[Sequence[Any]], sides: Iterable[Sequence[Any]]) -> list[Judgement]:
    found = [Pin(*row) for row in pins]
    splits = groupby(sides, key=lambda row: (row[0], row[1]))
    return [*found, *(Apart(one, {row[2]: row[3] for row in rows}, until) for (one, until), rows in splits)]


def _texts(rows: Iterable[Sequence[Any]], names: Collection[str]) -> dict[int, dict[str, str]]:
    """The attributes of these names that are texts. All records have one text for each name, because there are millions."""
    found: dict[int, dict[str, str]] = {}
    known = {name: name for name in names}
    for record_id, name, stored in rows:
        if (shared := known.get(name)) and isinstance(value := msgspec.json.decode(stored), str):
            found.setdefault(record_id, {})[shared] = value
    return found


def _own_lists(rows: Iterable[Sequence[Any]]) -> dict[str, frozenset[str]]:
    lists: dict[str, set[str]] = {}
    for name, value in rows:
        lists.setdefault(name, set()).add(value)
    return {name: frozenset(values) for name, values in lists.items()}


def _answers(rows: Iterable[Sequence[Any]]) -> list[Answered]:
    return [Answered(one, other, state == "accepted") for one, other, state in rows]
