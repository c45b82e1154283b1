"""`python -m gateway.processes.plan NOW`: the effect of a rule file on the whole database, as JSON on stdout. Stdin has the
database's URL on the first line, because it may hold a password, and then the rule file.

It is a separate process, because it computes for seconds over all records while the gateway serves. It writes nothing (I21).
"""

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial

import msgspec

from gateway.processes.snapshot import given, open_snapshot
from gateway.search.findings import find
from gateway.search.people import People, Reading, attributes_of
from gateway.store.snapshot import Snapshot
from rules.batch.partition import Partition, partition
from rules.batch.pieces import Piece
from rules.identifier import Identifier
from rules.normalize import Normalizer
from rules.plan import Plan, PlannedChange, plan
from rules.policy import Policy
from rules.record import Observation, Profile, Record
from rules.ruleset import HAS, ID_SPACE, RuleSet
from rules.score_merge import RULE
from rules.survivor import survivor

_ASKED = "rule"
_SAMPLE = 5
_REMEMBERED = 4_096
_NONE: Mapping[str, str] = {}


def planned(url: str, rules: RuleSet, now: int) -> Plan:
    policy = Policy(rules)
    reads = attributes_of(rules) if rules.suggest.outcome == "merge" else {}
    with open_snapshot(url, {*policy.kinds, *reads}) as state:
        normalizer = Normalizer(rules, state.own_lists)
        marks = _Marks(rules)
        records = map(marks.note, _as_stated_now(state.records, normalizer))
        reading = Reading(state, rules) if reads else None
        after = partition(
            records if reading is None else map(reading.note, records),
            state.pins,
            policy,
            now=now,
            balances=state.balances,
            attributes=partial(_texts, state) if policy.kinds else None,
        )
        found = plan(state.profiles, after, state.balances, survivor=marks.survivor, names=state.names)
        return found if reading is None else _with_scores(found, reading.people(), after, state, rules, now)


def _with_scores(
    found: Plan, people: People, after: Partition, state: Snapshot, rules: RuleSet, now: int
) -> Plan:
    """The plan with what the first search would merge once the rules have grouped all records."""
    homes = {record_id: min(group) for group in after.groups for record_id in group}
    people.profiles = array("q", map(homes.__getitem__, people.records))
    asked = ((homes[one.record_a], homes[one.record_b]) for one in after.refused if one.asks)
    state.asked = {(min(pair), max(pair)): _ASKED for pair in asked}
    findings = find(people, state, rules, now, lambda _: None)
    if not findings.has_extra:
        return found
    shown = findings.merges[:_SAMPLE]
    wanted = {record_id for one in shown for record_id in (one.record_a, one.record_b)}
    on = {
        one: profile_id
        for profile_id, records in state.profiles.items()
        for one in wanted.intersection(records)
    }
    cases = (
        PlannedChange(
            "merge",
            tuple(sorted({on[one.record_a], on[one.record_b]})),
            (one.record_a, one.record_b),
            one.points,
            RULE,
            tuple(f"{each.what}:{each.level}" for each in one.comparisons if each.weight > 0),
        )
        for one in shown
    )
    return replace(found, by_score=len(findings.merges), cases=(*found.cases, *cases))


def _as_stated_now(records: Iterable[Record], normalizer: Normalizer) -> Iterator[Record]:
    """The records without the values that these rules would not take as keys. The same few values occur again and again."""
    blocks = lru_cache(_REMEMBERED)(normalizer.blocks)
    for record in records:
        for identifier, seen in record.observations.items():
            seen.blocked = seen.blocked or blocks(identifier)
        yield record


class _Marks:
    """What `merge.survivor` asks about a profile, stored for each record if it asks for more than age and size."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self._types = {one.removeprefix(HAS) for one in rules.merge.survivor if one.startswith(HAS)}
        self._spaces = {
            one.removeprefix(ID_SPACE) for one in rules.merge.survivor if one.startswith(ID_SPACE)
        }
        self._marked: dict[int, tuple[str, frozenset[str]]] = {}

    def note(self, record: Record) -> Record:
        types = frozenset(
            one.type for one, seen in record.observations.items() if one.type in self._types and seen.is_live
        )
        if types or record.id_space in self._spaces:
            self._marked[record.record_id] = record.id_space, types
        return record

    def survivor(self, pieces: Sequence[Piece]) -> Piece:
        """Which piece's profile would survive a merge. Ids grow with time, so they tell the age."""
        profiles = {piece.lives_as: self._profile(piece) for piece in pieces}
        stays = survivor(self._rules, list(profiles.values())).profile_id
        return next(piece for piece in pieces if piece.lives_as == stays)

    def _profile(self, piece: Piece) -> Profile:
        profile = Profile(piece.lives_as, created_at=piece.lives_as)
        for record_id in piece.records:
            space, types = self._marked.get(record_id, ("", frozenset[str]()))
            held = {key: Observation(key, 0, 0) for key in (Identifier(type_, "") for type_ in types)}
            profile.records[record_id] = Record(record_id, space, "", piece.lives_as, 0, held)
        return profile


def _texts(state: Snapshot, record_id: int) -> Mapping[str, str]:
    return state.attributes.get(record_id, _NONE)


def main(now: str) -> None:
    url, rules = given()
    sys.stdout.buffer.write(msgspec.json.encode(planned(url, rules, int(now))))


if __name__ == "__main__":
    main(*sys.argv[1:])
