"""Live profiles that look like one person but are apart, by what they have in common. Nothing here merges anything. Each question
walks over the keys that can have an answer, in order, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

from gateway.store import Store
from gateway.store.tables.identity import OF_KEY
from rules.identifier import CANONICAL_SUFFIX

Reason = Literal["same_identifier", "provider_form", "number_ending", "customer_id"]
REASONS: tuple[Reason, ...] = get_args(Reason)
ENDING = 9
"""Digits of a number that are the same however its country was written."""
MOST_MEMBERS = 50
Place = tuple[str, str]
"""The type and value of the last group of a page. For a reason without types, the value alone counts."""
START: Place = ("", "")


class Member(NamedTuple):
    """A record with the value that it shares, as the record has it."""

    profile_id: int
    record_id: int
    id_space: str
    customer_id: str
    value: str


@dataclass(slots=True)
class Group:
    """Profiles that have (type, value) in common; `state` is that of the key. If very many hold the value, `members` are only the
    first ones; `profiles` and `records` count all."""

    reason: Reason
    type: str
    value: str
    state: str
    profiles: int
    records: int
    members: list[Member] = field(default_factory=list)

    @property
    def place(self) -> Place:
        return self.type, self.value


# CROSS JOIN keeps the walk in the order of the keys: nothing is sorted, and a page ends when it is full
_APART = f"""
SELECT o.type, o.value, COALESCE(NULLIF(MAX(s.state), 'normal'), CASE WHEN MAX(o.blocked) = 1 THEN 'blocked' ELSE 'normal' END),
       COUNT(DISTINCT r.profile_id), COUNT(*)
FROM observation AS o CROSS JOIN record AS r ON r.record_id = o.record_id {OF_KEY}
WHERE EXISTS (SELECT 1 FROM observation AS h WHERE h.type = o.type AND h.value = o.value AND h.record_id <> o.record_id)
AND o.type {{kind}} '%{CANONICAL_SUFFIX}' AND (o.type, o.value) > (?, ?)
GROUP BY o.type, o.value HAVING COUNT(DISTINCT r.profile_id) > 1{{more}} ORDER BY o.type, o.value LIMIT ?
"""
# An address that is the same as written is reported as that, not again in its provider's form
_DIFFERS = f"""
 AND (SELECT COUNT(DISTINCT w.value) FROM observation AS c CROSS JOIN observation AS w ON w.record_id = c.record_id
      AND w.type = REPLACE(o.type, '{CANONICAL_SUFFIX}', '') WHERE c.type = o.type AND c.value = o.value) > 1
"""
_ENDING = f"CASE WHEN LENGTH(o.value) > {ENDING} THEN SUBSTR(o.value, LENGTH(o.value) - {ENDING - 1}) ELSE o.value END"
_ENDINGS = f"""
SELECT o.type, {_ENDING} AS ending, 'normal', COUNT(DISTINCT r.profile_id), COUNT(*)
FROM observation AS o JOIN record AS r ON r.record_id = o.record_id
WHERE o.value LIKE '+%' AND o.type IN ({{types}}) AND (o.type, {_ENDING}) > (?, ?)
GROUP BY o.type, ending HAVING COUNT(DISTINCT r.profile_id) > 1 AND COUNT(DISTINCT o.value) > 1
ORDER BY o.type, ending LIMIT ?
"""
_CUSTOMER_IDS = """
SELECT '', customer_id, 'normal', COUNT(DISTINCT profile_id), COUNT(*) FROM record WHERE customer_id > ?
GROUP BY customer_id HAVING COUNT(DISTINCT profile_id) > 1 ORDER BY customer_id LIMIT ?
"""


async def duplicates(
    store: Store, reason: Reason, after: Place, limit: int, phones: Sequence[str]
) -> list[Group]:
    """Groups after `after`. `phones` are the identifier types that hold numbers."""
    if reason == "number_ending" and not phones:
        return []
    match reason:
        case "same_identifier":
            sql, values = _APART.format(kind="NOT LIKE", more=""), after
        case "provider_form":
            sql, values = _APART.format(kind="LIKE", more=_DIFFERS), after
        case "number_ending":
            sql, values = _ENDINGS.format(types=",".join("?" * len(phones))), (*phones, *after)
        case "customer_id":
            sql, values = _CUSTOMER_IDS, after[1:]
    rows = await store.fetch(sql, (*values, limit))
    groups = {row[:2]: Group(reason, *row) for row in rows}
    if groups:
        for kind, value, *member in await _members(store, reason, list(groups)):
            groups[kind, value].members.append(Member(*member))
    return list(groups.values())


_MEMBERS = f"""
WITH found AS (
  SELECT {{shared}}, r.profile_id, r.record_id, r.id_space, r.customer_id, {{own}} AS own,
         ROW_NUMBER() OVER (PARTITION BY {{key}} ORDER BY r.profile_id, r.record_id) AS place
  FROM {{joined}}
) SELECT type, value, profile_id, record_id, id_space, customer_id, own FROM found
WHERE place <= {MOST_MEMBERS} ORDER BY type, value, profile_id, record_id
"""
_BY_KEY = """(WITH wanted (type, value) AS (VALUES {wanted}) SELECT * FROM wanted) AS w
CROSS JOIN observation AS o ON o.type = w.type AND o.value = w.value
CROSS JOIN record AS r ON r.record_id = o.record_id"""
_BY_ENDING = f"""observation AS o JOIN record AS r ON r.record_id = o.record_id
WHERE o.value LIKE '+%' AND (o.type, {_ENDING}) IN (VALUES {{wanted}})"""
_BY_CUSTOMER_ID = "record AS r WHERE ('', r.customer_id) IN (VALUES {wanted})"
_WRITTEN = f"""COALESCE((SELECT MIN(a.value) FROM observation AS a WHERE a.record_id = r.record_id
AND a.type = REPLACE(o.type, '{CANONICAL_SUFFIX}', '')), '')"""
_HOW = {
    "same_identifier": ("o.type", "o.value", "o.value", _BY_KEY),
    "provider_form": ("o.type", "o.value", _WRITTEN, _BY_KEY),
    "number_ending": ("o.type", _ENDING, "o.value", _BY_ENDING),
    "customer_id": ("''", "r.customer_id", "r.customer_id", _BY_CUSTOMER_ID),
}
"""By reason: the shared type and value, the record's own value, and the tables to look in."""


async def _members(store: Store, reason: Reason, keys: Sequence[Place]) -> list[tuple[Any, ...]]:
    kind, value, own, source = _HOW[reason]
    sql = _MEMBERS.format(
        shared=f"{kind} AS type, {value} AS value",
        key=f"{kind}, {value}",
        own=own,
        joined=source.format(wanted=",".join(["(?, ?)"] * len(keys))),
    )
    return await store.fetch(sql, [part for key in keys for part in key])
