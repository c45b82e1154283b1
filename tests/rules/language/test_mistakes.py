"""Mistakes in rule files: each is reported with its line, its path and a remedy."""

import pytest

from rules.language.parse import MOST_BYTES
from rules.language.problems import describe
from tests.support.rule_texts import FULL, MINIMAL, changed, problems, valid

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
