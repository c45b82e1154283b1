"""Explanations in sentences: they claim no more and no less than the comparison found."""

import pytest

from gateway.cli.explanation import print_pair
from gateway.http.admin.explain import ComparedView, PairView, RuleView
from gateway.http.admin.pair_sentences import in_words

NAME = ComparedView("firstName", "different", "compatible")
BIRTHDAY = ComparedView("dateOfBirth", "equal", "near")


def pair(outcome: str, doubt: str, *compared: ComparedView) -> PairView:
    rule = RuleView("email", outcome, doubt, [*compared])
    return PairView("prf_1", "prf_2", False, outcome, "email", "", "", [], [], [rule], [], [])


@pytest.mark.parametrize("likeness", ["equal", "provider_form", "powerless"])
def test_two_who_share_a_value_have_something_in_common_though_no_rule_joins_them(likeness: str) -> None:
    said = in_words(pair("none", "not_confirmed", ComparedView("email", likeness), NAME))
    assert said[-1].endswith("The rules say that they have something in common, but not enough (email)")
    assert said[0].endswith("so it does not apply (not_confirmed)")


@pytest.mark.parametrize("likeness", ["different", "missing"])
def test_two_who_share_no_value_have_nothing_in_common(likeness: str) -> None:
    said = in_words(pair("none", "", ComparedView("email", likeness), NAME))
    assert "have nothing in common" in said[-1]
    assert said[0].endswith("so it does not apply")


def test_a_rule_that_only_asks_says_so() -> None:
    said = in_words(pair("review", "confirm_missing", ComparedView("email", "equal")))
    assert said[0].endswith("so it would ask a person (it only asks: confirm_missing)")


@pytest.mark.parametrize(
    ("compared", "told"),
    [
        (BIRTHDAY, "dateOfBirth equal (wanted: near)"),
        (NAME, "firstName different (wanted: compatible)"),
        (ComparedView("lastName", "missing", "near"), "lastName missing (wanted: near)"),
        (
            ComparedView("lastName", "near", "equal", "one letter"),
            "lastName near (one letter; wanted: equal)",
        ),
        (ComparedView("email", "equal"), "email equal"),
    ],
)
def test_a_table_says_what_was_wanted_and_how_values_are_alike_only_if_it_is_known(
    compared: ComparedView, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = {
        "type": compared.type,
        "likeness": compared.likeness,
        "wanted": compared.wanted,
        "how": compared.how,
    }
    print_pair(
        {
            "rules": [{"rule": "email", "outcome": "review", "doubt": "", "compared": [rule]}],
            "claimed": [],
            "words": [""],
        }
    )
    shown = capsys.readouterr().out
    assert told in shown
    assert "nothing alike" not in shown
