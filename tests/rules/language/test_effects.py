"""Rule files whose keys are in order one by one, but together do not do what their author thinks."""

import pytest

from rules.language.effects import idle
from rules.language.parse import PRESETS, preset
from rules.language.problems import Problem
from tests.support.rule_texts import problems, valid

BASE = """[rules]
schema = 1
version = "1"
[identifier.mobile]
kind = "phone"
strength = 80
fanout_limit = 5
[identifier.email]
kind = "email"
strength = 70
fanout_limit = 5
[blocked]
exact = [] #blocked
[[rule]]
name = "both"
all_of = ["mobile", "email"]
[[rule]]
name = "mobile"
all_of = ["mobile"] #mobile
[attributes]
default = "newest"
"""


def rule(name: str, *lines: str) -> str:
    return "\n".join(["[[rule]]", f'name = "{name}"', *lines, ""])


def within(place: str, *lines: str) -> str:
    """The base with these lines after a marked one."""
    return BASE.replace(f"#{place}\n", "\n".join(["", *lines, ""]))


def warnings(text: str) -> tuple[Problem, ...]:
    """Of a file that is in order."""
    return idle(valid(text))


def quiet(text: str) -> None:
    assert warnings(text) == ()


def the_one(text: str) -> Problem:
    (problem,) = warnings(text)
    return problem


@pytest.mark.parametrize("outcome", ["review", "never"])
@pytest.mark.parametrize("key", ['unless_differs = ["email"]', "needs_verified = true"])
def test_what_turns_a_merge_into_a_review_has_no_effect_in_a_rule_that_does_not_merge(
    outcome: str, key: str
) -> None:
    text = BASE.replace("#mobile\n", f'\noutcome = "{outcome}"\n{key}\n').replace(
        'all_of = ["mobile", ', "all_of = ["
    )
    found = the_one(text)
    assert found.path == f"rule[2].{key.partition(' ')[0]}"
    assert text.split("\n")[found.line - 1] == key
    assert f'outcome = "{outcome}"' in found.message


@pytest.mark.parametrize("key", ['confirm_missing = "review"', 'not_confirmed = "refuse"'])
def test_what_follows_a_confirmation_has_no_effect_where_nothing_is_confirmed(key: str) -> None:
    text = within("mobile", key)
    found = the_one(text)
    assert found.path == f"rule[2].{key.partition(' ')[0]}"
    assert text.split("\n")[found.line - 1] == key
    assert "confirm_any" in found.message
    quiet(within("mobile", key, 'confirm_any = ["lastName"]'))


@pytest.mark.parametrize(
    "key", ['confirm_missing = "merge"', 'not_confirmed = "review"', "needs_verified = false"]
)
def test_a_default_may_be_written_where_it_has_no_effect(key: str) -> None:
    quiet(within("mobile", key))


def test_a_type_that_households_share_does_not_join_or_tell_apart() -> None:
    text = BASE.replace("strength = 80\n", "strength = 80\nmax_profiles = 4\n") + rule(
        "email", 'all_of = ["email"]', 'unless_differs = ["mobile"]'
    )
    assert [(one.line, one.path) for one in warnings(text)] == [
        (17, "rule[1].all_of[1]"),
        (20, "rule[2].all_of[1]"),
        (26, "rule[3].unless_differs[1]"),
    ]


def test_a_type_has_no_levels_where_the_type_was_meant_and_not_an_attribute_of_its_name() -> None:
    text = BASE + rule("email", 'all_of = ["email"]', 'unless_differs = ["mobile:equal"]')
    (found,) = problems(text)
    assert (found.line, found.path) == (25, "rule[3].unless_differs[1]")
    assert found.remedy == 'write "mobile"'


PATTERNS = [".*", ".", "x*", "test|", r"\w", "[0-9]*", "[0-9]", "@", r"\.", "^", "$", "^.{3,}$", r"^\+"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_blocked_pattern_that_every_number_or_address_holds_is_warned_of(pattern: str) -> None:
    found = the_one(within("blocked", f"patterns = ['^0+$', '{pattern}']"))
    assert (found.line, found.path) == (14, "blocked.patterns[2]")
    assert found.message.startswith("is found in every ")


@pytest.mark.parametrize(
    "pattern", ["^.$", r"^(\d)\1{6,}$", "test", "^[0-]*$", r"^\+20", "@shop\\.eg$", "^.{40,}$"]
)
def test_a_blocked_pattern_that_some_values_hold_is_in_order(pattern: str) -> None:
    quiet(within("blocked", f"patterns = ['{pattern}']"))


def test_a_pattern_is_not_written_between_slashes() -> None:
    assert the_one(within("blocked", "patterns = ['/^0+$/i']")).path == "blocked.patterns[1]"
    card = "[identifier.card]\nkind = \"opaque\"\nstrength = 9\npattern = '/^[0-9]{8}$/'\n"
    assert the_one(BASE + card).path == "identifier.card.pattern"
    quiet(within("blocked", "patterns = ['^n/a$', '^-/-$']"))


def test_an_address_that_stands_for_every_address_is_warned_of() -> None:
    assert the_one(within("blocked", 'emails = ["a@b.eg", "*@*"]')).path == "blocked.emails[2]"
    quiet(within("blocked", 'emails = ["noreply@*", "*@shop.eg"]'))


def test_only_numbers_have_a_sum() -> None:
    assert the_one(BASE + 'lastName = "sum"\n').path == "attributes.lastName"
    assert the_one(BASE + 'utms = "sum"\n').path == "attributes.utms"
    assert the_one(BASE.replace('default = "newest"', 'default = "sum"')).path == "attributes.default"
    quiet(BASE + 'totalSpent = "sum"\n"custom.visits" = "sum"\n')


IDLE = [
    rule("named", 'all_of = ["mobile"]', 'confirm_any = ["lastName"]'),
    rule("apart", 'all_of = ["mobile"]', 'unless_differs = ["email"]'),
    rule("again", 'all_of = ["mobile"]'),
    rule("turned", 'all_of = ["email", "mobile"]', 'outcome = "review"'),
    rule("verified", 'all_of = ["email", "mobile"]', "needs_verified = true"),
]


@pytest.mark.parametrize("added", IDLE)
def test_a_rule_is_warned_of_if_another_one_joins_all_that_it_fits_without_a_condition(
    added: str,
) -> None:
    found = the_one(BASE + added)
    assert found.path == "rule[3]"
    assert "joins all records that it fits" in found.message


def test_a_condition_is_as_idle_before_the_rule_without_one_as_behind_it() -> None:
    text = BASE.replace("[[rule]]", IDLE[0] + "[[rule]]", 1)
    assert (found := the_one(text)).path == "rule[1]"
    assert "rule mobile" in found.message


@pytest.mark.parametrize(
    "added",
    [
        rule("web", 'all_of = ["mobile"]', 'id_spaces = ["web"]', 'confirm_any = ["lastName"]'),
        rule("asked", 'all_of = ["mobile"]', 'outcome = "review"'),
        rule("verified", 'all_of = ["mobile"]', "needs_verified = true"),
        rule("email", 'all_of = ["email"]', 'unless_differs = ["mobile"]'),
        rule("apart", 'all_of = ["mobile"]', 'outcome = "never"', 'id_spaces = ["web"]'),
        rule("both apart", 'all_of = ["mobile", "email"]', 'outcome = "review"', 'id_spaces = ["web"]'),
    ],
)
def test_a_rule_that_can_change_something_is_in_order(added: str) -> None:
    quiet(BASE + added)


@pytest.mark.parametrize("where", [(), ('id_spaces = ["web", "pos"]',)])
def test_a_rule_is_warned_of_if_another_one_always_keeps_apart_what_it_would_join(
    where: tuple[str, ...],
) -> None:
    text = BASE + rule("apart", 'all_of = ["mobile"]', 'outcome = "never"', *where)
    if where:
        text = text.replace(
            'all_of = ["mobile", "email"]', 'all_of = ["mobile", "email"]\nid_spaces = ["web"]'
        )
    found = warnings(text)
    assert [one.path for one in found] == (["rule[1]"] if where else ["rule[1]", "rule[2]"])
    assert all("rule apart keeps apart" in one.message for one in found)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_nothing_without_effect(name: str) -> None:
    quiet(preset(name))
