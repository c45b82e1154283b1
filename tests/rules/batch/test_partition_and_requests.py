"""The partition equals what single requests decide, wherever the docstring of `partition` promises that (I7, I8)."""

from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rules.batch.partition import Partition
from rules.identifier import Evidence, Identifier
from rules.ruleset import Rule
from tests.support.partitions import (
    EASY,
    PLACES,
    RULES,
    Sent,
    all_answered_yes,
    bound,
    evidence,
    free,
    run,
    whole,
)
from tests.support.rules_state import State

REQUESTS = st.lists(st.builds(Sent, st.sampled_from(PLACES), evidence()), max_size=9)


def by_profile(state: State) -> set[frozenset[int]]:
    return {frozenset(profile.records) for profile in state.live()}


def after_reviews(state: State) -> set[frozenset[int]]:
    first = {
        profile_id: min(state.profile(profile_id).records) for pair in state.reviews for profile_id in pair
    }
    return all_answered_yes(by_profile(state), ((first[a], first[b]) for a, b in state.reviews))


def after_questions(found: Partition) -> set[frozenset[int]]:
    return all_answered_yes(found.groups, ((r.record_a, r.record_b) for r in found.refused if r.asks))


@EASY
@given(RULES, REQUESTS)
def test_i8_deciding_one_by_one_gives_the_partition_of_the_whole(
    rules: tuple[Rule, ...], requests: list[Sent]
) -> None:
    state = run(free(rules), requests)
    found = whole(state)
    assert by_profile(state) == set(found.groups)
    assert found.refused == ()
    assert len(found.joined) == len(state.records) - len(found.groups)


@settings(EASY, max_examples=250)
@given(
    RULES,
    REQUESTS,
    st.sampled_from(
        [
            "max_records",
            "max_profiles_at_once",
            "ids_per_profile",
            "unless_differs",
            "outcome",
            "needs_verified",
            "fanout_review",
        ]
    ),
)
def test_i8_where_a_guard_binds_the_open_reviews_are_the_difference(
    rules: tuple[Rule, ...], requests: list[Sent], guard: str
) -> None:
    state = run(bound(free(rules), guard), requests)
    assert after_reviews(state) == after_questions(whole(state))


@settings(EASY, max_examples=120)
@given(RULES, REQUESTS, st.sampled_from(["unique", "keep_old", "at_limit_review"]))
def test_i8_the_same_holds_for_limits_of_values_as_long_as_no_value_was_left_without_power(
    rules: tuple[Rule, ...], requests: list[Sent], guard: str
) -> None:
    """Nor by the whole: of a record that states more values than its type allows, it is the oldest that counts, where a call
    may have found that one taken."""
    state = run(bound(free(rules), guard), requests)
    found = whole(state)
    assume(not state.left_out and all(refused.asks for refused in found.refused))
    assert after_reviews(state) == after_questions(found)


@EASY
@given(RULES, REQUESTS, st.sampled_from(["outcome", "require_verified"]))
def test_i8_rules_that_ask_and_verified_only_types_join_the_same_and_the_whole_asks_no_less(
    rules: tuple[Rule, ...], requests: list[Sent], doubt: str
) -> None:
    state = run(bound(free(rules), doubt), requests)
    found = whole(state)
    assert by_profile(state) == set(found.groups)
    asked = after_questions(found)
    assert all(any(group <= wider for wider in asked) for group in after_reviews(state))


GUARDS = ["max_records", "max_profiles_at_once", "ids_per_profile", "needs_verified"]

FIRST_WORDS = st.lists(
    st.tuples(st.sampled_from("ab"), st.booleans()), max_size=len(PLACES)
)  # fmt: skip


@EASY
@given(FIRST_WORDS, st.sampled_from(GUARDS))
def test_i8_where_each_record_states_one_value_a_full_owner_leaves_the_same_groups(
    words: list[tuple[str, bool]], guard: str
) -> None:
    said = [(Evidence(Identifier("email", value), verified=verified),) for value, verified in words]
    state = run(bound(free([Rule("email", ("email",))]), guard), map(Sent, PLACES, said))
    assert by_profile(state) == set(whole(state).groups)


@EASY
@given(RULES, REQUESTS, st.integers(1, 3))
def test_i8_a_value_that_turned_generic_only_leaves_profiles_too_wide(
    rules: tuple[Rule, ...], requests: list[Sent], limit: int
) -> None:
    plain = free(rules)
    identifiers = {name: replace(kind, fanout_limit=limit) for name, kind in plain.identifiers.items()}
    state = run(replace(plain, identifiers=identifiers), requests)
    wide = by_profile(state)
    assert all(any(group <= profile for profile in wide) for group in whole(state).groups)
