"""The plain case is a short way, not another way: whatever it decides, the long way decides the same, to the last step of the
trace."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.decision import Decision
from rules.identifier import CANONICAL_SUFFIX, Evidence, Identifier
from rules.online.plain import plain
from rules.online.resolve import deliberate
from rules.ruleset import IdentifierRules, IdSpaceRules, Merge, Rule, RuleSet
from tests.support.rules_state import State, canonical, rule_set, says

SPACES = ("web", "pos")
TYPES = ("loyalty_id", "mobile", "email", "email" + CANONICAL_SUFFIX, "passport")
OFTEN_NONE = st.sampled_from([0, 0, 0, 0, 1, 2, 3])


def requests() -> st.SearchStrategy[tuple[Evidence, ...]]:
    identifiers = st.builds(Identifier, st.sampled_from(TYPES), st.sampled_from("abc"))
    one = st.builds(
        Evidence,
        identifiers,
        status=st.sampled_from(["ok", "ok", "ok", "ok", "blocked"]),
        verified=st.booleans(),
    )
    each_type_once = st.lists(one, min_size=1, max_size=4, unique_by=lambda e: e.identifier.type)
    return st.one_of(each_type_once, st.lists(one, max_size=4, unique_by=lambda e: e.identifier)).map(tuple)


Sent = tuple[str, int, tuple[Evidence, ...]]
SENT = st.tuples(st.sampled_from(SPACES), st.integers(0, 5), requests())
KINDS = st.fixed_dictionaries(
    {
        "loyalty_id": st.builds(
            IdentifierRules,
            st.just("opaque"),
            strength=st.just(100),
            max_per_profile=OFTEN_NONE,
            immutable=st.booleans(),
            require_verified=st.sampled_from([False, False, False, True]),
        ),
        "mobile": st.builds(
            IdentifierRules,
            st.just("phone"),
            strength=st.just(80),
            max_per_profile=OFTEN_NONE,
            at_limit=st.sampled_from(["keep_old", "drop_oldest", "review"]),
            fanout_limit=OFTEN_NONE,
            on_fanout=st.sampled_from(["quarantine", "review", "ignore"]),
            stale_after=st.sampled_from([0, 0, 0, 3]),
            window=st.sampled_from([None, None, 2]),
        ),
        "email": st.builds(
            IdentifierRules,
            st.just("email"),
            strength=st.just(70),
            max_per_profile=OFTEN_NONE,
            max_profiles=st.sampled_from([1, 1, 2]),
            provider_canonical=st.sampled_from(["off", "review", "merge"]),
        ),
        "passport": st.builds(IdentifierRules, st.just("opaque"), merge=st.just(False)),
    }
)
JOINING = ("loyalty_id", "mobile", "email")
RULE = st.builds(
    lambda all_of, outcome, differs, verified, spaces, confirm: Rule(
        "+".join(all_of), all_of, outcome, differs, verified, spaces, confirm
    ),
    st.lists(st.sampled_from(JOINING), min_size=1, max_size=2, unique=True).map(tuple),
    st.sampled_from(["merge"] * 8 + ["review", "review", "never"]),
    st.sampled_from([(), (), ("mobile",), ("email",), ("passport",)]),
    st.sampled_from([False] * 9 + [True]),
    st.sampled_from([("*",), ("*",), ("*",), ("web",)]),
    st.sampled_from([()] * 9 + [("city",)]),
)
RULE_SETS = st.builds(
    lambda rules, kinds, spaces, merge, mode: rule_set(
        *rules, identifiers=kinds, id_spaces=spaces, merge=merge, mode=mode
    ),
    st.lists(RULE, min_size=1, max_size=3, unique_by=lambda rule: rule.name),
    KINDS,
    st.dictionaries(
        st.sampled_from(SPACES),
        st.builds(
            IdSpaceRules, ids_per_profile=st.integers(1, 3), on_many_ids=st.sampled_from(["allow", "review"])
        ),
    ),
    st.builds(Merge, max_records=st.sampled_from([2, 4, 50])),
    st.sampled_from(["enforce", "enforce", "enforce", "shadow", "off"]),
)


def default_like(mobile_limit: int = 3, email_limit: int = 5, fanout: int = 5) -> RuleSet:
    return rule_set(
        Rule("both", ("mobile", "email")),
        Rule("mobile", ("mobile",)),
        Rule("email", ("email",), unless_differs=("mobile",)),
        identifiers={
            "mobile": IdentifierRules(
                "phone", strength=80, max_per_profile=mobile_limit, fanout_limit=fanout
            ),
            "email": IdentifierRules("email", strength=70, max_per_profile=email_limit, fanout_limit=fanout),
        },
    )


LIKE_THE_DEFAULT = st.builds(default_like, st.integers(0, 3), st.integers(0, 3), st.integers(2, 5))


def both_ways(state: State, space: str, evidence: tuple[Evidence, ...]) -> tuple[Decision | None, Decision]:
    """What is decided on a new record, by the short way and by the long one."""
    short = plain(state, state.rules, space, evidence)
    return short, deliberate(state, state.rules, space, None, evidence, state.now)


@settings(max_examples=600, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    RULE_SETS | LIKE_THE_DEFAULT,
    st.lists(SENT, max_size=4),
    st.sampled_from(SPACES),
    requests(),
    st.booleans(),
)
def test_what_the_short_way_decides_the_long_way_decides_too(
    rules: RuleSet, before: list[Sent], space: str, said: tuple[Evidence, ...], like_the_first: bool
) -> None:
    if before and like_the_first:
        said = tuple({one.identifier.type: one for one in (*said[:1], *before[0][2])}.values())
    state = State(replace(rules, mode="enforce"))
    for where, number, evidence in before:
        state.now += 1
        state.ask(f"{where}:{number}", evidence)
    state.rules = rules
    short, long = both_ways(state, space, said)
    assert short in (None, long)


def test_a_record_that_meets_nobody_is_plain() -> None:
    short, long = both_ways(State(default_like()), "web", (*says(mobile="1", email="a"), canonical("b")))
    assert short == long
    assert short is not None
    assert short.outcome == "created"


def test_a_record_that_joins_one_profile_is_plain_also_when_it_brings_a_value() -> None:
    state = State(default_like())
    state.send("web:1", mobile="1")
    state.send("mobile:1", mobile="1")
    short, long = both_ways(state, "pos", tuple(says(mobile="1", email="a")))
    assert short == long
    assert short is not None
    assert (short.outcome, short.rule, len(short.own)) == ("attached", "mobile", 1)


def test_two_profiles_a_full_profile_and_a_value_that_differs_are_not_plain() -> None:
    state = State(default_like())
    state.send("web:1", mobile="1", email="a")
    state.send("web:2", mobile="2", email="b")
    for said in (says(mobile="1", email="b"), says(mobile="3", email="a")):
        assert plain(state, state.rules, "pos", tuple(said)) is None
    state.rules = replace(state.rules, merge=Merge(max_records=1))
    assert plain(state, state.rules, "pos", tuple(says(mobile="1"))) is None


@pytest.mark.parametrize("most", [1, 2, 3])
def test_the_last_record_that_a_profile_has_room_for_is_plain_and_the_next_one_is_asked_about(
    most: int,
) -> None:
    state = State(replace(default_like(fanout=0), merge=Merge(max_records=most)))
    decided: list[tuple[bool, str]] = []
    for number in range(most + 2):
        short, long = both_ways(state, f"s{number}", tuple(says(mobile="1")))
        assert short in (None, long)
        decided.append((short is not None, long.reason))
        state.send(f"s{number}:1", mobile="1")
    assert decided == [
        (True, "new"),
        *[(True, "rule:mobile")] * (most - 1),
        *[(False, "conflict:max_records")] * 2,
    ]
