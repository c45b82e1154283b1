"""The check of the state against the log: every row that the log vouches for is as it was last written, none was taken out, and
none was put in."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import NamedTuple
from zlib import crc32

from gateway.audit.chain import Link, read_bound
from gateway.audit.event import Action
from gateway.audit.verify import Breach
from gateway.clock import SECOND
from gateway.ids import show
from gateway.store import Store
from gateway.store.vouching import TABLES, Row, row_digest

_AT_ONCE = 250_000
"""Rows that are held in memory; of more the log is read again for each part."""
_CHUNK = 1_000
_ANY_ORDER = 10 * SECOND
"""How far two gateways' times may be apart."""
_UNKNOWN = "?"


Log = Callable[[], AsyncIterator[list[Link]]]
"""Reads the log from its beginning, or from where it is known."""


class Covered(NamedTuple):
    """A table's rows, and how many of them are from before the log vouched for rows."""

    table: str
    rows: int
    earlier: int


class _Last(NamedTuple):
    digest: str
    chain: str
    at: int
    others: tuple[str, ...]


class _Account:
    """What the log vouches for, of the rows that `wanted` picks. Events come in their order."""

    def __init__(self, key: bytes, wanted: Callable[[str, str], bool]) -> None:
        self._key = key
        self._wanted = wanted
        self._rows: dict[tuple[str, str], _Last] = {}

    def add(self, link: Link) -> None:
        if link.event.action == Action.SECRET_REPLACED:
            self._forget_digests()
        if link.bound:
            self._add_rows(link.chain, link.event.at, read_bound(link.bound).rows)

    def _forget_digests(self) -> None:
        """They were made with a master secret that was replaced: what rows were before cannot be told any more."""
        for place, last in self._rows.items():
            if last.digest:
                self._rows[place] = last._replace(digest=_UNKNOWN, others=())

    def _add_rows(self, chain: str, at: int, rows: Mapping[str, Mapping[str, str]]) -> None:
        """Of what two gateways wrote at nearly the same time either may have been the later."""
        for table, told in rows.items():
            for row, digest in told.items():
                if table not in TABLES or not self._wanted(table, row):
                    continue
                before, others = self._rows.get((table, row)), tuple[str, ...]()
                if before is not None and before.chain != chain and at - before.at < _ANY_ORDER:
                    others = (before.digest, *before.others)
                self._rows[table, row] = _Last(digest, chain, at, others)

    def problem(self, table: str, row: Row) -> str | None:
        """What is wrong with a stored row: "" for nothing, None when the log does not know it."""
        last = self._rows.pop((table, TABLES[table].key_of(row)), None)
        if last is None:
            return None
        told = {last.digest, *last.others}
        if _UNKNOWN in told or row_digest(self._key, row) in told:
            return ""
        return "was taken away, and is there again" if last.digest == "" else "was changed"

    def missing(self) -> list[tuple[str, str]]:
        """The rows that were not asked about and should be there."""
        return sorted(place for place, last in self._rows.items() if "" not in (last.digest, *last.others))


async def verify_rows(
    store: Store, key: bytes, since: int | None, log: Log
) -> tuple[list[Breach], list[Covered]]:
    """`since`: a row that was made before (ms) may be one that the log does not know; None: there is none."""
    counts = {table: await _count(store, table) for table in TABLES}
    parts = max(1, -(-sum(counts.values()) // _AT_ONCE))
    breaches, earlier = list[Breach](), dict.fromkeys(TABLES, 0)
    for part in range(parts):

        def wanted(table: str, row: str, part: int = part) -> bool:
            return parts == 1 or crc32(f"{table} {row}".encode()) % parts == part

        account = _Account(key, wanted)
        async for chunk in log():
            for link in chunk:
                account.add(link)
        for table, shape in TABLES.items():
            async for row in _rows(store, table):
                if wanted(table, shape.key_of(row)):
                    what = account.problem(table, row)
                    if what is None and since is not None and shape.made_at(row) < since:
                        earlier[table] += 1
                    elif what != "":
                        breaches.append(_breach(table, shape.key_of(row), what or "was put in"))
        breaches += [
            _breach(table, row, "was taken out")
            for table, row in account.missing()
            if table != "pin" or await _both_there(store, row)
        ]
    return breaches, [Covered(table, counts[table], earlier[table]) for table in TABLES]


def _breach(table: str, row: str, what: str) -> Breach:
    shown = " ".join(
        show("rec", int(value)) if name.startswith("record") else value
        for name, value in zip(TABLES[table].key, row.split(" ", len(TABLES[table].key) - 1), strict=True)
    )
    return Breach(table, 0, f"{shown}: the row {what} by other hands than the gateway's")


async def _count(store: Store, table: str) -> int:
    [[count]] = await store.fetch(f"SELECT COUNT(*) FROM {table}")
    return count


async def _rows(store: Store, table: str) -> AsyncIterator[Row]:
    shape = TABLES[table]
    names, order = ", ".join(shape.columns), ", ".join(shape.scan)
    after: tuple[object, ...] = ()
    while True:
        where = f" WHERE ({order}) > ({', '.join('?' * len(after))})" if after else ""
        rows = await store.fetch(
            f"SELECT {names} FROM {table}{where} ORDER BY {order} LIMIT ?", (*after, _CHUNK)
        )
        for row in rows:
            yield row
        if len(rows) < _CHUNK:
            return
        after = tuple(rows[-1][shape.columns.index(name)] for name in shape.scan)


async def _both_there(store: Store, pin: str) -> bool:
    """A pin goes with either of its records."""
    one, other = map(int, pin.split(" "))
    rows = await store.fetch("SELECT COUNT(*) FROM record WHERE record_id IN (?, ?)", (one, other))
    return rows[0][0] == len({one, other})
