"""Records and rules for tests of the partition, and a state that requests made."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from hypothesis import settings
from hypothesis import strategies as st

from rules.batch.partition import Partition, partition
from rules.decision import Decision
from rules.identifier import Evidence, Identifier
from rules.policy import Policy
from rules.record import Judgement, Observation, Record
from rules.ruleset import IdentifierRules, IdSpaceRules, Merge, Rule, RuleSet
from tests.support.properties import ANY_HEALTH
from tests.support.rules_state import DAY, State, rule_set

NOW = 1_000 * DAY

TYPES = ("loyalty_id", "mobile", "email")

PLACES = tuple(f"{space}:{number}" for space in ("web", "pos") for number in range(4))

EASY = settings(max_examples=80, deadline=None, suppress_health_check=ANY_HEALTH)


def record(record_id: int, at: int = 0, space: str = "web", **values: str) -> Record:
    """`record(1, email="a b")` was first and last seen at `NOW + at` and belongs to a profile of the same number."""
    made = Record(record_id, space, f"c{record_id}", record_id, NOW + at)
    for type_, text in values.items():
        for value in text.split():
            see(made, Identifier(type_.replace("__", "."), value), at)
    return made


def see(made: Record, identifier: Identifier, at: int = 0, **how: Any) -> Record:
    made.observations[identifier] = Observation(identifier, NOW + at, NOW + at, **how)
    return made


def canon(rules: RuleSet, *records: Record, pins: Iterable[Judgement] = (), **options: Any) -> Partition:
    return partition(records, pins, Policy(rules), now=NOW, **options)


def members(found: Partition) -> list[set[int]]:
    return [set(group) for group in found.groups]


def guards(found: Partition) -> list[tuple[str, bool]]:
    return [(refused.guard, refused.asks) for refused in found.refused]


def kinds(**changed: Any) -> dict[str, IdentifierRules]:
    """`kinds(mobile=dict(max_per_profile=1))` on top of the types without limits."""
    plain = rule_set().identifiers
    return {**plain, **{name: replace(plain[name], **options) for name, options in changed.items()}}


class Sent(NamedTuple):
    where: str
    evidence: tuple[Evidence, ...]


def evidence() -> st.SearchStrategy[tuple[Evidence, ...]]:
    identifiers = st.builds(Identifier, st.sampled_from(TYPES), st.sampled_from("abc"))
    said = st.builds(
        Evidence, identifiers, status=st.just("ok"), verified=st.sampled_from([False, False, True])
    )
    return st.lists(said, max_size=3, unique_by=lambda one: one.identifier).map(tuple)


FORMED = st.lists(
    st.builds(
        lambda where, said, form: Sent(
            where, (*said, *([Evidence(Identifier("email.canonical", form))] if form else []))
        ),
        st.sampled_from(PLACES),
        evidence(),
        st.sampled_from(["", "x", "y"]),
    ),
    max_size=7,
)
RULES = st.lists(
    st.sampled_from(
        [("loyalty_id",), ("mobile",), ("email",), ("mobile", "email"), ("loyalty_id", "email"), TYPES]
    ),
    min_size=1,
    max_size=3,
    unique=True,
).map(lambda lists: tuple(Rule("+".join(types), types) for types in lists))

SPACES = {space: IdSpaceRules(on_many_ids="allow") for space in ("web", "pos")}


def free(rules: Sequence[Rule]) -> RuleSet:
    return rule_set(*rules, merge=Merge(max_records=999, max_profiles_at_once=999), id_spaces=SPACES)


class Watched(State):
    """Notes whether a value was ever left without power for want of room."""

    left_out = False

    def apply(self, decision: Decision, id_space: str, customer_id: str) -> None:
        self.left_out |= any(warning.startswith("limit:") for warning in decision.warnings)
        super().apply(decision, id_space, customer_id)


def run(rules: RuleSet, requests: Iterable[Sent]) -> Watched:
    state = Watched(rules)
    for request in requests:
        state.now += 1
        state.ask(request.where, request.evidence)
    return state


def whole(state: State) -> Partition:
    return partition(state.records.values(), state.all_pins, Policy(state.rules), now=state.now)


def all_answered_yes(
    groups: Iterable[frozenset[int]], questions: Iterable[tuple[int, int]]
) -> set[frozenset[int]]:
    place = {one: group for group in groups for one in group}
    for a, b in questions:
        both = place[a] | place[b]
        place |= dict.fromkeys(both, both)
    return set(place.values())


def bound(rules: RuleSet, guard: str) -> RuleSet:
    """The same rules with one kind of guard, or doubt, that binds early."""
    identifiers = rules.identifiers
    one_type = [
        replace(rule, unless_differs=("loyalty_id",)) if rule.all_of[0] != "loyalty_id" else rule
        for rule in rules.rules
    ]
    changes: dict[str, dict[str, object]] = {
        "max_records": {"merge": replace(rules.merge, max_records=2)},
        "max_profiles_at_once": {"merge": replace(rules.merge, max_profiles_at_once=2)},
        "ids_per_profile": {"id_spaces": dict.fromkeys(SPACES, IdSpaceRules(ids_per_profile=1))},
        "unless_differs": {"rules": tuple(one_type)},
        "outcome": {
            "rules": tuple(
                replace(r, outcome="review") if r.all_of == ("mobile",) else r for r in rules.rules
            )
        },
        "needs_verified": {
            "rules": tuple(replace(r, needs_verified=len(r.all_of) == 1) for r in rules.rules)
        },
        "fanout_review": {
            "identifiers": {n: replace(k, fanout_limit=2, on_fanout="review") for n, k in identifiers.items()}
        },
        "require_verified": {"identifiers": kinds(mobile={"require_verified": True})},
        "unique": {"identifiers": kinds(loyalty_id={"max_per_profile": 1, "immutable": True})},
        "keep_old": {"identifiers": kinds(mobile={"max_per_profile": 2})},
        "at_limit_review": {"identifiers": kinds(mobile={"max_per_profile": 2, "at_limit": "review"})},
    }
    return replace(rules, **changes[guard])


def questions(state: State, found: Iterable[tuple[int, int]]) -> set[frozenset[frozenset[tuple[str, str]]]]:
    """Pairs of profiles as they are at the end, each by the places of its records."""
    group_of = {one: group for group in state.partition() for one in group}
    place_of = {record.record_id: place for place, record in state.records.items()}
    pairs = (frozenset(group_of[place_of[record_id]] for record_id in pair) for pair in found)
    return {pair for pair in pairs if len(pair) == 2}
