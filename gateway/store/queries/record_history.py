"""What happened to the records of a profile, for `rules.explain.how`: arrivals and splits from the audit log, merges from their
rows."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from gateway.ids import read, show
from gateway.model import MergeRow
from gateway.store import Store
from gateway.store.queries.audit import ARCHIVED, WantedEvents, events
from gateway.store.queries.profiles import ids_leading_to, placeholders
from gateway.store.tables.merges import MERGE
from rules.explain import Arrival, HowStep, Merging, Splitting, how, places

_ALL = 1 << 62
_SHOWN_OF_A_RULE_SET = 16
"""Of its SHA-256, as audit events have it."""
_AT_ONCE = 5_000
"""Records about which one statement asks; engines limit its parameters."""
_MERGE = f"SELECT {MERGE.select('m')} FROM merge AS m"


@dataclass(slots=True)
class History:
    """Everything in the history of one profile. An undo is in `undos` by its time and its two profiles. Arrivals are those `among`
    these records, or all."""

    records: set[int]
    profiles: set[int]
    among: Collection[int] | None = None
    arrivals: dict[int, Arrival] = field(default_factory=dict)
    merges: dict[int, MergeRow] = field(default_factory=dict)
    splits: list[Splitting] = field(default_factory=list)
    undos: set[tuple[int, int, int]] = field(default_factory=set)


async def steps(store: Store, profile_id: int, among: Collection[int] | None = None) -> tuple[HowStep, ...]:
    """How a live profile came to be, oldest step first. With `among`, only arrivals of these records are among the steps: to read
    how each of very many arrived is most of the work."""
    rows = await store.fetch("SELECT record_id FROM record WHERE profile_id = ?", (profile_id,))
    past = History({record_id for (record_id,) in rows}, {profile_id}, among)
    if among is not None:  # where the other records arrived, which is not asked, would lead there too
        past.profiles.update(await ids_leading_to(store, profile_id))
    size = 0
    while size != (size := len(past.records) + len(past.profiles)):
        await _add_arrivals(store, past)
        await _add_merges(store, past)
        await _add_splits(store, past)
    merges = [
        Merging(
            m.merge_id,
            m.merged_at,
            m.survivor_id,
            m.absorbed_id,
            m.absorbed_records,
            m.rule,
            rule_set=m.rule_set[:_SHOWN_OF_A_RULE_SET],
        )
        for m in past.merges.values()
    ]
    found = how(profile_id, past.arrivals.values(), merges, past.splits)
    return tuple(
        step._replace(what="undone") if (step.at, step.source_id, step.profile_id) in past.undos else step
        for step in found
    )


class PastProfile(NamedTuple):
    """The live profile that an id led to at a moment, and the records that were on it."""

    profile_id: int
    records: list[int]


async def at_moment(store: Store, profile_id: int, at: int) -> PastProfile | None:
    """An id leads wherever the record is that its profile is named after (I23), so its way back is that record's. None: the
    person was not known yet, is erased, or the log of their beginning is archived."""
    rows = await store.fetch(
        "SELECT p.named_after, r.profile_id FROM profile AS p JOIN record AS r ON r.record_id = p.named_after"
        " WHERE p.profile_id = ?",
        (profile_id,),
    )
    if not rows:
        return None
    [(named_after, home)] = rows
    where = places(step for step in await steps(store, home) if step.at <= at)
    if named_after not in where:
        return None
    then = where[named_after]
    return PastProfile(then, sorted(record_id for record_id, place in where.items() if place == then))


async def _add_arrivals(store: Store, past: History) -> None:
    """A record arrives with its first decision, on the profile that the event names; that one may have been absorbed since."""
    records = past.records if past.among is None else past.records.intersection(past.among)
    unknown = sorted(records - past.arrivals.keys())
    for start in range(0, len(unknown), _AT_ONCE):
        await _add_some_arrivals(store, past, [show("rec", one) for one in unknown[start : start + _AT_ONCE]])


async def _add_some_arrivals(store: Store, past: History, new: list[str]) -> None:
    rows = await store.fetch(
        f"""
        SELECT object, at, profile, detail FROM audit WHERE event_id IN (
          SELECT row_id FROM lookup WHERE field = 'audit.object' AND value IN ({placeholders(new)})
          UNION ALL SELECT event_id FROM audit WHERE event_id > {_WATERMARK} AND object IN ({placeholders(new)})
        ) AND event_id > {ARCHIVED} AND action >= 'identity.' AND action < 'identity/' ORDER BY event_id
        """,
        (*new, *new),
    )
    for record, at, profile, detail in rows:
        record_id, place = read("rec", record), read("prf", profile)
        if record_id is not None and place is not None and record_id not in past.arrivals:
            said = msgspec.json.decode(detail)
            past.arrivals[record_id] = Arrival(
                record_id, at, record_id, place, said["rule"], said.get("rule_set", "")
            )
            past.profiles.add(place)


async def _add_merges(store: Store, past: History) -> None:
    among = placeholders(list(past.profiles))
    rows = await store.fetch(
        f"{_MERGE} WHERE m.survivor_id IN ({among}) UNION {_MERGE} WHERE m.absorbed_id IN ({among})",
        (*past.profiles, *past.profiles),
    )
    for row in rows:
        merge = MERGE.read(row)
        past.merges[merge.merge_id] = merge
        past.profiles |= {merge.survivor_id, merge.absorbed_id}
        past.records.update(merge.survivor_records, merge.absorbed_records)


async def _add_splits(store: Store, past: History) -> None:
    """For every part that left one of the profiles. An undo of a merge is a split too, with exactly the records of the merge."""
    wanted = WantedEvents(action="identity.split", profiles=[show("prf", one) for one in past.profiles])
    past.splits.clear()
    for link in await events(store, wanted, None, _ALL, newest_first=False):
        event = link.event
        source = _number("prf", event.profile)
        for part, records in msgspec.json.decode(event.detail, type=_Parted).parts.items():
            left = tuple(_number("rec", record) for record in records)
            split = Splitting(event.event_id, event.at, source, _number("prf", part), left)
            past.splits.append(split)
            past.profiles.add(split.profile_id)
            past.records.update(left)
            if event.reason == "undo":
                past.undos.add((split.at, source, split.profile_id))


class _Parted(msgspec.Struct):
    parts: dict[str, list[str]]


def _number(prefix: Any, text: str) -> int:
    number = read(prefix, text)
    assert number is not None  # noqa: S101 - the gateway wrote it
    return number


_WATERMARK = "COALESCE((SELECT row_id FROM lookup_progress WHERE source = 'audit'), 0)"
