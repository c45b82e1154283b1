"""The records of a snapshot as columns, and the keys under which records meet to be compared.

Comparing all with all is impossible from some ten thousand records on. Two records of one person nearly always share something
exact: an identifier, the local part of an address, a number without its country, the birthday and a name as it sounds, or the whole
name as it sounds. Each of these is a key. One that very many records share says nothing and is left out.
"""

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from itertools import combinations

import msgspec

from gateway.search.likeness import BETWEEN_NAMES, BETWEEN_VALUES, COMPARED
from gateway.store.snapshot import Snapshot
from rules.attributes import COMPARED_AS
from rules.compare.names import sounds_of
from rules.identifier import Identifier
from rules.record import Observation, Record
from rules.ruleset import AttributeKind, RuleSet

_KINDS = frozenset(("name", "given_name", "family_name", "date", "postcode", "address"))
_OF_A_PERSON = ("displayName", "firstName", "lastName", "dateOfBirth", "zip")
Pair = tuple[int, int]
"""Two records, the smaller id first."""
_ENDING = 9
_REMEMBERED = 200_000
_pack, _unpack = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder().decode
_KEY_BYTES = 7
"""Short enough for a positive number of 64 bits."""


@dataclass(slots=True)
class People:
    """One place a record in `records`, `profiles` and each of the `columns`. `key_of` and `keys` are pairs of a record's
    place and one of its keys.
    `digest` is of all that is compared. `stored` are the records themselves, packed, if a score may merge them."""

    records: "array[int]" = field(default_factory=lambda: array("q"))
    profiles: "array[int]" = field(default_factory=lambda: array("q"))
    columns: dict[str, list[str | None]] = field(default_factory=lambda: {one.name: [] for one in COMPARED})
    key_of: "array[int]" = field(default_factory=lambda: array("q"))
    keys: "array[int]" = field(default_factory=lambda: array("q"))
    stored: list[bytes] = field(default_factory=list[bytes])
    digest: str = ""


def attributes_of(rules: RuleSet) -> Mapping[str, AttributeKind]:
    """The attributes that are compared, with their kinds: the platform's, and those whose kind the rule file declares."""
    usual = {name: COMPARED_AS[name] for name in _OF_A_PERSON}
    return {name: kind for name, kind in (usual | {**rules.kinds}).items() if kind in _KINDS}


class Reading:
    """Takes note of one record after the other. The attributes of the snapshot go as they are read, to save memory, unless a
    score may merge: then they are asked for again."""

    def __init__(self, state: Snapshot, rules: RuleSet) -> None:
        self._attributes, self._kinds = state.attributes, attributes_of(rules)
        self._types = {
            kind: {name for name, one in rules.identifiers.items() if one.kind == kind}
            for kind in ("email", "phone")
        }
        self._keeps = rules.suggest.outcome == "merge"
        self._people, self._digest = People(), blake2b(digest_size=16)

    def note(self, record: Record) -> Record:
        people, number = self._people, record.record_id
        said = self._attributes.get(number) if self._keeps else self._attributes.pop(number, None)
        row = _row(record, said or {}, self._kinds, self._types)
        people.records.append(number)
        people.profiles.append(record.profile_id)
        for name, value in row.items():
            people.columns[name].append(value or None)
        for key in dict.fromkeys(_keys(row)):
            hashed = blake2b(key.encode(), digest_size=_KEY_BYTES).digest()
            people.key_of.append(len(people.records) - 1)
            people.keys.append(int.from_bytes(hashed, "big"))
        if self._keeps:
            people.stored.append(_packed(record))
        self._digest.update(f"{number} {record.profile_id} {sorted(row.items())}\n".encode())
        return record

    def people(self) -> People:
        self._people.digest = self._digest.hexdigest()
        return self._people


def read(state: Snapshot, rules: RuleSet) -> People:
    reading = Reading(state, rules)
    for record in state.records:
        reading.note(record)
    return reading.people()


def _packed(record: Record) -> bytes:
    seen = [
        (*key, one.first_seen, one.last_seen, one.verified, one.blocked, one.retired)
        for key, one in record.observations.items()
    ]
    return _pack((record.record_id, record.id_space, record.customer_id, record.created_at, seen))


def unpacked(stored: bytes, profile_id: int) -> Record:
    number, id_space, customer_id, created_at, seen = _unpack(stored)
    record = Record(number, id_space, customer_id, profile_id, created_at)
    for kind, value, *rest in seen:
        identifier = Identifier(kind, value)
        record.observations[identifier] = Observation(identifier, *rest)
    return record


def _row(
    record: Record,
    said: Mapping[str, str],
    kinds: Mapping[str, AttributeKind],
    types: Mapping[str, Collection[str]],
) -> dict[str, str]:
    by_kind: dict[str, str] = {}
    for name in sorted(said):
        if name in kinds and said[name].strip():
            by_kind.setdefault(kinds[name], said[name].strip())
    given, family = by_kind.get("given_name", ""), by_kind.get("family_name", "")
    name = f"{given}{BETWEEN_NAMES}{family}" if given or family else by_kind.get("name", "")
    return {
        "name": name,
        "birth": by_kind.get("date", ""),
        "email": BETWEEN_VALUES.join(_held(record, types["email"])),
        "phone": BETWEEN_VALUES.join(_held(record, types["phone"])),
        "postcode": by_kind.get("postcode", ""),
        "address": by_kind.get("address", ""),
    }


def _held(record: Record, types: Collection[str]) -> list[str]:
    """The values that the rules would take as keys."""
    return sorted(
        identifier.value
        for identifier, seen in record.observations.items()
        if identifier.type in types and seen.is_live
    )


def _keys(row: Mapping[str, str]) -> Iterator[str]:
    for address in filter(None, row["email"].split(BETWEEN_VALUES)):
        yield f"e {address.rpartition('@')[0]}"
        yield f"E {address}"
    for number in filter(None, row["phone"].split(BETWEEN_VALUES)):
        yield f"p {number[-_ENDING:]}"
    words = [word for part in row["name"].split(BETWEEN_NAMES) for word in _sounds(part)]
    if row["birth"]:
        yield from (f"b {row['birth']} {sound}" for word in words for sound in word)
    yield from (f"n {' '.join(sorted(pair))}" for pair in _pairs(words))
    if row["postcode"]:
        yield from (f"z {row['postcode']} {sound}" for word in words for sound in word)


@lru_cache(_REMEMBERED)
def _sounds(part: str) -> list[list[str]]:
    """The sounds of each word of a given or a family name. Many people share these, so the cache is worth it; few share a whole
    name."""
    return [sorted(word) for word in sounds_of(part)]


def _pairs(words: Iterable[Iterable[str]]) -> Iterator[tuple[str, str]]:
    """A sound of one word with a sound of another."""
    for one, other in combinations(list(words), 2):
        for sound in one:
            for second in other:
                yield sound, second
