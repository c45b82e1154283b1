"""Rule files: what is accepted, and what it means."""

from collections.abc import Mapping
from dataclasses import fields
from hashlib import sha256

import pytest

from rules.language import grammar, meanings
from rules.language.parse import PRESETS, parse, preset
from rules.language.problems import Problem
from rules.ruleset import (
    Attributes,
    Blocked,
    Conflict,
    IdentifierRules,
    IdSpaceRules,
    Merge,
    Review,
    Rule,
    RuleSet,
    Suggest,
)
from tests.support.rule_texts import DAY, FULL, MINIMAL, changed, problems, valid


@pytest.mark.parametrize(
    "line",
    [
        ".".join(["a"] * 130_000) + " = 1",
        ".".join(["a"] * 17) + " = 1",
        " . ".join(["a"] * 17) + " = 1",
        ".".join(['"a"'] * 17) + " = 1",
        ".".join(["'a b'"] * 17) + " = 1",
        ".".join(["a-b_c", '"ä"', "'.'"] * 6) + " = 1",
        "[" + ".".join(["a"] * 17) + "]",
        "[[" + ".".join(["a"] * 17) + "]]",
        "x = { " + ".".join(["a"] * 17) + " = 1 }",
        "x = [{ " + "\t.".join(["a"] * 17) + " = 1 }]",
    ],
    ids=lambda line: line[:20],
)
def test_a_key_of_very_many_parts_is_refused_before_it_is_read(line: str) -> None:
    """Reading the first one takes minutes."""
    found = parse(f"[rules]\nschema = 1\n{line}\n")
    assert isinstance(found, tuple)
    (problem,) = found
    assert (problem.line, problem.message) == (3, "holds a key of more than 16 parts")


def test_dots_in_values_and_comments_are_no_keys() -> None:
    text = preset("email").replace("[rules]\n", "# ............................\n[rules]\n", 1)
    assert isinstance(parse(text), RuleSet)


@pytest.mark.parametrize("name", PRESETS)
def test_a_byte_order_mark_is_no_part_of_a_rule_file(name: str) -> None:
    text = preset(name)
    assert parse("\ufeff" + text) == parse(text)


def test_a_file_with_every_key_at_its_default_gives_the_default_types() -> None:
    rule_set = valid(FULL)
    mobile = IdentifierRules("phone", strength=80, max_per_profile=3, fanout_limit=5)
    email = IdentifierRules("email", strength=70, max_per_profile=5, fanout_limit=5)
    assert rule_set.id_spaces["pos"] == IdSpaceRules()
    assert rule_set.identifiers["mobile"] == mobile
    assert rule_set.identifiers["email"] == email
    assert rule_set.rules[2] == Rule("mobile", ("mobile",), unless_differs=("loyalty_id",))
    assert rule_set.conflict == Conflict()
    assert rule_set.merge == Merge(("has:loyalty_id", "oldest", "lowest_id"))
    assert rule_set.review == Review()


def test_a_key_that_a_file_leaves_out_has_its_default() -> None:
    assert valid(MINIMAL) == RuleSet(
        version="1",
        text=MINIMAL,
        sha256=sha256(MINIMAL.encode()).hexdigest(),
        identifiers={"email": IdentifierRules("email", fanout_limit=5)},
        rules=(Rule("email", ("email",)),),
    )


def test_an_undeclared_id_space_has_the_default_rules() -> None:
    rule_set = valid(FULL)
    assert rule_set.id_space("web").trust == 60
    assert rule_set.id_space("callcenter") == IdSpaceRules()


def test_blocked_values_are_kept_as_they_are_compared() -> None:
    blocked = valid(FULL).blocked
    assert blocked.exact == {"", "null", "anonymous", "n/a"}
    assert blocked.emails == ("test@test.com", "noreply@*")


@pytest.mark.parametrize(
    ("written", "milliseconds"),
    [
        ("365d", 365 * DAY),
        ("72h", 3 * DAY),
        ("5m", 300_000),
        ("300s", 300_000),
        ("250ms", 250),
        ("ever", None),
    ],
)
def test_durations_become_milliseconds(written: str, milliseconds: int | None) -> None:
    rule_set = valid(changed('\nwindow = "ever"', f'\nwindow = "{written}"'))
    assert rule_set.identifiers["mobile"].window == milliseconds


@pytest.mark.parametrize(
    ("written", "words"),
    [('\nwindow = "ever"', '"ever"'), ('undo_window = "ever"', '"ever", "0"'), ("stale_after = ", '"0"')],
)
def test_a_wrong_duration_is_answered_with_the_valid_forms(written: str, words: str) -> None:
    key = written.partition(" =")[0]
    (line,) = (line for line in FULL.splitlines() if line.startswith(f"{key.strip()} ="))
    (problem,) = problems(FULL.replace(f"\n{line}", f'\n{key.strip()} = "soon"', 1))
    assert problem.message == "must be a duration of at most 36500d"
    assert problem.remedy == f'write one such as "365d", "72h", "5m", "300s", "250ms", {words}'


def test_a_number_that_is_too_long_is_reported_as_such() -> None:
    assert problems(f"schema = {'1' * 5_000}") == (
        Problem(0, "", "holds a number that is too long", "shorten it"),
    )


def test_zero_switches_off_what_may_be_off() -> None:
    assert valid(changed('undo_window = "ever"', 'undo_window = "0"')).merge.undo_window == 0
    assert valid(FULL).identifiers["mobile"].stale_after == 0


@pytest.mark.parametrize(
    ("owner", "keys"),
    [
        (IdSpaceRules, {*grammar.ID_SPACE_TABLE}),
        (IdentifierRules, {*grammar.IDENTIFIER, *grammar.KIND_OF}),
        (Blocked, {*grammar.BLOCKED}),
        (Rule, {*grammar.RULE}),
        (Conflict, {*grammar.CONFLICT}),
        (Merge, {*grammar.MERGE}),
        (Review, {*grammar.REVIEW}),
        (Suggest, {*grammar.SUGGEST}),
        (Attributes, {*grammar.ATTRIBUTES, "strategies"}),
    ],
)
def test_every_field_is_a_key_and_every_key_a_field(owner: type, keys: set[str]) -> None:
    assert {field.name for field in fields(owner)} == keys


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (grammar.HEAD, meanings.RULES),
        (grammar.ID_SPACE_TABLE, meanings.ID_SPACE),
        (grammar.IDENTIFIER, meanings.IDENTIFIER),
        (grammar.IDENTIFIER_BY_KIND["phone"], meanings.PHONE),
        (grammar.IDENTIFIER_BY_KIND["email"], meanings.EMAIL),
        (grammar.IDENTIFIER_BY_KIND["opaque"], meanings.OPAQUE),
        (grammar.BLOCKED, meanings.BLOCKED),
        (grammar.RULE, meanings.RULE),
        (grammar.CONFLICT, meanings.CONFLICT),
        (grammar.MERGE, meanings.MERGE),
        (grammar.ATTRIBUTES, meanings.ATTRIBUTES),
        (grammar.REVIEW, meanings.REVIEW),
        (grammar.SUGGEST, meanings.SUGGEST),
    ],
)
def test_every_key_that_is_read_has_a_meaning_and_no_other(
    read: Mapping[str, object], told: Mapping[str, str]
) -> None:
    assert read.keys() == told.keys()
