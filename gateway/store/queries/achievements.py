"""Achievements, with the filters that operators search them by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gateway.ids import earliest
from gateway.model import Achievement
from gateway.store import Store
from gateway.store.queries.profiles import placeholders
from gateway.store.queries.window import Filters, newest, within
from gateway.store.tables.achievements import ACHIEVEMENT


class PlacedAchievement(NamedTuple):
    """An achievement with its present profile (None: erased) and its reward."""

    achievement: Achievement
    profile_id: int | None
    points: int
    score: int
    coupon_code: str


@dataclass(slots=True, kw_only=True)
class WantedAchievements:
    """Every filter that is given must hold. `records`: those of these records, up to the moment `until`. Accepted at `since` or
    later."""

    state: str = ""
    profile_id: int | None = None
    records: Sequence[int] | None = None
    until: int | None = None
    achievement_id: int | None = None
    campaign_id: int | None = None
    since: int | None = None


@dataclass(slots=True, kw_only=True)
class WantedRetries:
    """Every filter that is given must hold. Accepted at `since` or later, and before `until`."""

    state: str = ""
    campaign_id: int | None = None
    since: int | None = None
    until: int | None = None


async def achievements(
    store: Store, wanted: WantedAchievements, before: int, limit: int
) -> list[PlacedAchievement]:
    """Newest first, with an id below `before`."""
    conditions, values = ["a.achievement_id < ?"], list[Any]([before])
    exact = (("state", wanted.state or None), ("campaign_id", wanted.campaign_id))
    for column, value in (*exact, ("achievement_id", wanted.achievement_id)):
        if value is not None:
            conditions.append(f"a.{column} = ?")
            values.append(value)
    if wanted.profile_id is not None:
        belongs, records = await of_profile(store, wanted.profile_id)
        conditions.append(belongs)
        values += records
    if wanted.records is not None:
        belongs, records = _of_records(wanted.records)
        conditions.append(belongs)
        values += records
    if wanted.until is not None:
        conditions.append("a.accepted_at <= ?")
        values.append(wanted.until)
    if wanted.since is not None:
        conditions.append("a.achievement_id >= ?")
        values.append(earliest(wanted.since))
    rows = await store.fetch(
        f"SELECT {ACHIEVEMENT.select('a')}, r.profile_id, COALESCE(l.points, 0), COALESCE(l.score, 0),"
        " COALESCE(l.coupon_code, '') FROM achievement a LEFT JOIN record r ON r.record_id = a.record_id"
        " LEFT JOIN ledger l ON l.record_id = a.record_id AND l.campaign_id = a.campaign_id"
        " AND l.achievement_id = a.achievement_id"
        f" WHERE {' AND '.join(conditions)} ORDER BY a.achievement_id DESC LIMIT ?",
        (*values, limit),
    )
    return [PlacedAchievement(ACHIEVEMENT.read(row[:-4]), *row[-4:]) for row in rows]


async def undecided(
    store: Store, wanted: WantedRetries, before: int, limit: int
) -> tuple[list[Achievement], int | None]:
    """Those that a person may have decided or reported again, newest first; and the id after which to continue. An index finds
    failed and dead ones; ignored ones are looked for among all."""
    filters = Filters()
    match wanted.state:
        case "failed":
            filters.indexed.add("{t}.state = 'failed'")
        case "dead":
            filters.indexed.add("{t}.state = 'dead'")
        case state:
            filters.others.add("{t}.state = ?", state)
    if wanted.campaign_id is not None:
        filters.others.add("{t}.campaign_id = ?", wanted.campaign_id)
    bounds = within("achievement_id", before, wanted.since, wanted.until)
    return await newest(store, ACHIEVEMENT, filters, bounds, limit)


_WATERMARK = "COALESCE((SELECT row_id FROM lookup_progress WHERE source = 'achievement'), 0)"


async def of_profile(store: Store, profile_id: int) -> tuple[str, list[Any]]:
    """A condition on `achievement a`, with its values: it belongs to this profile now."""
    rows = await store.fetch("SELECT record_id FROM record WHERE profile_id = ?", (profile_id,))
    return _of_records([record_id for (record_id,) in rows])


def _of_records(records: Sequence[int]) -> tuple[str, list[Any]]:
    """A condition on `achievement a`, with its values: that it is of one of these records."""
    if not records:
        return "1 = 0", []
    among = placeholders(records)
    return f"a.achievement_id IN ({achievements_among(among)})", [
        *(f"{record_id:016x}" for record_id in records),
        *records,
    ]


def achievements_among(among: str) -> str:
    """A query for those of some records. `among` are the placeholders of the records, which are given as hexadecimal text, then as
    numbers."""
    return (
        f"SELECT row_id FROM lookup WHERE field = 'achievement.record' AND value IN ({among})"
        " UNION ALL SELECT achievement_id FROM achievement"
        f" WHERE achievement_id > {_WATERMARK} AND record_id IN ({among})"
    )
