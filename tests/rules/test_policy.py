"""What a policy answers is what its rule set says, and what matching and guards make of it depends on no order."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.guards import Joining, objection
from rules.identifier import CANONICAL_SUFFIX, Identifier
from rules.matching import Request, Standing, match_profile
from rules.policy import Policy
from rules.record import Observation, Profile, Record
from rules.ruleset import IdentifierRules, IdSpaceRules, Merge, Rule, RuleSet
from tests.support.rules_state import State

SPACES = ("web", "pos", "app")
TYPES = ("loyalty_id", "mobile", "email", "passport")
FORMS = (*TYPES, "email" + CANONICAL_SUFFIX, "nickname")
FEW = st.sampled_from([0, 0, 1, 2, 3])
KIND = st.builds(
    IdentifierRules,
    st.just("email"),
    merge=st.sampled_from([True, True, True, False]),
    strength=st.integers(0, 100),
    max_per_profile=FEW,
    window=st.sampled_from([None, None, 2]),
    at_limit=st.sampled_from(["keep_old", "drop_oldest", "review"]),
    max_profiles=st.sampled_from([1, 1, 1, 2]),
    fanout_limit=FEW,
    fanout_window=st.sampled_from([None, None, 5]),
    on_fanout=st.sampled_from(["quarantine", "review", "ignore"]),
    stale_after=FEW,
    require_verified=st.booleans(),
    immutable=st.booleans(),
    provider_canonical=st.sampled_from(["off", "review", "merge"]),
)
RULES = st.lists(
    st.builds(
        Rule,
        st.sampled_from("abcdef"),
        st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True).map(tuple),
        st.sampled_from(["merge", "merge", "merge", "review", "never"]),
        st.lists(st.sampled_from(TYPES), max_size=2, unique=True).map(tuple),
        st.booleans(),
        st.sampled_from([("*",), ("*",), ("web",), ("web", "pos")]),
    ),
    min_size=1,
    max_size=4,
)
ID_SPACE = st.builds(
    IdSpaceRules,
    ids_per_profile=st.integers(1, 3),
    on_many_ids=st.sampled_from(["allow", "review", "refuse"]),
    verified=st.frozensets(st.sampled_from(TYPES)),
)
RULE_SETS = st.builds(
    lambda rules, kinds, spaces, others, merge: RuleSet(
        *("test", "", ""),
        identifiers=kinds,
        rules=tuple(rules),
        id_spaces=spaces,
        other_id_spaces=others,
        merge=merge,
    ),
    RULES,
    st.fixed_dictionaries(dict.fromkeys(TYPES, KIND)),
    st.dictionaries(st.sampled_from(SPACES), ID_SPACE),
    ID_SPACE,
    st.builds(Merge, max_records=st.integers(2, 8), max_profiles_at_once=st.integers(1, 3)),
)


def declared(rules: RuleSet, type_: str) -> IdentifierRules | None:
    """What the rule set says of a type that may join profiles."""
    kind = rules.identifiers.get(type_.removesuffix(CANONICAL_SUFFIX))
    off = kind is not None and type_.endswith(CANONICAL_SUFFIX) and kind.provider_canonical == "off"
    return kind if kind is not None and kind.merge and not off else None


@given(RULE_SETS, st.sampled_from(FORMS), st.integers(0, 5))
def test_the_power_of_a_value_follows_from_its_type_and_its_number_of_holders(
    rules: RuleSet, type_: str, holders: int
) -> None:
    kind, policy = declared(rules, type_), Policy(rules)
    if kind is None:
        expected = "normal"
    elif kind.max_profiles > 1:
        expected = "shared"
    elif kind.fanout_limit == 0 or holders <= kind.fanout_limit:
        expected = "normal"
    else:
        expected = {"quarantine": "generic", "review": "crowded", "ignore": "normal"}[kind.on_fanout]
    assert policy.power(type_, holders) == expected
    assert policy.state(type_, holders) == ("normal" if expected == "crowded" else expected)
    in_doubt = kind is not None and 0 < kind.fanout_limit < holders and kind.on_fanout != "ignore"
    windowed = kind is not None and kind.fanout_window is not None
    assert policy.depends_on_ages(type_, holders) == (in_doubt and windowed)


@given(RULE_SETS, st.sampled_from(FORMS), st.sampled_from(SPACES), st.booleans())
def test_a_record_owns_a_value_if_it_is_verified_as_its_type_requires(
    rules: RuleSet, type_: str, space: str, verified: bool
) -> None:
    kind, policy = declared(rules, type_), Policy(rules)
    base = type_.removesuffix(CANONICAL_SUFFIX)
    counts = verified or base in rules.id_space(space).verified
    seen = Observation(Identifier(type_, "a"), 0, 0, verified)
    record = Record(1, space, "1", 1, 0)
    assert policy.counts_as_verified(space, type_, verified) == counts
    joins = kind is not None and kind.max_profiles == 1 and (counts or not kind.require_verified)
    assert policy.may_own(record, seen) == joins
    for gone in (replace(seen, retired=True), replace(seen, blocked=True)):
        assert not policy.may_own(record, gone)


@given(RULE_SETS, st.sampled_from(FORMS), st.integers(10, 20))
def test_holders_count_from_the_window_of_the_declared_type_on(rules: RuleSet, type_: str, now: int) -> None:
    kind = rules.identifiers.get(type_.removesuffix(CANONICAL_SUFFIX))
    window = kind.fanout_window if kind else None
    policy = Policy(rules)
    assert policy.counted_since(type_, now) == (0 if window is None else now - window)
    if window is not None:
        assert policy.holders_since(type_, now) == now - window


@pytest.mark.parametrize(
    ("rule", "verified_only", "since"),
    [
        (Rule("a", ("email",)), False, None),
        (Rule("a", ("email",)), True, 0),
        (Rule("a", ("email", "mobile")), False, 0),
        (Rule("a", ("email",), needs_verified=True), False, 0),
        (Rule("a", ("email",), id_spaces=("web",)), False, 0),
        (Rule("a", ("email",), outcome="review"), False, 0),
        (Rule("a", ("email",), unless_differs=("mobile",)), False, 0),
        (Rule("a", ("email",), confirm_any=("city",)), False, 0),
    ],
)
def test_a_request_needs_the_holders_of_a_value_that_can_concern_one_who_does_not_own_it(
    rule: Rule, verified_only: bool, since: int | None
) -> None:
    kinds = {"email": IdentifierRules("email", require_verified=verified_only, provider_canonical="off")}
    policy = Policy(RuleSet("test", "", "", identifiers=kinds, rules=(Rule("b", ("mobile",)), rule)))
    assert policy.holders_since("email", 10) == since


@pytest.mark.parametrize(
    "doubt", [IdentifierRules("email"), IdentifierRules("email", provider_canonical="off", stale_after=9)]
)
def test_a_type_that_can_be_in_doubt_needs_them_too(doubt: IdentifierRules) -> None:
    policy = Policy(RuleSet("test", "", "", identifiers={"email": doubt}, rules=(Rule("a", ("email",)),)))
    assert policy.holders_since("email", 10) == 0


@given(RULE_SETS, st.sets(st.sampled_from(SPACES), min_size=1))
def test_a_rule_covers_the_id_spaces_that_it_names(rules: RuleSet, spaces: set[str]) -> None:
    for written, compiled in zip(rules.rules, Policy(rules).rules, strict=True):
        assert compiled.covers(*spaces) == ("*" in written.id_spaces or spaces <= set(written.id_spaces))


# ---- matching and guards ----

HELD = st.lists(
    st.tuples(
        st.sampled_from(SPACES),
        st.dictionaries(
            st.builds(Identifier, st.sampled_from(FORMS[:5]), st.sampled_from("ab")),
            st.tuples(st.integers(0, 9), st.booleans(), st.sampled_from([False, False, False, True])),
            max_size=4,
        ),
    ),
    min_size=1,
    max_size=4,
)


def profile(profile_id: int, held: list[tuple[str, dict[Identifier, tuple[int, bool, bool]]]]) -> Profile:
    records = {
        record_id: Record(
            record_id,
            space,
            str(record_id),
            profile_id,
            0,
            {
                one: Observation(one, at, at, verified, False, gone)
                for one, (at, verified, gone) in of.items()
            },
        )
        for record_id, (space, of) in enumerate(held, 10 * profile_id)
    }
    return Profile(profile_id, 0, records=records)


@given(RULE_SETS, HELD, st.data())
def test_i7_what_the_rules_say_depends_on_no_order_of_records_or_keys(
    rules: RuleSet, held: list[tuple[str, dict[Identifier, tuple[int, bool, bool]]]], data: st.DataObject
) -> None:
    policy, other = Policy(rules), profile(1, held)
    types = [one for one in FORMS if one in policy.key_types]
    standings = st.builds(
        Standing, st.just(""), st.sampled_from([None, 1, 1]), st.booleans(), stated=st.booleans()
    )
    said = data.draw(
        st.dictionaries(st.builds(Identifier, st.sampled_from(types), st.sampled_from("ab")), standings)
        if types
        else st.just({})
    )
    keys = {one: how._replace(type=policy.key_types[one.type].declared) for one, how in said.items()}
    state = State(rules, profiles={1: other}, owners={one: 1 for one, how in keys.items() if how.owner})
    request = Request("web", 10, keys, frozenset(keys))
    backwards = Request("web", 10, dict(reversed(keys.items())), frozenset(keys))
    turned = replace(other, records=dict(reversed(other.records.items())))
    first, again = (
        match_profile(state, policy, request, other),
        match_profile(state, policy, backwards, turned),
    )
    assert first._replace(profile=other) == again._replace(profile=other)


@settings(deadline=None)
@given(RULE_SETS, HELD, HELD, st.booleans())
def test_a_limit_objects_exactly_where_a_join_goes_beyond_it(
    rules: RuleSet,
    one: list[tuple[str, dict[Identifier, tuple[int, bool, bool]]]],
    other: list[tuple[str, dict[Identifier, tuple[int, bool, bool]]]],
    known: bool,
) -> None:
    policy = Policy(replace(rules, rules=(Rule("a", ("email",)),)))
    pair = (profile(1, one), profile(2, other))
    state = State(rules, profiles={1: pair[0], 2: pair[1]})
    for each in pair:
        state.owners |= {i: each.profile_id for r in each.records.values() for i in r.observations}
    found = objection(state, policy, Joining(pair, pair[0] if known else None, "web", 10, frozenset()))
    assert (found.guard if found else "") in expected_guards(rules, pair, state, known)


def expected_guards(rules: RuleSet, pair: tuple[Profile, Profile], state: State, known: bool) -> list[str]:
    """The guards that stand against it, by counting; the first must be the one named. `""` where there is none."""
    guards: list[str] = []
    new = [] if known else ["web"]
    spaces = [[r.id_space for r in each.records.values()] for each in pair]
    for space in sorted(SPACES):
        limit, count = rules.id_space(space), [*new, *spaces[0], *spaces[1]].count(space)
        most = max(limit.ids_per_profile, *(side.count(space) for side in spaces))
        if limit.on_many_ids != "allow" and count > most:
            guards.append(f"ids_per_profile:{space}")
    if sum(map(len, spaces)) + len(new) > rules.merge.max_records:
        guards.append("max_records")
    for type_, kind in rules.identifiers.items():
        sides = [own_values(each, type_, kind, {each.profile_id}, state) for each in pair]
        both = own_values(pair[0], type_, kind, {1, 2}, state) | own_values(
            pair[1], type_, kind, {1, 2}, state
        )
        if (
            kind.merge
            and kind.max_per_profile > 0
            and len(both) > max(kind.max_per_profile, *map(len, sides))
        ):
            guards.append(f"max_per_profile:{type_}")
    if rules.merge.max_profiles_at_once < len(pair):
        guards.append("max_profiles_at_once")
    return guards[:1] or [""]


def own_values(
    of: Profile, type_: str, kind: IdentifierRules, owners: set[int], state: State
) -> set[Identifier]:
    seen = [held for record in of.records.values() for held in record.observations.values()]
    return {
        held.identifier
        for held in seen
        if held.identifier.type == type_
        and not held.retired
        and state.owners[held.identifier] in owners
        and (kind.window is None or 10 - held.last_seen <= kind.window)
    }
