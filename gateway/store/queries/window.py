"""Lists, newest first, with filters that no single index serves: an index serves one of them, and the others are applied to a
bounded number of rows. So a page may be short, or empty, although it is not the last one."""

from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.ids import earliest
from gateway.store import Store
from gateway.store.tables.columns import Columns

WINDOW = 2_000
"""The most rows of one page to which filters without an index are applied."""


@dataclass(slots=True)
class Conditions:
    """All of them hold. `{t}` is replaced by the table's alias."""

    texts: list[str] = field(default_factory=list[str])
    values: list[Any] = field(default_factory=list[Any])

    def add(self, text: str, *values: Any) -> None:
        self.texts.append(text)
        self.values += values


@dataclass(slots=True)
class Filters:
    """`indexed` are the conditions that one index serves, beside the key; `others` are applied to each row."""

    indexed: Conditions = field(default_factory=Conditions)
    others: Conditions = field(default_factory=Conditions)

    @property
    def next(self) -> Conditions:
        """Where one more condition belongs: an index serves only the first."""
        return self.others if self.indexed.texts else self.indexed


def given(wanted: Any) -> dict[str, str | int]:
    """The filters of a `Wanted…` that are given, as a job stores them."""
    return {name: value for name, value in asdict(wanted).items() if value not in ("", None)}


def within(key: str, before: int, since: int | None, until: int | None) -> Conditions:
    """Ids below `before`, drawn at `since` or later and before `until`."""
    bounds = Conditions()
    if until is not None:
        before = min(before, earliest(until))
    bounds.add(f"{{t}}.{key} < ?", before)
    if since is not None:
        bounds.add(f"{{t}}.{key} >= ?", earliest(since))
    return bounds


async def newest(
    store: Store, columns: Columns[Any], filters: Filters, bounds: Conditions, limit: int
) -> tuple[list[Any], int | None]:
    """Up to `limit` rows within `bounds` of the key, newest first, as entities; and the key after which to continue, None at the
    end."""
    key = columns.key[0].name
    place = columns.all.index(key)
    where = " AND ".join([*filters.indexed.texts, *bounds.texts]).format(t="t")
    asked = f"FROM {columns.table} AS t WHERE {where} ORDER BY t.{key} DESC LIMIT ?"
    values, others = [*filters.indexed.values, *bounds.values], filters.others
    if others.texts:
        rows = await store.fetch(
            f"SELECT {columns.select('looked_at')} FROM (SELECT t.* {asked}) AS looked_at"
            f" WHERE {' AND '.join(others.texts).format(t='looked_at')} ORDER BY looked_at.{key} DESC LIMIT ?",
            (*values, WINDOW, *others.values, limit + 1),
        )
    else:
        rows = await store.fetch(f"SELECT {columns.select('t')} {asked}", (*values, limit + 1))
    behind = rows[limit - 1][place] if len(rows) > limit else None
    if behind is None and others.texts:
        [(count, lowest)] = await store.fetch(
            f"SELECT COUNT(*), MIN(looked_at.{key}) FROM (SELECT t.{key} {asked}) AS looked_at",
            (*values, WINDOW),
        )
        behind = lowest if count == WINDOW else None
    return [columns.read(row) for row in rows[:limit]], behind
