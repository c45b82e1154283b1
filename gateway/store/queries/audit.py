"""The audit log for readers: filtered pages in either direction, and the whole chain for verification.

Event ids grow with time, so a span of time is a range of the primary key. Profiles, objects and requests are found in the `lookup`
table up to its watermark, and by reading the few newer rows.
"""

import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from gateway.audit.chain import Link
from gateway.audit.checkpoint import NONE_MOVED, VERSION_2, Checkpoint, Moved, read_state
from gateway.audit.event import AuditEvent
from gateway.audit.verify import Cut
from gateway.clock import MINUTE
from gateway.ids import Ids
from gateway.store import Store
from gateway.store.queries.profiles import placeholders

_COLUMNS = "chain, seq, hash, event_id, at, action, outcome, channel, actor, profile, object, request_id, reason, detail, bound"
NEWEST = (1 << 63) - 1
_CHUNK = 500
"""Links checked between two pauses of the event loop: a few milliseconds."""
_ID_MAY_RUN_AHEAD = 10 * MINUTE
"""An id is never older than its event, but a burst may use later ones."""


@dataclass(slots=True, kw_only=True)
class WantedEvents:
    """Every filter that is given must hold. `since` is inside, `until` is not. `action` may end in `*`. `profiles` are
    alternatives, because an event keeps the id that the profile had then. `after` is an event id, which is outside."""

    since: int | None = None
    until: int | None = None
    action: str = ""
    outcome: str = ""
    channel: str = ""
    actor: str = ""
    profiles: list[str] | None = None
    object: str = ""
    request_id: str = ""
    after: int | None = None


async def events(
    store: Store, wanted: WantedEvents, place: int | None, limit: int, *, newest_first: bool
) -> list[Link]:
    """The next `limit` events after the event id `place` in this direction."""
    conditions, values = _conditions(wanted)
    if place is not None:
        conditions.append("event_id < ?" if newest_first else "event_id > ?")
        values.append(place)
    rows = await store.fetch(
        f"SELECT {_COLUMNS} FROM audit WHERE {' AND '.join(conditions)}"
        f" ORDER BY event_id {'DESC' if newest_first else 'ASC'} LIMIT ?",
        (*values, limit),
    )
    return [_link(row) for row in rows]


async def newest_event(store: Store) -> int:
    """0 in an empty log."""
    rows = await store.fetch("SELECT event_id FROM audit ORDER BY event_id DESC LIMIT 1")
    return rows[0][0] if rows else 0


async def words(store: Store, found: Iterable[Link]) -> dict[int, str]:
    """The words that are stored beside these events, as JSON by event id. Erased ones are missing."""
    apart = [link.event.event_id for link in found if '"words":' in link.event.detail]
    if not apart:
        return {}
    return dict(
        await store.fetch(
            f"SELECT event_id, words FROM audit_words WHERE event_id IN ({placeholders(apart)})", apart
        )
    )


async def any_with(store: Store, column: Literal["channel", "outcome", "actor"], value: str) -> bool:
    """Whether any event has this value; reads the whole log if none has."""
    return bool(await store.fetch(f"SELECT 1 FROM audit WHERE {column} = ? LIMIT 1", (value,)))


async def links(store: Store, after: int = 0, before: int = NEWEST) -> AsyncIterator[list[Link]]:
    """The log between two event ids, in chunks; the links of one chain come in order."""
    while rows := await store.fetch(
        f"SELECT {_COLUMNS} FROM audit WHERE event_id > ? AND event_id < ? ORDER BY event_id LIMIT ?",
        (after, before, _CHUNK),
    ):
        chunk = [_link(row) for row in rows]
        after = chunk[-1].event.event_id
        yield chunk


async def findable(store: Store) -> int:
    """The newest event that the look-up table should have."""
    rows = await store.fetch("SELECT row_id FROM lookup_progress WHERE source = 'audit'")
    return rows[0][0] if rows else 0


async def hidden(store: Store, chunk: list[Link], newest: int) -> list[int]:
    """The first event of a chunk of the whole log, up to `newest`, that the look-up table does not have under all its values."""
    first, last = chunk[0].event.event_id, min(chunk[-1].event.event_id, newest)
    return [row[0] for row in await store.fetch(_HIDDEN, (first, last))]


async def cuts(store: Store) -> list[Cut]:
    """The records of archived segments, in order."""
    rows = await store.fetch("SELECT segment, event_id, header FROM audit_cut ORDER BY segment")
    return [Cut(*row) for row in rows]


async def any_between(store: Store, after: int, before: int) -> bool:
    """Whether the log has an event between two ids."""
    rows = await store.fetch(
        "SELECT 1 FROM audit WHERE event_id > ? AND event_id < ? LIMIT 1", (after, before)
    )
    return bool(rows)


async def newest_cut(store: Store) -> Cut | None:
    rows = await store.fetch("SELECT segment, event_id, header FROM audit_cut ORDER BY segment DESC LIMIT 1")
    return Cut(*rows[0]) if rows else None


async def checkpoints(store: Store) -> list[Checkpoint]:
    rows = await store.fetch(
        "SELECT checkpoint_id, at, heads, signature FROM audit_checkpoint ORDER BY checkpoint_id"
    )
    return [Checkpoint(*row) for row in rows]


async def checkpoints_behind(
    store: Store, checkpoint_id: int, limit: int = _CHUNK, *, upto: int = NEWEST
) -> list[Checkpoint]:
    """The next ones, in order."""
    rows = await store.fetch(
        "SELECT checkpoint_id, at, heads, signature FROM audit_checkpoint WHERE checkpoint_id > ?"
        " AND checkpoint_id <= ? ORDER BY checkpoint_id LIMIT ?",
        (checkpoint_id, upto, limit),
    )
    return [Checkpoint(*row) for row in rows]


async def moved_to_archive(store: Store) -> Moved:
    """The checkpoints that are in the archive, as the newest one says that can be read."""
    place = NEWEST
    while rows := await store.fetch(
        f"SELECT checkpoint_id, heads FROM audit_checkpoint WHERE heads LIKE '{VERSION_2}%' AND checkpoint_id < ?"
        " ORDER BY checkpoint_id DESC LIMIT 1",
        (place,),
    ):
        place, heads = rows[0]
        with contextlib.suppress(msgspec.MsgspecError):
            if (state := read_state(heads)) is not None:
                return state.gone if state.gone.number < NEWEST else NONE_MOVED
    return NONE_MOVED


def _link(row: tuple[Any, ...]) -> Link:
    chain, seq, digest, *event, bound = row
    return Link(chain, seq, digest, AuditEvent(*event), bound)


def _conditions(wanted: WantedEvents) -> tuple[list[str], list[Any]]:
    conditions, values = _span(wanted)
    for column in ("outcome", "channel", "actor"):
        if value := getattr(wanted, column):
            conditions.append(f"{column} = ?")
            values.append(value)
    if wanted.action.endswith("*"):
        conditions.append("action >= ? AND action < ?")
        values += [wanted.action[:-1], wanted.action[:-1] + "\x7f"]
    elif wanted.action:
        conditions.append("action = ?")
        values.append(wanted.action)
    _add_looked_up(wanted, conditions, values)
    return conditions, values


def _span(wanted: WantedEvents) -> tuple[list[str], list[Any]]:
    lowest, highest = (0 if wanted.after is None else wanted.after + 1), NEWEST
    conditions, values = [f"event_id >= ? AND event_id < ? AND event_id > {ARCHIVED}"], list[Any]()
    if wanted.since is not None:
        lowest = max(lowest, min(Ids(0).next(wanted.since), NEWEST))
        conditions.append("at >= ?")
        values.append(wanted.since)
    if wanted.until is not None:
        highest = min(Ids(0).next(wanted.until + _ID_MAY_RUN_AHEAD), NEWEST)
        conditions.append("at < ?")
        values.append(wanted.until)
    return conditions, [lowest, highest, *values]


def _add_looked_up(wanted: WantedEvents, conditions: list[str], values: list[Any]) -> None:
    fields = (
        ("profile", wanted.profiles),
        ("object", [wanted.object] if wanted.object else None),
        ("request_id", [wanted.request_id] if wanted.request_id else None),
    )
    for column, alternatives in fields:
        if alternatives is not None:
            among = placeholders(alternatives)
            conditions.append(
                f"event_id IN (SELECT row_id FROM lookup WHERE field = ? AND value IN ({among})"
                f" UNION ALL SELECT event_id FROM audit WHERE event_id > {_WATERMARK} AND {column} IN ({among}))"
            )
            values += [f"audit.{column}", *alternatives, *alternatives]


_NOT_LISTED = """
(a.{0} <> '' AND NOT EXISTS (
  SELECT 1 FROM lookup AS l WHERE l.field = 'audit.{0}' AND l.value = a.{0} AND l.row_id = a.event_id
))"""
_HIDDEN = f"""
SELECT a.event_id FROM audit AS a WHERE a.event_id >= ? AND a.event_id <= ?
AND ({" OR ".join(map(_NOT_LISTED.format, ("profile", "object", "request_id")))}) ORDER BY a.event_id LIMIT 1
"""
ARCHIVED = (
    "COALESCE((SELECT event_id FROM audit_cut WHERE segment = (SELECT MAX(segment) FROM audit_cut)), 0)"
)
"""Events up to this id are in the archive; those that are still in the table are being removed."""
_WATERMARK = "COALESCE((SELECT row_id FROM lookup_progress WHERE source = 'audit'), 0)"
