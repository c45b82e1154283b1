"""The invariants of a whole sequence of requests, by their numbers in the design."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, NamedTuple

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rules.decision import Decision
from rules.identifier import Evidence, Identifier
from rules.ruleset import Conflict, IdentifierRules, IdSpaceRules, Merge, Rule, RuleSet
from tests.support.properties import ANY_HEALTH
from tests.support.rules_state import State, key, rule_set

TYPES = ("loyalty_id", "mobile", "email")
PLACES = tuple(f"{space}:{number}" for space in ("web", "pos") for number in range(4))
EASY = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=ANY_HEALTH,
)


class Sent(NamedTuple):
    where: str
    evidence: tuple[Evidence, ...]


def evidence(values: int = 3) -> st.SearchStrategy[tuple[Evidence, ...]]:
    identifiers = st.builds(Identifier, st.sampled_from(TYPES), st.sampled_from("abcdef"[:values]))
    verified = st.sampled_from([False, False, True])
    return st.lists(
        st.builds(Evidence, identifiers, status=st.just("ok"), verified=verified),
        max_size=3,
        unique_by=lambda e: e.identifier,
    ).map(tuple)


REQUESTS = st.lists(st.builds(Sent, st.sampled_from(PLACES), evidence()), max_size=9)

LIMITS = st.sampled_from([0, 1, 2])
IDENTIFIERS = st.fixed_dictionaries(
    {
        "loyalty_id": st.builds(
            IdentifierRules,
            st.just("opaque"),
            strength=st.just(100),
            max_per_profile=LIMITS,
            immutable=st.booleans(),
        ),
        "mobile": st.builds(
            IdentifierRules,
            st.just("phone"),
            strength=st.just(80),
            max_per_profile=LIMITS,
            at_limit=st.sampled_from(["keep_old", "drop_oldest", "review"]),
            fanout_limit=st.sampled_from([0, 0, 2]),
            on_fanout=st.sampled_from(["quarantine", "review", "ignore"]),
            stale_after=st.sampled_from([0, 3]),
        ),
        "email": st.builds(
            IdentifierRules,
            st.just("email"),
            strength=st.just(70),
            max_per_profile=LIMITS,
            max_profiles=st.sampled_from([1, 1, 1, 2]),
            require_verified=st.sampled_from([False, False, True]),
        ),
    }
)
OUTCOMES = st.sampled_from(["merge", "merge", "merge", "review", "never"])
RULES = st.tuples(
    st.builds(Rule, st.just("two"), st.just(("mobile", "email")), OUTCOMES),
    st.builds(Rule, st.just("card"), st.just(("loyalty_id",))),
    st.builds(Rule, st.just("mobile"), st.just(("mobile",)), unless_differs=st.sampled_from([(), TYPES[:1]])),
    st.builds(Rule, st.just("email"), st.just(("email",)), needs_verified=st.booleans()),
)
RULE_SETS = st.builds(
    lambda rules, identifiers, conflict, merge, many: rule_set(
        *rules,
        identifiers=identifiers,
        conflict=conflict,
        merge=merge,
        id_spaces={"web": IdSpaceRules(ids_per_profile=2, on_many_ids=many)},
    ),
    RULES,
    IDENTIFIERS,
    st.builds(
        Conflict,
        st.sampled_from(["review", "refuse", "drop_lowest", "move_to_newest"]),
        st.sampled_from(["separate", "best", "review"]),
    ),
    st.builds(Merge, max_records=st.sampled_from([3, 50]), max_profiles_at_once=st.sampled_from([2, 5])),
    st.sampled_from(["allow", "review", "refuse"]),
)


def run(rules: RuleSet, requests: Iterable[Sent]) -> State:
    state = State(rules)
    for request in requests:
        state.ask(request.where, request.evidence)
    return state


# ---- any rule set, any sequence ----


class AnySequence(RuleBasedStateMachine):
    """Requests and pins in any order, under a rule set with guards of every kind."""

    @initialize(rules=RULE_SETS)
    def start(self, rules: RuleSet) -> None:
        self.state = State(rules)

    @rule(where=st.sampled_from(PLACES), said=evidence(), later=st.integers(0, 2))
    def request(self, where: str, said: tuple[Evidence, ...], later: int) -> None:
        self.state.now += later
        self.state.ask(where, said)
        self._i6_the_same_request_again_changes_nothing(where, said)

    @rule(data=st.data())
    def pin_apart(self, data: st.DataObject) -> None:
        places = [":".join(where) for where in self.state.records]
        pairs = [(a, b) for a, b in combinations(places, 2) if self.state.at(a) != self.state.at(b)]
        if pairs:
            self.state.pin(*data.draw(st.sampled_from(pairs)), "cannot")

    def _i6_the_same_request_again_changes_nothing(self, where: str, said: tuple[Evidence, ...]) -> None:
        before = everything(self.state)
        decision = self.state.ask(where, said)
        assert decision is not None
        assert everything(self.state) == before
        assert decision.absorbed == decision.own == decision.taken == decision.dropped == ()
        assert decision.outcome in {"attached", "review", "refused"}

    @invariant()
    def i1_a_key_has_one_live_owner_and_only_in_normal_state(self) -> None:
        live = {profile.profile_id for profile in self.state.live()}
        for identifier, owner in self.state.owners.items():
            assert owner in live
            assert self.state.states.get(identifier, "normal") == "normal"

    @invariant()
    def i2_every_record_is_on_exactly_one_live_profile(self) -> None:
        placed = [record for profile in self.state.live() for record in profile.records.values()]
        assert sorted(r.record_id for r in placed) == sorted(r.record_id for r in self.state.records.values())
        assert all(self.state.profiles[r.profile_id].records[r.record_id] is r for r in placed)

    @invariant()
    def i3_a_redirect_ends_at_a_live_profile_in_one_hop(self) -> None:
        for profile in self.state.profiles.values():
            if profile.redirect_to is not None:
                assert self.state.profiles[profile.redirect_to].redirect_to is None

    @invariant()
    def i4_every_live_profile_has_a_record(self) -> None:
        assert all(profile.records for profile in self.state.live())

    @invariant()
    def i5_limits_hold_on_every_live_profile(self) -> None:
        rules = self.state.rules
        for profile in self.state.live():
            assert len(profile.records) <= rules.merge.max_records
            owned = [i.type for i, owner in self.state.owners.items() if owner == profile.profile_id]
            for type_, kind in rules.identifiers.items():
                assert kind.max_per_profile == 0 or owned.count(type_) <= kind.max_per_profile
            for space, limits in rules.id_spaces.items():
                ids = sum(record.id_space == space for record in profile.records.values())
                assert limits.on_many_ids == "allow" or ids <= limits.ids_per_profile

    @invariant()
    def i17_a_cannot_pin_is_never_violated(self) -> None:
        by_id = {record.record_id: record for record in self.state.records.values()}
        for pin in self.state.all_pins:
            if pin.kind == "cannot":
                assert by_id[pin.record_a].profile_id != by_id[pin.record_b].profile_id


def everything(state: State) -> Any:
    observations = {
        (where, o.identifier, o.verified, o.retired)
        for where, record in state.records.items()
        for o in record.observations.values()
    }
    return state.partition(), dict(state.owners), dict(state.states), set(state.reviews), observations


AnySequence.TestCase.settings = settings(
    EASY, max_examples=150, stateful_step_count=14, report_multiple_bugs=False
)
TestAnySequence = AnySequence.TestCase


# ---- where no guard binds ----

RULE_LISTS = st.lists(
    st.sampled_from([("loyalty_id",), ("mobile",), ("email",), ("mobile", "email"), ("loyalty_id", "email"), TYPES]),
    min_size=1,
    max_size=3,
    unique=True,
).map(lambda lists: tuple(Rule("+".join(types), types) for types in lists))  # fmt: skip
FREE = Merge(max_records=999, max_profiles_at_once=999)
MANY_IDS = {space: IdSpaceRules(on_many_ids="allow") for space in ("web", "pos")}


def free(rules: Sequence[Rule]) -> RuleSet:
    return rule_set(*rules, merge=FREE, id_spaces=MANY_IDS)


def components(rules: RuleSet, requests: Iterable[Sent]) -> frozenset[frozenset[tuple[str, str]]]:
    """The partition by definition: records that agree on all types of one rule are joined, and so on."""
    values: dict[tuple[str, str], set[Identifier]] = {}
    for request in requests:
        space, _, customer_id = request.where.partition(":")
        values.setdefault((space, customer_id), set()).update(e.identifier for e in request.evidence)
    groups = {where: {where} for where in values}
    for one, other in combinations(values, 2):
        common = {identifier.type for identifier in values[one] & values[other]}
        if any(common.issuperset(each.all_of) for each in rules.rules):
            joined = groups[one] | groups[other]
            groups |= dict.fromkeys(joined, joined)
    return frozenset(map(frozenset, groups.values()))


@EASY
@given(RULE_LISTS, REQUESTS)
def test_i8_deciding_one_by_one_gives_the_partition_of_the_whole(
    rules: tuple[Rule, ...], requests: list[Sent]
) -> None:
    assert run(free(rules), requests).partition() == components(free(rules), requests)


@EASY
@given(RULE_LISTS, REQUESTS, st.randoms(use_true_random=False))
def test_i7_the_order_of_requests_does_not_matter(
    rules: tuple[Rule, ...], requests: list[Sent], random: Any
) -> None:
    shuffled = random.sample(requests, len(requests))
    assert run(free(rules), shuffled).partition() == run(free(rules), requests).partition()


@EASY
@given(RULE_LISTS, REQUESTS, st.data())
def test_i9_duplicated_and_resent_requests_change_nothing(
    rules: tuple[Rule, ...], requests: list[Sent], data: st.DataObject
) -> None:
    assume(requests)
    resent = data.draw(st.lists(st.sampled_from(requests), max_size=4))
    once, again = run(free(rules), requests), run(free(rules), [*requests, *resent])
    assert everything(again)[:2] == everything(once)[:2]


# ---- tightening ----


@EASY
@given(RULE_LISTS, REQUESTS, st.sampled_from(TYPES), st.sampled_from("abc"))
def test_i16_blocking_a_value_only_splits_the_partition(
    rules: tuple[Rule, ...], requests: list[Sent], type_: str, value: str
) -> None:
    blocked = [
        Sent(
            where,
            tuple(e._replace(status="blocked") if e.identifier == key(type_, value) else e for e in said),
        )
        for where, said in requests
    ]
    loose, tight = run(free(rules), requests).partition(), run(free(rules), blocked).partition()
    assert all(any(part <= whole for whole in loose) for part in tight)


def tighter(rules: RuleSet, guard: str) -> RuleSet:
    match guard:
        case "max_records" | "max_profiles_at_once":
            return replace(rules, merge=replace(rules.merge, **{guard: 2}))
        case "ids_per_profile":
            return replace(rules, id_spaces={space: IdSpaceRules(ids_per_profile=1) for space in MANY_IDS})
        case type_:
            kind = replace(rules.identifiers[type_], max_per_profile=1)
            return replace(rules, identifiers={**rules.identifiers, type_: kind})


@EASY
@given(
    RULE_LISTS,
    REQUESTS,
    st.builds(Sent, st.sampled_from(PLACES), evidence()),
    st.sampled_from(["max_records", "max_profiles_at_once", "ids_per_profile", *TYPES]),
    st.sampled_from(["review", "refuse", "drop_lowest", "move_to_newest"]),
)
def test_i16_a_lower_limit_never_joins_what_stayed_apart(
    rules: tuple[Rule, ...], before: list[Sent], last: Sent, guard: str, policy: Any
) -> None:
    state = run(free(rules), before)
    loose = members(state, last)
    state.rules = replace(tighter(state.rules, guard), conflict=Conflict(policy))
    assert members(state, last) <= loose


def members(state: State, request: Sent) -> set[int]:
    """The profiles that a request would bring together, without applying it."""
    kept, state.apply = state.apply, lambda *_: None  # type: ignore[method-assign]
    decision: Decision | None = state.ask(request.where, request.evidence)
    state.apply = kept  # type: ignore[method-assign]
    assert decision is not None
    return {*decision.absorbed, *([] if decision.profile_id is None else [decision.profile_id])}


@EASY
@given(REQUESTS, st.integers(1, 4))
def test_i16_a_lower_fanout_limit_only_splits_the_partition(requests: list[Sent], limit: int) -> None:
    loose = free([Rule(type_, (type_,)) for type_ in TYPES])
    kinds = {name: replace(kind, fanout_limit=limit) for name, kind in loose.identifiers.items()}
    tight = run(replace(loose, identifiers=kinds), requests).partition()
    whole = run(loose, requests).partition()
    assert all(any(part <= each for each in whole) for part in tight)
