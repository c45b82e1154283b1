"""Merges: one, those of some profiles, lists of them, and how many there were each day."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from gateway.clock import DAY, MINUTE
from gateway.ids import earliest, moment
from gateway.model import MergeRow
from gateway.store import Store
from gateway.store.queries.audit import WantedEvents, events
from gateway.store.queries.profiles import placeholders
from gateway.store.queries.window import Conditions, Filters, newest
from gateway.store.tables.merges import MERGE

MergeState = Literal["standing", "undone"]
_STATE = "CASE WHEN {t}.undone_at IS NULL THEN 'standing' ELSE 'undone' END"
"""As the index has it."""
_SLACK = DAY
"""A merge may come so long after the request that brought its rows."""
_ID_MAY_RUN_AHEAD = 10 * MINUTE
_NEWEST = (1 << 63) - 1
_MOST_CHUNKS = 20_000
"""Of an import: far more than an import of 1,000,000 rows has."""
_IDS_OF_A_DAY = earliest(moment(0) + DAY)
"""Ids begin with a day of their own, so a day is a range of them."""


@dataclass(slots=True, kw_only=True)
class WantedMerges:
    """Every filter that is given must hold. `import_id` has no prefix; nothing is found once the events of the import are archived.
    `requests` are the requests that caused them; `since` is inside, `until` is not."""

    rule: str = ""
    actor: str = ""
    import_id: str = ""
    state: MergeState | Literal[""] = ""
    requests: Sequence[str] | None = None
    since: int | None = None
    until: int | None = None


class DayCount(NamedTuple):
    """Merges by one rule on one day (UTC), which begins at `day`, and how many of them were undone since."""

    day: int
    rule: str
    merged: int
    undone: int


async def merge(store: Store, merge_id: int) -> MergeRow | None:
    rows = await store.fetch(f"SELECT {MERGE.select('m')} FROM merge AS m WHERE m.merge_id = ?", (merge_id,))
    return MERGE.read(rows[0]) if rows else None


async def merges_into(store: Store, survivors: Sequence[int]) -> list[MergeRow]:
    """Every merge into one of these profiles, oldest first."""
    rows = await store.fetch(
        f"SELECT {MERGE.select('m')} FROM merge AS m"
        f" WHERE m.survivor_id IN ({placeholders(survivors)}) ORDER BY m.merge_id",
        survivors,
    )
    return [MERGE.read(row) for row in rows]


async def merges(
    store: Store, wanted: WantedMerges, before: int, limit: int
) -> tuple[list[MergeRow], int | None]:
    """Newest first; and the id after which to continue."""
    if wanted.import_id:
        wanted = await _within_import(store, wanted)
    return await newest(store, MERGE, _filters(wanted), _bounds(wanted, before), limit)


async def _within_import(store: Store, wanted: WantedMerges) -> WantedMerges:
    requests, first, last = await requests_of(store, wanted.import_id)
    return replace(
        wanted,
        import_id="",
        requests=requests,
        since=max(first, wanted.since or 0),
        until=min(last + _SLACK, wanted.until or _NEWEST),
    )


def _filters(wanted: WantedMerges) -> Filters:
    filters = Filters()
    for text, value in (("{t}.actor = ?", wanted.actor), ("{t}.rule = ?", wanted.rule)):
        if value:
            filters.next.add(text, value)
    if wanted.requests is not None:
        filters.others.add(f"{{t}}.request_id IN ({placeholders(wanted.requests)})", *wanted.requests)
    if wanted.state:
        (filters.next if wanted.state == "undone" else filters.others).add(f"{_STATE} = ?", wanted.state)
    if wanted.since is not None:
        filters.others.add("{t}.merged_at >= ?", wanted.since)
    if wanted.until is not None:
        filters.others.add("{t}.merged_at < ?", wanted.until)
    return filters


def _bounds(wanted: WantedMerges, before: int) -> Conditions:
    """Each once: of two conditions on one side, SQLite seeks by the first."""
    bounds = Conditions()
    if wanted.until is not None:
        before = min(before, earliest(wanted.until + _ID_MAY_RUN_AHEAD))
    bounds.add("{t}.merge_id < ?", before)
    if wanted.since is not None:
        bounds.add("{t}.merge_id >= ?", earliest(wanted.since))
    return bounds


async def requests_of(store: Store, import_id: str) -> tuple[list[str], int, int]:
    """The requests that brought the rows of an import, and the moments of the first and of the last."""
    wanted = WantedEvents(action="import.rows", object=f"imp_{import_id}")
    found = await events(store, wanted, None, _MOST_CHUNKS, newest_first=True)
    if not found:
        return [], 0, 0
    return list({link.event.request_id for link in found}), found[-1].event.at, found[0].event.at


async def counts(store: Store, since: int, until: int) -> list[DayCount]:
    """By day and rule, for whole days from the one of `since` on."""
    first, last = earliest(since) // _IDS_OF_A_DAY, earliest(until) // _IDS_OF_A_DAY
    rows = await store.fetch(_COUNTS, (first, last))
    found = (
        DayCount(moment(day * _IDS_OF_A_DAY), rule, merged, undone) for rule, day, merged, undone in rows
    )
    return sorted(one for one in found if one.merged)


# The rules are few: each is found by one step over the index, and counted in a range of it for each day. Few merges are undone:
# those are found over the index of their state, which `|| ''` leaves as the only one.
_OF_A_DAY = f"m.merge_id >= days.day * {_IDS_OF_A_DAY} AND m.merge_id < (days.day + 1) * {_IDS_OF_A_DAY}"
_COUNTS = f"""
WITH RECURSIVE rules (rule) AS (
  SELECT MIN(rule) FROM merge
  UNION ALL SELECT (SELECT MIN(m.rule) FROM merge AS m WHERE m.rule > rules.rule) FROM rules WHERE rules.rule IS NOT NULL
), days (day) AS (
  SELECT CAST(? AS BIGINT) UNION ALL SELECT days.day + 1 FROM days WHERE days.day < ?
)
SELECT rules.rule, days.day,
  (SELECT COUNT(*) FROM merge AS m WHERE m.rule = rules.rule AND {_OF_A_DAY}),
  (SELECT COUNT(*) FROM merge AS m WHERE {_STATE.format(t="m")} = 'undone' AND {_OF_A_DAY} AND m.rule || '' = rules.rule)
FROM rules CROSS JOIN days WHERE rules.rule IS NOT NULL
"""
