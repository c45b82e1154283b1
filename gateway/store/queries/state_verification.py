"""The check of the state against the log: every row that the log vouches for is as it was last written, none was removed, and none
was added."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple
from zlib import crc32

import msgspec

from gateway.audit.chain import Link, read_bound
from gateway.audit.event import Action, AuditEvent
from gateway.audit.signed import Breach
from gateway.clock import SECOND
from gateway.ids import Prefix, show
from gateway.store import Store
from gateway.store.digest_backfill import BoundRows
from gateway.store.queries.profiles import placeholders
from gateway.store.row_digests import TABLES, DigestedRows, Row, bound_by, logged_digest, rows_of

_AT_ONCE = 250_000
"""Rows that are held in memory. If there are more, the log is read again for each part."""
_CHUNK = 1_000
_ANY_ORDER = 10 * SECOND
"""How far the times of two gateways may be apart."""
_UNKNOWN = "?"
_MOST_ASTRAY = 1_000
_PREFIXES: Mapping[str, Prefix] = {
    "record": "rec",
    "profile": "prf",
    "review": "rev",
    "merge": "mrg",
    "split": "spl",
}
_ASTRAY = """
SELECT p.profile_id FROM profile AS p LEFT JOIN record AS r ON r.record_id = p.named_after
LEFT JOIN profile AS t ON t.profile_id = p.redirect_to
WHERE (r.record_id IS NOT NULL AND COALESCE(p.redirect_to, p.profile_id) <> r.profile_id)
OR (p.redirect_to IS NOT NULL AND (t.profile_id IS NULL OR t.redirect_to IS NOT NULL)) ORDER BY p.profile_id LIMIT ?
"""
_decode = msgspec.json.Decoder(BoundRows).decode


Log = Callable[[], AsyncIterator[list[Link]]]
"""Reads the log from its beginning, or from where it is known."""


class Covered(NamedTuple):
    """A table's rows, how many of them are from before the log vouched for rows, and since when (ms) it vouches for all others.
    None: a schema step is still binding the rows, and they are not checked."""

    table: str
    rows: int
    earlier: int
    since: int | None


class _Last(NamedTuple):
    told: str
    chain: str
    at: int
    others: tuple[str, ...]


class _Account:
    """What the log says about the rows that `wanted` picks. Events come in order. `since`: by table, from when on (ms) its rows are
    bound, as far as they are; 0 if the events of that time are not available, unless the log is `whole`."""

    def __init__(self, key: bytes, wanted: Callable[[str, str], bool], *, whole: bool) -> None:
        self._key = key
        self.wanted = wanted
        self._rows: dict[tuple[str, str], _Last] = {}
        self._steps = bound_by()
        self._covers: int | None = None if whole else 0
        self._begun: set[tuple[int, str]] = set()
        self._finished: set[tuple[int, str]] = set()
        self.since: dict[str, int] = {} if whole else dict.fromkeys(TABLES, 0)

    def add(self, link: Link) -> None:
        bound = read_bound(link.bound)
        if self._covers is None:
            self._covers = bound.covers
            self.since = {table: link.event.at for table, step in self._steps.items() if step <= bound.covers}
        if link.event.action == Action.SECRET_REPLACED:
            self._forget_digests()
        if link.event.action != Action.STATE_BOUND or self._counts(link.event):
            self._add_rows(link.chain, link.event.at, bound.rows)

    def _counts(self, event: AuditEvent) -> bool:
        """Whether a piece of a schema step's binding counts: a step binds once, and not in a database that was created with it."""
        piece = _decode(event.detail)
        place = (piece.step, piece.table)
        if place in self._finished or piece.step <= (self._covers or 0):
            return False
        if piece.first:
            self._begun.add(place)
        if piece.last:
            self._finished.add(place)
            if place in self._begun and self._steps.get(piece.table) == piece.step:
                self.since[piece.table] = event.at
        return True

    def _forget_digests(self) -> None:
        """They were made with a master secret that was replaced, so the rows of before cannot be checked any more."""
        for place, last in self._rows.items():
            if last.told:
                about, dot, _ = last.told.rpartition(".")
                self._rows[place] = last._replace(told=f"{about}{dot}{_UNKNOWN}", others=())

    def _add_rows(self, chain: str, at: int, rows: Mapping[str, Mapping[str, str]]) -> None:
        """If two gateways wrote at nearly the same time, either may have been later."""
        for table, told in rows.items():
            for row, digest in told.items():
                if table not in TABLES or not self.wanted(table, row):
                    continue
                before, others = self._rows.get((table, row)), tuple[str, ...]()
                if before is not None and before.chain != chain and at - before.at < _ANY_ORDER:
                    others = (before.told, *before.others)
                self._rows[table, row] = _Last(digest, chain, at, others)

    def problem(self, table: str, row: Row) -> str | None:
        """What is wrong with a stored row: "" for nothing, None if the log does not know it."""
        last = self._rows.pop((table, TABLES[table].key_of(row)), None)
        if last is None:
            return None
        told = {last.told, *last.others}
        if any(one.endswith(_UNKNOWN) for one in told) or logged_digest(table, self._key, row) in told:
            return ""
        return "was taken away, and is there again" if last.told == "" else "was changed"

    def missing(self) -> list[tuple[str, str, str]]:
        """The rows that should be there and were not asked about, with the values before their digest."""
        return sorted(
            (table, row, last.told.rpartition(".")[0])
            for (table, row), last in self._rows.items()
            if "" not in (last.told, *last.others) and table in self.since
        )


async def verify_rows(
    store: Store, key: bytes, since: int | None, log: Log, *, whole: bool
) -> tuple[list[Breach], list[Covered]]:
    """`since`: the log may not know a row that was made earlier (ms); None: it knows every row. `whole`: the log is read from its
    beginning."""
    counts = {table: await _count(store, table) for table in TABLES}
    parts = max(1, -(-sum(counts.values()) // _AT_ONCE))
    breaches, earlier, bound = list[Breach](), dict.fromkeys(TABLES, 0), dict[str, int]()
    for part in range(parts):

        def wanted(table: str, row: str, part: int = part) -> bool:
            return parts == 1 or crc32(f"{table} {row}".encode()) % parts == part

        account = _Account(key, wanted, whole=whole)
        async for chunk in log():
            for link in chunk:
                account.add(link)
        for table in [table for table in TABLES if table in account.since]:
            found, untold = await _compare(store, account, table, since)
            earlier[table] += untold
            breaches += found
        breaches += [
            _breach(table, row, "was taken out")
            for table, row, about in account.missing()
            if await _should_be_there(store, table, row, about)
        ]
        bound = account.since
    if {"profile", "record"} <= bound.keys():
        breaches += await _astray(store)
    told = {table: max(at, since or 0) for table, at in bound.items()}
    return breaches, [Covered(table, counts[table], earlier[table], told.get(table)) for table in TABLES]


async def _compare(
    store: Store, account: _Account, table: str, since: int | None
) -> tuple[list[Breach], int]:
    """The rows of a table that are not as the log says, and how many are from before it vouched for them."""
    shape, breaches, earlier = TABLES[table], list[Breach](), 0
    async for row in _rows(store, table):
        if not account.wanted(table, shape.key_of(row)):
            continue
        what = account.problem(table, row)
        if what is None and _is_earlier(shape, row, since, account.since[table]):
            earlier += 1
        elif what != "":
            breaches.append(_breach(table, shape.key_of(row), what or "was put in"))
    return breaches, earlier


def _is_earlier(shape: DigestedRows, row: Row, since: int | None, bound: int) -> bool:
    """Whether a row is from before the log vouched for rows, in a table that was not bound since."""
    return since is not None and bound < since and shape.made_at(row) < since


def _breach(table: str, row: str, what: str) -> Breach:
    names = TABLES[table].key
    shown = " ".join(map(_shown, names, row.split(" ", len(names) - 1)))
    return Breach(table, 0, f"{shown}: the row {what}, but not by the gateway")


def _shown(name: str, value: str) -> str:
    prefix = _PREFIXES.get(name.partition("_")[0])
    return show(prefix, int(value)) if prefix else value


async def _count(store: Store, table: str) -> int:
    [[count]] = await store.fetch(f"SELECT COUNT(*) FROM {TABLES[table].source or table}")
    return count


async def _rows(store: Store, table: str) -> AsyncIterator[Row]:
    shape, after = TABLES[table], tuple[Any, ...]()
    while True:
        rows = await store.fetch(*rows_of(table, after, _CHUNK))
        for row in rows:
            yield row
        if len(rows) < _CHUNK:
            return
        after = tuple(rows[-1][shape.columns.index(name)] for name in shape.scan)


async def _should_be_there(store: Store, table: str, row: str, about: str) -> bool:
    """A pin may go with either of its records, a coupon's code and a side of a split with its record, a profile with the record
    that it is named after, and a question with either of its profiles, or some time after its answer."""
    match table:
        case "pin":
            return await _are_there(store, "record", row.split(" "))
        case "coupon" | "split_side":
            return await _are_there(store, "record", row.split(" ")[:1])
        case "profile":
            return await _are_there(store, "record", [about])
        case "review":
            state, *profiles = about.split(" ")
            return state == "open" and await _are_there(store, "profile", profiles)
        case _:
            return True


async def _are_there(store: Store, table: Literal["record", "profile"], ids: Iterable[str]) -> bool:
    wanted = list({int(one) for one in ids})
    rows = await store.fetch(
        f"SELECT COUNT(*) FROM {table} WHERE {table}_id IN ({placeholders(wanted)})", wanted
    )
    return rows[0][0] == len(wanted)


async def _astray(store: Store) -> list[Breach]:
    """Profiles that do not lead to the record that they are named after, or to no live profile."""
    rows = await store.fetch(_ASTRAY, (_MOST_ASTRAY,))
    what = "redirects elsewhere than to the record that it is named after, which the gateway did not do"
    return [Breach("profile", 0, f"{show('prf', profile_id)}: {what}") for (profile_id,) in rows]
