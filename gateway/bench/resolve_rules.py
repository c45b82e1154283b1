"""Decisions of `rules.online.resolve` alone, under the default rule set, over a state that fits in memory. Run as `python -m
gateway.bench.resolve_rules`."""

import gc
import sys
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from gateway.bench.normalise_rules import default_rules
from gateway.bench.workload import person
from rules.identifier import Evidence, Identifier
from rules.online.resolve import resolve
from rules.policy import Policy
from rules.record import Judgement, Key, Observation, Profile, Record

NOW = 1_750_000_000_000
RECORDS_EACH = 3
WARM_UP = 1_000
_SPACES = ("web", "mobile", "callcenter")


class Question(msgspec.Struct, frozen=True):
    """Decide about this many people, each with two identifiers."""

    people: int


class Pace(msgspec.Struct, frozen=True):
    """Decisions a second of CPU: on new records of profiles that are there, and of unknown people."""

    known: float
    unknown: float


class _State(NamedTuple):
    """Implements `rules.record.View`. Each person in it has a profile of three records, no points and no pins."""

    keys: Mapping[Identifier, Key]
    profiles: Mapping[int, Profile]

    def record(self, id_space: str, customer_id: str) -> Record | None:
        return None

    def key(self, identifier: Identifier) -> Key:
        return self.keys[identifier]

    def profile(self, profile_id: int) -> Profile:
        return self.profiles[profile_id]

    def pins(self, record_ids: Iterable[int]) -> Iterable[Judgement]:
        return ()

    def balance(self, profile_id: int) -> int:
        return 0


def _state(people: int) -> _State:
    """The first `people` exist. For as many more there are only keys, which no record holds."""
    keys: dict[Identifier, Key] = {}
    profiles: dict[int, Profile] = {}
    for number in range(people):
        seen = {identifier: Observation(identifier, NOW, NOW) for identifier in _identifiers(number)}
        records = {
            record_id: Record(record_id, space, f"c{number}", number, NOW, dict(seen))
            for record_id, space in enumerate(_SPACES, RECORDS_EACH * number)
        }
        profiles[number] = Profile(number, NOW, records=records)
        keys |= {one: Key(one, owner=number, holders=RECORDS_EACH, profiles=(number,)) for one in seen}
    for number in range(people, 2 * people):
        keys |= {one: Key(one) for one in _identifiers(number)}
    return _State(keys, profiles)


def _identifiers(number: int) -> tuple[Identifier, Identifier]:
    who = person(number)
    return Identifier("mobile", who.mobile), Identifier("email", who.email)


def _timed(state: _State, policy: Policy, people: range, outcome: str) -> float:
    asked = [tuple(map(Evidence, _identifiers(number))) for number in people]
    began = time.process_time()
    others = sum([_decide(state, policy, evidence) != outcome for evidence in asked])
    took = time.process_time() - began
    if others:
        raise SystemExit(f"{others} decisions were not {outcome}")
    return took


def _decide(state: _State, policy: Policy, evidence: tuple[Evidence, ...]) -> str | None:
    decision = resolve(state, policy, id_space="pos", customer_id="new", evidence=evidence, now=NOW)
    return decision.outcome if decision else None


def main() -> None:
    people = msgspec.json.decode(sys.stdin.buffer.read(), type=Question).people
    policy, state = Policy(default_rules()), _state(people)
    gc.freeze()  # as the gateway does
    gc.set_threshold(50_000, 50, 50)
    _timed(state, policy, range(min(people, WARM_UP)), "attached")
    pace = Pace(
        people / _timed(state, policy, range(people), "attached"),
        people / _timed(state, policy, range(people, 2 * people), "created"),
    )
    sys.stdout.buffer.write(msgspec.json.encode(pace))


if __name__ == "__main__":
    main()
