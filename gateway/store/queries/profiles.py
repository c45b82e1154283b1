"""Profiles for operators, found by identifier, by customer id, or by an id that was absorbed long ago."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gateway.model import Claim, ClaimedAttribute, CustomerRecord
from gateway.model.tags import distinct
from gateway.store import Store
from rules.identifier import Identifier
from rules.record import Observation

_PROFILE = "p.profile_id, p.created_at, p.changes, p.canonical_id"
_TOTAL = """SELECT r.profile_id, COUNT(DISTINCT r.record_id), MIN(r.active), MIN(r.guest),
CAST(COALESCE(SUM(l.points), 0) AS BIGINT), CAST(COALESCE(SUM(l.score), 0) AS BIGINT)
FROM record AS r LEFT JOIN ledger AS l ON l.record_id = r.record_id WHERE r.profile_id IN ({among}) GROUP BY r.profile_id"""
_OLDEST = """SELECT {columns} FROM (
SELECT r.*, ROW_NUMBER() OVER (PARTITION BY r.profile_id ORDER BY r.record_id) AS place
FROM record AS r WHERE r.profile_id IN ({among})) AS found WHERE place <= ?"""
_RECORD = "record_id, id_space, customer_id, profile_id, created_at, active, guest"
FOREVER = (1 << 63) - 1


class SearchTerms(NamedTuple):
    """What one text may mean. Of the words of a name, each is a word or the beginning of one."""

    identifiers: list[Identifier]
    records: list[tuple[str, str]]
    canonical_id: str
    words: list[str]


@dataclass(slots=True, kw_only=True)
class Wanted:
    """Which live profiles to find; every part that is given must hold. Each group of `identifiers` and `records`
    holds when one of its members does; `anything` is one of all kinds, or of the canonical id, or of the words of a name."""

    identifiers: list[list[Identifier]] = field(default_factory=list)
    records: list[list[tuple[str, str]]] = field(default_factory=list)
    id_space: str = ""
    anything: SearchTerms | None = None


class Attribute(NamedTuple):
    """One value of one record, as JSON text."""

    record_id: int
    name: str
    value: str
    at: int
    source: str


class Balance(NamedTuple):
    points: int = 0
    score: int = 0


@dataclass(slots=True)
class ProfileOverview:
    """A live profile with its oldest records (and their observations), what each of these has earned, and what is claimed of it.
    `total` is about all of its records."""

    profile_id: int
    created_at: int
    version: int
    canonical_id: str
    total: "Total"
    records: list[CustomerRecord] = field(default_factory=list)
    earned: dict[int, Balance] = field(default_factory=dict)
    claims: dict[int, list[tuple[Identifier, Claim]]] = field(default_factory=dict)


class Total(NamedTuple):
    """Of all records of a profile: how many there are, whether all are active or of guests, and what they have earned."""

    records: int = 0
    active: bool = True
    guest: bool = True
    balance: Balance = Balance()


def placeholders(values: Sequence[object]) -> str:
    """Never empty: PostgreSQL does not allow an empty list."""
    return ",".join("?" * len(values)) or "NULL"


async def survivor_of(store: Store, profile_id: int) -> int | None:
    """The live profile that an id leads to today; None if it was erased or never existed."""
    rows = await store.fetch(
        """
        WITH RECURSIVE path (profile_id, redirect_to) AS (
          SELECT profile_id, redirect_to FROM profile WHERE profile_id = ?
          UNION SELECT p.profile_id, p.redirect_to FROM profile p JOIN path ON p.profile_id = path.redirect_to
        ) SELECT profile_id FROM path WHERE redirect_to IS NULL
        """,
        (profile_id,),
    )
    return rows[0][0] if rows else None


async def profile_of(store: Store, record_id: int) -> int | None:
    """The profile of a record, if there is such a record."""
    rows = await store.fetch("SELECT profile_id FROM record WHERE record_id = ?", (record_id,))
    return rows[0][0] if rows else None


async def ids_leading_to(store: Store, profile_id: int) -> list[int]:
    """The id itself and every id that was absorbed into it, directly or through others."""
    rows = await store.fetch(
        """
        WITH RECURSIVE family (profile_id) AS (
          SELECT CAST(? AS BIGINT)
          UNION SELECT p.profile_id FROM profile p JOIN family ON p.redirect_to = family.profile_id
        ) SELECT profile_id FROM family
        """,
        (profile_id,),
    )
    return [number for (number,) in rows]


async def find(store: Store, wanted: Wanted, before: int, limit: int, most: int) -> list[ProfileOverview]:
    """Live profiles with an id below `before`, newest first, each with `most` of its records."""
    conditions, values = _conditions(wanted)
    rows = await store.fetch(
        f"SELECT {_PROFILE} FROM profile AS p WHERE p.redirect_to IS NULL AND p.profile_id < ?"
        f"{''.join(f' AND {condition}' for condition in conditions)} ORDER BY p.profile_id DESC LIMIT ?",
        (before, *values, limit),
    )
    return await _overviews(store, rows, most)


async def load(store: Store, profile_id: int, most: int = FOREVER) -> ProfileOverview | None:
    """With `most` of its records."""
    rows = await store.fetch(f"SELECT {_PROFILE} FROM profile AS p WHERE p.profile_id = ?", (profile_id,))
    found = await _overviews(store, rows, most)
    return found[0] if found else None


async def load_past(store: Store, profile_id: int, records: Sequence[int], at: int) -> ProfileOverview | None:
    """A profile with these records as they were at a moment: what they had earned, and the identifiers that they had by then,
    as far as these were not removed since. Versions of the past are not kept: it is 0."""
    rows = await store.fetch(f"SELECT {_PROFILE} FROM profile AS p WHERE p.profile_id = ?", (profile_id,))
    if not rows:
        return None
    found = await store.fetch(
        f"SELECT {_RECORD} FROM record AS r WHERE r.record_id IN ({placeholders(records)})", records
    )
    by_id = await _records(store, found)
    for record in by_id.values():
        seen = record.observations
        record.observations = {one: seen[one] for one in seen if seen[one].first_seen <= at}
    earned = dict(await _earned(store, list(by_id), at))
    balance = Balance(sum(one.points for one in earned.values()), sum(one.score for one in earned.values()))
    everyone = by_id.values()
    active, guest = all(one.active for one in everyone), all(one.guest for one in everyone)
    number, created_at, _, canonical_id = rows[0]
    overview = ProfileOverview(number, created_at, 0, canonical_id, Total(len(by_id), active, guest, balance))
    overview.records = [by_id[number] for number in sorted(by_id)]
    overview.earned = earned
    for number, identifier, claim in await _claims_of(store, list(by_id)):
        if claim.claimed_at <= at:
            overview.claims.setdefault(number, []).append((identifier, claim))
    return overview


def _conditions(wanted: Wanted) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    groups = [
        *(SearchTerms(group, [], "", []) for group in wanted.identifiers),
        *(SearchTerms([], group, "", []) for group in wanted.records),
        *([wanted.anything] if wanted.anything is not None else ()),
    ]
    for identifiers, records, name, words in groups:
        holders = [_HOLDS_IDENTIFIER, _CLAIMS_IDENTIFIER] * len(identifiers) + [_IS_RECORD] * len(records)
        values += [part for identifier in identifiers for part in (*identifier, *identifier)]
        values += [part for pair in records for part in pair]
        if name:
            holders.append(_IS_NAMED)
            values.append(name)
        if words:
            first, *others = sorted(words, key=len, reverse=True)
            holders.append(_IS_CALLED.format(others=" AND ' ' || n.name LIKE ?" * len(others)))
            values += [first, first + _HIGHEST, *(f"% {word}%" for word in others)]
        conditions.append(f"profile_id IN ({' UNION '.join(holders) or _NO_PROFILE})")
    if wanted.id_space:
        conditions.append(
            "EXISTS (SELECT 1 FROM record r WHERE r.profile_id = p.profile_id AND r.id_space = ?)"
        )
        values.append(wanted.id_space)
    return conditions, values


_HOLDS_IDENTIFIER = (
    "SELECT r.profile_id FROM observation o JOIN record r ON r.record_id = o.record_id"
    " WHERE o.type = ? AND o.value = ?"
)
_CLAIMS_IDENTIFIER = _HOLDS_IDENTIFIER.replace("observation", "claim")
_IS_RECORD = "SELECT profile_id FROM record WHERE id_space = ? AND customer_id = ?"
_IS_NAMED = "SELECT COALESCE(redirect_to, profile_id) FROM profile WHERE canonical_id = ?"
_HIGHEST = "\U0010ffff"
"""Appended to a prefix, it sorts after every text with that prefix."""
MOST_NAMED = 500
_IS_CALLED = f"""SELECT r.profile_id FROM (
SELECT n.name, n.record_id FROM person_name AS n WHERE n.name >= ? AND n.name < ?{{others}}
ORDER BY n.name, n.record_id LIMIT {MOST_NAMED}
) AS called CROSS JOIN record AS r ON r.record_id = called.record_id"""
_NO_PROFILE = "SELECT profile_id FROM record WHERE 1 = 0"


async def _overviews(store: Store, profiles: Sequence[tuple[Any, ...]], most: int) -> list[ProfileOverview]:
    """These profiles, each with `most` of its records."""
    if not profiles:
        return []
    numbers = [row[0] for row in profiles]
    among = placeholders(numbers)
    totals = {
        number: Total(count, bool(active), bool(guest), Balance(*earned))
        for number, count, active, guest, *earned in await store.fetch(_TOTAL.format(among=among), numbers)
    }
    found = {
        number: ProfileOverview(
            number, created_at, changes + (of := totals.get(number, Total())).records, name, of
        )
        for number, created_at, changes, name in profiles
    }
    rows = await store.fetch(_OLDEST.format(columns=_RECORD, among=among), (*numbers, most))
    by_id = await _records(store, rows)
    for number in sorted(by_id):
        found[by_id[number].profile_id].records.append(by_id[number])
    for number, identifier, claim in await _claims_of(store, list(by_id)):
        found[by_id[number].profile_id].claims.setdefault(number, []).append((identifier, claim))
    for number, balance in await _earned(store, list(by_id)):
        found[by_id[number].profile_id].earned[number] = balance
    return list(found.values())


async def _records(store: Store, rows: Iterable[tuple[Any, ...]]) -> dict[int, CustomerRecord]:
    """With their observations, by id."""
    by_id = {row[0]: CustomerRecord(*row[:5], active=bool(row[5]), guest=bool(row[6])) for row in rows}
    await _add_observations(store, by_id)
    return by_id


async def _add_observations(store: Store, records: dict[int, CustomerRecord]) -> None:
    if not records:
        return
    rows = await store.fetch(
        "SELECT record_id, type, value, first_seen, last_seen, verified, blocked, retired, source FROM observation"
        f" WHERE record_id IN ({placeholders(list(records))}) ORDER BY record_id, first_seen, type, value",
        tuple(records),
    )
    for number, kind, value, first, last, verified, blocked, retired, source in rows:
        identifier = Identifier(kind, value)
        records[number].observations[identifier] = Observation(
            identifier, first, last, bool(verified), bool(blocked), bool(retired), source
        )


async def _claims_of(store: Store, records: list[int]) -> list[tuple[int, Identifier, Claim]]:
    if not records:
        return []
    rows = await store.fetch(
        "SELECT record_id, type, value, source, claimed_at FROM claim"
        f" WHERE record_id IN ({placeholders(records)}) ORDER BY record_id, claimed_at, type, value",
        records,
    )
    return [(number, Identifier(kind, value), Claim(*said)) for number, kind, value, *said in rows]


async def claimed_attributes(store: Store, records: Sequence[int]) -> list[tuple[int, str, ClaimedAttribute]]:
    """By record, with their names; the values are JSON texts."""
    rows = await store.fetch(
        "SELECT record_id, name, value, source, claimed_at FROM claimed_attribute"
        f" WHERE record_id IN ({placeholders(records)}) ORDER BY record_id, name",
        records,
    )
    return [(number, name, ClaimedAttribute(*said)) for number, name, *said in rows]


class SharedClaim(NamedTuple):
    """A claim of one record that would agree with the other side if it were a statement."""

    record_id: int
    type: str
    source: str


async def shared_claims(store: Store, a: int, b: int, *, records: bool) -> list[SharedClaim]:
    """What one of two profiles, or records, claims and the other states or claims too."""
    column = "record_id" if records else "profile_id"
    found: set[SharedClaim] = set()
    for one, other in ((a, b), (b, a)):
        rows = await store.fetch(_SHARED.format(column=column), (one, other, other))
        found.update(SharedClaim(*row) for row in rows)
    return sorted(found)


_SHARED = """
SELECT c.record_id, c.type, c.source FROM record AS r JOIN claim AS c ON c.record_id = r.record_id
WHERE r.{column} = ? AND (
  EXISTS (SELECT 1 FROM observation AS o JOIN record AS s ON s.record_id = o.record_id
          WHERE o.type = c.type AND o.value = c.value AND s.{column} = ?)
  OR EXISTS (SELECT 1 FROM claim AS d JOIN record AS s ON s.record_id = d.record_id
             WHERE d.type = c.type AND d.value = c.value AND s.{column} = ?))
"""


async def count_claims(store: Store) -> int:
    rows = await store.fetch("SELECT COUNT(*) FROM claim")
    return rows[0][0]


async def _earned(store: Store, records: list[int], at: int = FOREVER) -> list[tuple[int, Balance]]:
    """What each record had earned at a moment."""
    if not records:
        return []
    rows = await store.fetch(
        "SELECT record_id, CAST(SUM(points) AS BIGINT), CAST(SUM(score) AS BIGINT) FROM ledger"
        f" WHERE record_id IN ({placeholders(records)}) AND entered_at <= ? GROUP BY record_id",
        (*records, at),
    )
    return [(number, Balance(points, score)) for number, points, score in rows]


async def attributes(store: Store, records: Sequence[int]) -> list[Attribute]:
    return [
        Attribute(*row)
        for row in await store.fetch(
            "SELECT record_id, name, value, at, source FROM attribute"
            f" WHERE record_id IN ({placeholders(records)}) ORDER BY name, record_id",
            records,
        )
    ]


async def attributes_of(store: Store, profile_id: int) -> list[tuple[str, Attribute]]:
    """What every record of a profile says, with its id space."""
    return [
        (id_space, Attribute(*row))
        for id_space, *row in await store.fetch(
            "SELECT r.id_space, a.record_id, a.name, a.value, a.at, a.source FROM record AS r"
            " JOIN attribute AS a ON a.record_id = r.record_id WHERE r.profile_id = ? ORDER BY a.name, a.record_id",
            (profile_id,),
        )
    ]


async def count_identifiers(store: Store, profile_id: int) -> int:
    """How many different ones the records of a profile have."""
    rows = await store.fetch(
        "SELECT COUNT(*) FROM (SELECT DISTINCT o.type, o.value FROM record AS r"
        " JOIN observation AS o ON o.record_id = r.record_id WHERE r.profile_id = ?) AS found",
        (profile_id,),
    )
    return rows[0][0]


async def tags_of(store: Store, profile_id: int) -> list[str]:
    """Those of all records of a profile, each once."""
    rows = await store.fetch(
        "SELECT DISTINCT t.tag FROM record AS r JOIN tag AS t ON t.record_id = r.record_id"
        " WHERE r.profile_id = ? ORDER BY t.tag",
        (profile_id,),
    )
    return distinct(tag for (tag,) in rows)


async def tags(store: Store, records: Sequence[int], at: int = FOREVER) -> list[str]:
    """Each once, however the records spell it, that was attached by `at`."""
    rows = await store.fetch(
        f"SELECT DISTINCT tag FROM tag WHERE record_id IN ({placeholders(records)}) AND at <= ? ORDER BY tag",
        (*records, at),
    )
    return distinct(tag for (tag,) in rows)


async def has_customers(store: Store, id_space: str) -> bool:
    return bool(await store.fetch("SELECT 1 FROM record WHERE id_space = ? LIMIT 1", (id_space,)))
