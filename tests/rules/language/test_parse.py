"""Rule files: what is accepted, what every mistake is answered with, and that no text at all makes the parser
raise."""

from collections.abc import Mapping
from dataclasses import fields
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.language import grammar, meanings
from rules.language.parse import MOST_BYTES, PRESETS, parse, preset
from rules.language.problems import Problem, describe
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

DAY = 86_400_000

FULL = r"""[rules]
schema = 1
version = "2026-11-23.1"
mode = "enforce"
activation = "after_dry_run"

[id_space.pos]
trust = 50
ids_per_profile = 3
on_many_ids = "review"
[id_space.web]
trust = 60
verified = ["email"]

[identifier.mobile]
kind = "phone"
merge = true
strength = 80
max_per_profile = 3
window = "ever"
at_limit = "keep_old"
max_profiles = 1
fanout_limit = 5
fanout_window = "ever"
on_fanout = "quarantine"
stale_after = "0"
require_verified = false
types = ["MOBILE", "FIXED_LINE_OR_MOBILE"]
extension = "keep"
idd_00_as_plus = true
renumbered = true
[identifier.email]
kind = "email"
strength = 70
max_per_profile = 5
fanout_limit = 5
casefold_local = true
provider_canonical = "review"
reject_role = true
reject_masked = true
disposable = "review"
[identifier.loyalty_id]
kind = "opaque"
pattern = '^\d{8,16}$'
strength = 100
max_per_profile = 1
immutable = true

[blocked]
exact = ["", "null", "Anonymous", " n/a "]
patterns = ['^[0-]*$', '^(\d)\1{6,}$', '^(0?1234567|9876543)']
emails = ["test@test.com", "NoReply@*"]
phones = ["own:stores", "+49 30 123456"]
builtin = true

[[rule]]
name = "same-loyalty-id"
all_of = ["loyalty_id"]
outcome = "merge"
[[rule]]
name = "mobile-and-email"
all_of = [
  "mobile",
  "email",
]
outcome = "merge"
[[rule]]
name = "mobile"
all_of = ["mobile"]
outcome = "merge"
unless_differs = ["loyalty_id"]
needs_verified = false
id_spaces = ["*"]
confirm_any = []
confirm_missing = "merge"
not_confirmed = "review"
[[rule]]
name = "email"
all_of = ["email"]
outcome = "merge"
unless_differs = ["loyalty_id", "mobile"]

[conflict]
policy = "review"
ambiguous = "separate"
resplit = "review"

[merge]
survivor = ["has:loyalty_id", "oldest", "lowest_id"]
max_records = 50
max_profiles_at_once = 5
protect_balance_over = 0
cooldown_after_split = "ever"
undo_window = "ever"
points = "off"
[attributes]
default = "newest"
ignore_empty = true
"name" = "id_space_order:web,pos"
"birthday" = "oldest"
"consent.*" = "most_restrictive"
[review]
auto_close_stale_after = "180d"
reopen_on_new_evidence = true
"""

MINIMAL = """[rules]
schema = 1
version = "1"
[identifier.email]
kind = "email"
fanout_limit = 5
[[rule]]
name = "email"
all_of = ["email"]
"""


def valid(text: str) -> RuleSet:
    result = parse(text)
    assert isinstance(result, RuleSet), describe(result)
    return result


def problems(text: str) -> tuple[Problem, ...]:
    result = parse(text)
    assert isinstance(result, tuple)
    return result


def changed(old: str, new: str) -> str:
    assert FULL.count(old) == 1, old
    return FULL.replace(old, new)


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


# Each mistake: a piece of the full file, what stands there instead (`#!` marks the line), the path.
MISTAKES = [
    ("schema = 1", "schema = 2 #!", "rules.schema"),
    ("schema = 1", "schema = true #!", "rules.schema"),
    ("[rules]\nschema = 1", "[rules] #!", "rules.schema"),
    ('version = "2026-11-23.1"', 'version = "" #!', "rules.version"),
    ('version = "2026-11-23.1"', 'version = "  " #!', "rules.version"),
    ('version = "2026-11-23.1"', f'version = "{"v" * 101}" #!', "rules.version"),
    ('mode = "enforce"', 'mode = "enforced" #!', "rules.mode"),
    ('mode = "enforce"', 'mood = "enforce" #!', "rules.mood"),
    ("[conflict]", "[conflicts] #!\na = 1\n[conflict]", "conflicts"),
    ("[id_space.pos]", '[id_space."p o s"] #!\n[id_space.pos]', "id_space.'p o s'"),
    ("trust = 50", "trust = 101 #!", "id_space.pos.trust"),
    ("trust = 50", 'trust = "50" #!', "id_space.pos.trust"),
    ("trust = 50", "trust = 50.0 #!", "id_space.pos.trust"),
    ("ids_per_profile = 3", "ids_per_profile = 0 #!", "id_space.pos.ids_per_profile"),
    ('verified = ["email"]', 'verified = ["e_mail"] #!', "id_space.web.verified"),
    ('verified = ["email"]', 'verified = "email" #!', "id_space.web.verified"),
    ('kind = "phone"', 'kind = "mobile" #!', "identifier.mobile.kind"),
    ('[identifier.loyalty_id]\nkind = "opaque"', "[identifier.loyalty_id] #!", "identifier.loyalty_id.kind"),
    ("[identifier.loyalty_id]", "x.y = 1 #!\n[identifier.loyalty_id]", "identifier.email.x"),
    ("merge = true", 'merge = "yes" #!', "identifier.mobile.merge"),
    ("strength = 70", "strength = 80 #!", "identifier.email.strength"),
    ("strength = 80\n", "strength = -1 #!\n", "identifier.mobile.strength"),
    ('\nwindow = "ever"', '\nwindow = "365" #!', "identifier.mobile.window"),
    ('\nwindow = "ever"', '\nwindow = "0" #!', "identifier.mobile.window"),
    ('\nwindow = "ever"', "\nwindow = 365 #!", "identifier.mobile.window"),
    ('\nwindow = "ever"', '\nwindow = "99999999d" #!', "identifier.mobile.window"),
    ('stale_after = "0"', 'stale_after = "ever" #!', "identifier.mobile.stale_after"),
    ("max_profiles = 1", "max_profiles = 0 #!", "identifier.mobile.max_profiles"),
    ("casefold_local = true", "idd_00_as_plus = true #!", "identifier.email.idd_00_as_plus"),
    ('"FIXED_LINE_OR_MOBILE"]', '\n "LANDLINE" #!\n]', "identifier.mobile.types[2]"),
    ('types = ["MOBILE", "FIXED_LINE_OR_MOBILE"]', "types = [] #!", "identifier.mobile.types"),
    (r"'^\d{8,16}$'", "'^(a+)+$' #!", "identifier.loyalty_id.pattern"),
    ("builtin = true", "builtin = 1 #!", "blocked.builtin"),
    ('" n/a "', "\n-1 #!\n", "blocked.exact[4]"),
    ('" n/a "', '\n"NULL" #!\n', "blocked.exact[4]"),
    ("'^[0-]*$', ", "\n'(' #!\n,", "blocked.patterns[1]"),
    ("'^[0-]*$', ", "\n'' #!\n,", "blocked.patterns[1]"),
    ('"NoReply@*"', '\n"noreply" #!\n', "blocked.emails[2]"),
    ('"NoReply@*"', '\n"*no*reply*@*" #!\n', "blocked.emails[2]"),
    (', "+49 30 123456"', ',\n"030 123456" #!\n', "blocked.phones[2]"),
    ('name = "same-loyalty-id"', 'name = "a|b" #!', "rule[1].name"),
    ('name = "mobile-and-email"', 'name = "same-loyalty-id" #!', "rule[2].name"),
    ('[[rule]]\nname = "mobile-and-email"', "[[rule]] #!", "rule[2].name"),
    ('all_of = ["loyalty_id"]', "all_of = [] #!", "rule[1].all_of"),
    ('  "email",\n]', '  "e-mail", #!\n]', "rule[2].all_of[2]"),
    ('  "email",\n]', '  "mail", #!\n]', "rule[2].all_of[2]"),
    ('  "email",\n]', '  "mobile", #!\n]', "rule[2].all_of[2]"),
    ('  "email",\n]', '  "email", "fax", #!\n]', "rule[2].all_of[3]"),
    ('unless_differs = ["loyalty_id"]', 'unless_differs = ["loyalty"] #!', "rule[3].unless_differs[1]"),
    ('unless_differs = ["loyalty_id"]', 'unless_differs = ["mobile"] #!', "rule[3].unless_differs[1]"),
    ('id_spaces = ["*"]', 'id_spaces = ["shop"] #!', "rule[3].id_spaces[1]"),
    ('id_spaces = ["*"]', 'id_spaces = ["*", "web"] #!', "rule[3].id_spaces"),
    ('id_spaces = ["*"]', "id_spaces = [] #!", "rule[3].id_spaces"),
    ("confirm_any = []", 'confirm_any = ["*"] #!', "rule[3].confirm_any[1]"),
    ("confirm_any = []", 'confirm_any = "name" #!', "rule[3].confirm_any"),
    ('confirm_missing = "merge"', 'confirm_missing = "refuse" #!', "rule[3].confirm_missing"),
    ('policy = "review"', 'policy = "drop" #!', "conflict.policy"),
    ('"oldest", "lowest_id"]', '"oldest"] #!', "merge.survivor"),
    ('"oldest", "lowest_id"]', '"lowest_id", "oldest"] #!', "merge.survivor"),
    ('"oldest", "lowest_id"]', '\n"eldest", #!\n"lowest_id"]', "merge.survivor[2]"),
    ('["has:loyalty_id",', '[\n"has:card", #!\n', "merge.survivor[1]"),
    ('["has:loyalty_id",', '[\n"id_space:shop", #!\n', "merge.survivor[1]"),
    ("max_profiles_at_once = 5", "max_profiles_at_once = 0 #!", "merge.max_profiles_at_once"),
    ('points = "off"', 'points = "move" #!', "merge.points"),
    ("protect_balance_over = 0", "protect_balance_over = -5 #!", "merge.protect_balance_over"),
    ('cooldown_after_split = "ever"', 'cooldown_after_split = "never" #!', "merge.cooldown_after_split"),
    ('"id_space_order:web,pos"', '"id_space_order:web,shop" #!', "attributes.name"),
    ('"id_space_order:web,pos"', '"id_space_order:" #!', "attributes.name"),
    ('"birthday" = "oldest"', '"birthday" = "eldest" #!', "attributes.birthday"),
    ('"consent.*" = "most_restrictive"', 'consent.email = "newest" #!', "attributes.consent"),
    ('"consent.*" = "most_restrictive"', '"*.consent" = "newest" #!', "attributes.'*.consent'"),
    ('auto_close_stale_after = "180d"', 'auto_close_stale_after = "0" #!', "review.auto_close_stale_after"),
]


@pytest.mark.parametrize(("old", "new", "path"), MISTAKES)
def test_a_mistake_is_reported_once_with_its_line_and_path(old: str, new: str, path: str) -> None:
    text = changed(old, new)
    (problem,) = problems(text)
    assert problem.path == path
    assert text.split("\n")[problem.line - 1].endswith("#!")
    assert problem.message
    assert problem.remedy


def test_every_mistake_is_reported_at_once_in_the_order_of_the_lines() -> None:
    text = FULL
    for old, new, _ in MISTAKES[0], MISTAKES[6], MISTAKES[10], MISTAKES[-1]:
        text = text.replace(old, new)
    found = problems(text)
    assert [problem.path for problem in found] == [
        "rules.schema",
        "rules.mode",
        "id_space.pos.trust",
        "review.auto_close_stale_after",
    ]
    assert [problem.line for problem in found] == sorted(problem.line for problem in found)


def test_a_single_key_that_merges_needs_a_fanout_limit() -> None:
    (problem,) = problems(MINIMAL.replace("fanout_limit = 5\n", ""))
    assert (problem.line, problem.path) == (8, "rule[1].all_of")
    assert "identifier.email.fanout_limit" in problem.remedy


@pytest.mark.parametrize("guard", ["max_per_profile = 1", "fanout_limit = 1"])
def test_a_unique_type_or_a_fanout_limit_lets_a_single_key_merge(guard: str) -> None:
    valid(MINIMAL.replace("fanout_limit = 5", guard))


@pytest.mark.parametrize("outcome", ["review", "never"])
def test_a_single_key_that_only_asks_or_forbids_needs_no_guard(outcome: str) -> None:
    valid(MINIMAL.replace("fanout_limit = 5\n", "") + f'outcome = "{outcome}"\n')


def test_a_rule_cannot_compare_a_type_that_may_not_merge() -> None:
    (problem,) = problems(MINIMAL.replace("fanout_limit = 5", "merge = false"))
    assert (problem.line, problem.path) == (9, "rule[1].all_of[1]")
    assert problem.message.endswith(" has merge = false")


def test_a_type_that_may_not_merge_can_still_tell_people_apart() -> None:
    card = '[identifier.card]\nkind = "opaque"\nmerge = false\n[[rule]]'
    valid(MINIMAL.replace("[[rule]]", card) + 'unless_differs = ["card"]\n')


def test_a_table_for_all_other_id_spaces_stands_for_those_without_one() -> None:
    table = '[id_space."*"]\nids_per_profile = 10\ntrust = 20\n'
    rule_set = valid(MINIMAL + table + "[id_space.web]\ntrust = 60\n")
    assert (rule_set.id_space("web").trust, rule_set.id_space("web").ids_per_profile) == (60, 3)
    assert (rule_set.id_space("till").trust, rule_set.id_space("till").ids_per_profile) == (20, 10)
    assert list(rule_set.id_spaces) == ["web"]


def test_a_table_for_all_others_declares_none_of_them() -> None:
    others = '[id_space."*"]\ntrust = 20\n'
    valid(others + MINIMAL + 'id_spaces = ["web"]\n[attributes]\nname = "id_space_order:web,pos"\n')


def test_id_spaces_need_no_declaration_where_none_is_declared() -> None:
    valid(MINIMAL + 'id_spaces = ["web"]\n[attributes]\nname = "id_space_order:web,pos"\n')
    valid(MINIMAL + '[merge]\nsurvivor = ["id_space:web", "lowest_id"]\n')


def test_a_file_without_rules_is_refused() -> None:
    (problem,) = problems(MINIMAL[: MINIMAL.index("[[rule]]")])
    assert (problem.line, problem.path) == (0, "rule")


@pytest.mark.parametrize("section", ["id_space", "identifier"])
def test_more_tables_than_anyone_needs_are_refused_as_a_whole(section: str) -> None:
    tables = "".join(f"[{section}.x{number}]\n" for number in range(300))
    assert [problem.path for problem in problems(MINIMAL + tables)].count(section) == 1


def test_an_empty_file_lacks_its_head_and_its_rules() -> None:
    assert [(problem.line, problem.path) for problem in problems("")] == [(0, "rule"), (0, "rules")]


@pytest.mark.parametrize("text", ["rules = 1", "rules = []", "identifier = 1", "id_space = [1]", "rule = {}"])
def test_a_section_of_the_wrong_shape_is_reported_at_its_line(text: str) -> None:
    assert (1, text.partition(" ")[0]) in [(problem.line, problem.path) for problem in problems(text)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[rules\n", 1),
        ("[rules]\nschema = \n", 2),
        ("[rules]\r\nschema = 1\r\nversion = 'x\r\n", 3),
        ('[rules]\nversion = """never closed\n\n', 2),
        ("a = 1\na = 2\n", 2),
        ("a = '\0'", 1),
        ("\n\ud800", 2),
        ("a = " + "[" * 100_000, 0),
        ("a = " + "9" * 100_000, 0),
        ("# " + "x" * MOST_BYTES, 0),
    ],
)
def test_what_is_not_toml_is_one_problem_with_its_line(text: str, line: int) -> None:
    (problem,) = problems(text)
    assert (problem.line, problem.path) == (line, "")


@pytest.mark.parametrize(
    ("old", "new", "suggestion"),
    [
        ("fanout_limit", "fanout_limits", "fanout_limit"),
        ("[[rule]]", "[[rules_]]", "rules"),
        ('all_of = ["email"]', 'all_of = ["emails"]', "email"),
        ('kind = "email"', 'kind = "mail"', "email"),
    ],
)
def test_a_misspelt_word_is_answered_with_the_nearest_known_one(old: str, new: str, suggestion: str) -> None:
    assert any(f'did you mean "{suggestion}"?' in one.remedy for one in problems(MINIMAL.replace(old, new)))


def test_no_message_repeats_a_blocked_value() -> None:
    text = changed('"NoReply@*"', '"ann example.com"').replace('"+49 30 123456"', '"0170 1234567"')
    told = describe(problems(text))
    assert "ann" not in told
    assert "0170" not in told


def test_problems_read_as_one_line_each() -> None:
    assert describe(problems("")).split("\n") == [
        "file: rule: there must be 1 to 200 rules (write [[rule]] above each rule)",
        "file: rules: is missing (begin the file with [rules] and schema, version)",
    ]
    odd_key = describe(problems(MINIMAL + '"a\\nb\\u2028" = 1\n'))
    assert len(odd_key.splitlines()) == 1
    assert odd_key.startswith("line 10: rule[1].")


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_valid_and_declares_no_id_space(name: str) -> None:
    rule_set = valid(preset(name))
    assert rule_set.text == preset(name)
    assert not rule_set.id_spaces


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="email, mobile, email-or-mobile, retail, strict"):
        preset("../rulefile")


def test_presets_differ_in_the_evidence_that_joins() -> None:
    rules = {name: valid(preset(name)).rules for name in PRESETS}
    joining = {
        name: [each.all_of for each in found if each.outcome == "merge"] for name, found in rules.items()
    }
    assert joining == {
        "email": [("email",)],
        "mobile": [("mobile",)],
        "email-or-mobile": [("mobile", "email"), ("mobile",), ("email",)],
        "retail": [("mobile", "email"), ("mobile",), ("email",)],
        "strict": [("loyalty_id",), ("mobile", "email")],
    }


SYNTAX = [
    "[",
    "]",
    "[[rule]]",
    "{",
    "}",
    '"',
    "'",
    "\n",
    "\r\n",
    "#",
    ".",
    ",",
    "=",
    "0",
    "-1",
    "true",
    "\\",
    "\0",
]
SNIPPETS = st.sampled_from([*SYNTAX, '"' * 3, "'" * 3]) | st.text(max_size=4)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """The full file after a few cuts, insertions and swapped lines."""
    text = FULL
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 30)))
        text = text[:start] + draw(SNIPPETS) + text[end:]
    lines = text.split("\n")
    one, other = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
    lines[one], lines[other] = lines[other], lines[one]
    return "\n".join(lines)


@settings(max_examples=300, deadline=None)
@given(mutated() | st.text())
def test_no_text_raises_and_every_reported_line_is_in_the_file(text: str) -> None:
    result = parse(text)
    if isinstance(result, RuleSet):
        return
    assert result
    assert all(0 <= problem.line <= text.count("\n") + 1 for problem in result)
    assert [problem.line for problem in result] == sorted(problem.line for problem in result)
    assert len(describe(result).splitlines()) == len(result)


VALUES = ["0", "-1", "true", "'x'", "[]", "[[1]]", "{}", "{a = 1}", "1979-05-27", "nan", "['*']", "[1, 'a']"]
PLACES = [number for number, line in enumerate(FULL.split("\n")) if " = " in line]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(PLACES), st.sampled_from(VALUES), min_size=1, max_size=5))
def test_a_value_of_any_type_in_any_place_raises_nothing(written: dict[int, str]) -> None:
    lines = [*FULL.split("\n")]
    for place, value in written.items():
        lines[place] = f"{lines[place].partition(' = ')[0]} = {value}"
    parse("\n".join(lines))
