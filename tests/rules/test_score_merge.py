"""What keeps two profiles apart although a model is certain that they are one person."""

from collections.abc import Mapping

import pytest

from rules.language.parse import parse, preset
from rules.policy import Policy
from rules.record import Apart, Judgement, Observation, Pin, Profile, Record
from rules.ruleset import RuleSet
from rules.score_merge import what_keeps_apart
from tests.support.rules_state import key

NOW = 10_000
MERGES = '\n[suggest]\noutcome = "merge"\n'


def policy(more: str = "", **replaced: str) -> Policy:
    text = preset("email-or-mobile") + more + MERGES
    for old, new in replaced.items():
        text = text.replace(old, new)
    rules = parse(text)
    assert isinstance(rules, RuleSet), rules
    return Policy(rules)


def profile(number: int, *held: tuple[str, str], records: int = 1, space: str = "web") -> Profile:
    found = Profile(number, number)
    for place in range(records):
        one = Record(number + place, space, f"{space}-{number + place}", number, 0)
        for kind, value in held:
            one.observations[key(kind, value)] = Observation(key(kind, value), 0, 0)
        found.records[one.record_id] = one
    return found


def stopped(
    one: Profile,
    other: Profile,
    rules: Policy,
    *pins: Judgement,
    balances: tuple[int, int] = (0, 0),
    said: Mapping[int, dict[str, str]] | None = None,
) -> str:
    texts = said or {}
    return what_keeps_apart(
        one, other, rules, pins=pins, balances=balances, attributes=lambda n: texts.get(n, {}), now=NOW
    )


def test_nothing_keeps_two_strangers_apart() -> None:
    assert (
        stopped(profile(1, ("email", "a@example.com")), profile(2, ("email", "b@example.com")), policy())
        == ""
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "stops"),
    [
        ("1980-05-17", "1980-05-17", ""),
        ("1980-05-17", "17.05.1980", ""),
        ("1980-05-17", "", ""),
        ("1980-05-17", "1991-12-03", "birthdays"),
    ],
)
def test_birthdays_that_contradict(ours: str, theirs: str, stops: str) -> None:
    said = {1: {"dateOfBirth": ours}, 2: {"dateOfBirth": theirs}}
    assert stopped(profile(1), profile(2), policy(), said=said) == stops


def test_one_birthday_of_another_record_is_enough() -> None:
    """The record in question says nothing, but another one of its profile does."""
    said = {11: {"dateOfBirth": "1980-05-17"}, 2: {"dateOfBirth": "1991-12-03"}}
    assert stopped(profile(10, records=2), profile(2), policy(), said=said) == "birthdays"


def test_a_declared_date_counts_as_a_birthday() -> None:
    rules = policy('\n[attribute."custom.born"]\nkind = "date"\n')
    said = {1: {"custom.born": "1980-05-17"}, 2: {"custom.born": "1991-12-03"}}
    assert stopped(profile(1), profile(2), rules, said=said) == "birthdays"


def test_a_pin_and_a_split_keep_apart() -> None:
    one, other = profile(1), profile(2)
    assert stopped(one, other, policy(), Pin(1, 2, "cannot")) == "cannot"
    assert stopped(one, other, policy(), Apart(7, {1: 0, 2: 1}, None)) == "cannot"
    assert stopped(one, other, policy(), Pin(1, 2, "cannot", NOW - 1)) == ""


def test_limits_hold_whoever_owns_the_values() -> None:
    rules = policy("\n[merge]\nmax_records = 3\nprotect_balance_over = 100\n")
    assert stopped(profile(10, records=2), profile(20, records=2, space="pos"), rules) == "max_records"
    assert stopped(profile(1), profile(2), rules, balances=(0, 101)) == "protect_balance_over"
    assert stopped(profile(1), profile(2), rules, balances=(101, 0)) == "protect_balance_over"
    assert stopped(profile(1), profile(2), rules, balances=(100, 100)) == ""


def test_rules_in_shadow_merge_nothing() -> None:
    rules = policy(**{"[rules]": '[rules]\nmode = "shadow"'})
    assert stopped(profile(1), profile(2), rules) == "mode"
