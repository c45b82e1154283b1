"""The score of rules on labelled customers."""

from collections.abc import Mapping

import pytest

from gateway.simulate.labelled import Labelled, as_labelled
from gateway.simulate.registrations import registrations
from gateway.simulate.score import Score, score
from gateway.simulate.shapes import SHAPES
from rules.language.parse import PRESETS, parse, preset
from rules.ruleset import RuleSet


def rules_of(text: str) -> RuleSet:
    rules = parse(text)
    assert isinstance(rules, RuleSet), rules
    return rules


def row(person: str, place: str, attributes: Mapping[str, str] | None = None, **identifiers: str) -> Labelled:
    channel, _, customer_id = place.partition(":")
    return Labelled(channel, customer_id, person, "EG", identifiers, attributes or {})


DEFAULT = rules_of(preset("email-or-mobile"))
ANN, BOB = "+201001234501", "+201001234502"


def scored(*rows: Labelled, rules: RuleSet = DEFAULT) -> Score:
    return score(rows, rules)


def test_pairs_of_one_person_on_one_profile_are_right() -> None:
    found = scored(
        row("ann", "web:1", email="ann@example.com"),
        row("ann", "pos:1", email="Ann@Example.com", mobile="0100 123 4501"),
        row("ann", "pos:2"),
        row("bob", "pos:3", mobile=ANN),
    )
    assert found.unattended == (1, 3, 3)
    assert (found.unattended.precision, found.unattended.recall) == (1 / 3, 1 / 3)
    assert (found.rows, found.persons, found.profiles, found.largest) == (4, 2, 2, 3)


def test_a_question_counts_by_the_answer_that_it_deserves_and_the_answers_are_given() -> None:
    """One address and two numbers ask."""
    couple = [
        row("ann", "web:1", email="us@example.com", mobile=ANN),
        row("bob", "web:2", email="us@example.com", mobile=BOB),
    ]
    found = scored(*couple)
    assert (found.questions, found.yes, found.asked) == (1, 0, 1)
    assert found.answered == found.unattended == (0, 0, 0)
    one = scored(*(each._replace(person="ann") for each in couple))
    assert (one.questions, one.yes, one.yes_share) == (1, 1, 1.0)
    assert one.unattended == (0, 0, 1)
    assert one.answered == (1, 1, 1)
    assert one.missed == {"asked: unless_differs": 1}


def test_a_customer_id_of_one_channel_is_one_customer_however_often_it_comes() -> None:
    found = scored(
        row("ann", "web:1", email="ann@example.com"),
        row("ann", "web:1", mobile=ANN),
        row("ann", "pos:1", mobile=ANN),
    )
    assert (found.rows, found.unattended) == (2, (1, 1, 1))


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ({"mobile": ANN}, {"mobile": BOB}, "mobile one slip off"),
        (
            {"email": "ann.smith@example.com"},
            {"email": "an.smiht@example.com"},
            "e-mail one or two slips off",
        ),
        ({"email": "ann@mail.example"}, {"email": "ann@example.org"}, "same mailbox at another provider"),
        ({"email": "noreply@example.com"}, {"email": "noreply@example.com"}, "share a value, kept apart"),
        ({"email": "ann@mail.example"}, {"mobile": ANN}, "nothing alike"),
    ],
)
def test_a_missed_pair_is_told_by_what_it_has_in_common(
    one: dict[str, str], other: dict[str, str], kind: str
) -> None:
    rows = [row("ann", "web:1")._replace(identifiers=one), row("ann", "pos:1")._replace(identifiers=other)]
    assert scored(*rows).missed == {kind: 1}


@pytest.mark.parametrize(
    ("first", "last", "kind"),
    [
        ("smith", "ann", "similar name"),
        ("A.", "Smith", "name nearly the same"),
        ("Bo", "Lee", "nothing alike"),
    ],
)
def test_names_are_compared_whatever_their_order(first: str, last: str, kind: str) -> None:
    found = scored(
        row("ann", "web:1", {"firstName": "Ann", "lastName": "Smith"}),
        row("ann", "pos:1", {"firstName": first, "lastName": last}),
    )
    assert found.missed == {kind: 1}


def test_attributes_confirm_as_they_do_for_a_call() -> None:
    rules = rules_of(
        preset("mobile").replace(
            'name = "mobile"\nall_of = ["mobile"]',
            'name = "mobile"\nconfirm_any = ["lastName"]\nall_of = ["mobile"]',
        )
    )
    family = [
        row("ann", "web:1", {"lastName": "Smith"}, mobile=ANN),
        row("bob", "pos:1", {"lastName": "Jones"}, mobile=ANN),
    ]
    found = scored(*family, rules=rules)
    assert (found.questions, found.yes, found.unattended.joined) == (1, 0, 0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", PRESETS)
def test_answering_questions_by_the_truth_makes_no_preset_worse(shape: str, name: str) -> None:
    found = score(as_labelled(registrations(SHAPES[shape], 150, 1)), rules_of(preset(name)))
    assert found.answered.recall >= found.unattended.recall
    assert found.answered.precision >= found.unattended.precision - 0.01
    assert sum(found.missed.values()) == found.unattended.true - found.unattended.right
    assert found.asked >= found.questions >= found.yes
