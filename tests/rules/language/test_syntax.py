"""Rule files that are not TOML because their author is used to something else: the remedy names the habit."""

import pytest

from tests.support.rule_texts import MINIMAL, problems


@pytest.mark.parametrize(
    ("old", "new", "remedy"),
    [
        ('kind = "email"', "kind = “email”", "typographic quotes"),
        ('kind = "email"', "kind = «email»", "typographic quotes"),
        ('kind = "email"', 'kind\u00a0= "email"', "invisible character"),
        ('kind = "email"', '\u200bkind = "email"', "invisible character"),
        ("[identifier.email]", "// the address", "begin a comment with #"),
        ("[identifier.email]", "; the address", "begin a comment with #"),
        ("[identifier.email]", "-- the address", "begin a comment with #"),
        ("[[rule]]", "[[rules]]", "write [[rule]]"),
        ("[[rule]]", "[id_space.*]", '[id_space."*"]'),
        ("[[rule]]", '[attributes]\nconsent.* = "newest"', "with * in quotes"),
        ("fanout_limit = 5", "merge = True", "true or false, in lower case"),
        ("fanout_limit = 5", "merge = yes", "true or false, in lower case"),
        ("fanout_limit = 5", "fanout_limit: 5", "key = value"),
        ("[identifier.email]", "identifier:", "tables as [table]"),
        ("[[rule]]", '[blocked]\npatterns = ["^\\d+$"]', "single quotes"),
        ("[identifier.email]", "[identifier.بريد]", "Latin letters"),
        ("fanout_limit = 5", "حد = 5", "Latin letters"),
        ("fanout_limit = 5", "fanout_limit =", "correct the syntax"),
        ("fanout_limit = 5", 'strength = 5 "yes: it is"', "correct the syntax"),
    ],
)
def test_a_habit_from_elsewhere_is_answered_with_how_it_is_written_here(
    old: str, new: str, remedy: str
) -> None:
    text = MINIMAL.replace(old, new)
    (problem,) = problems(text)
    assert problem.message.startswith("is not TOML: ")
    assert remedy in problem.remedy
    assert text.split("\n")[problem.line - 1] == new.split("\n")[-1]


def test_the_line_of_the_syntax_error_counts_and_no_other() -> None:
    (problem,) = problems(
        MINIMAL.replace("[rules]", "# “quoted”\n[rules]").replace('kind = "email"', "kind =")
    )
    assert problem.remedy == "correct the syntax on or before this line"
