"""Rules and searches on small shops, answered by the truth."""

from collections.abc import Iterable

from gateway.simulate.labelled import Customers, Labelled, read_customers
from gateway.simulate.searched import unattended, with_all_answers, with_few_answers
from rules.language.parse import parse, preset
from rules.normalize import Normalizer
from rules.ruleset import RuleSet

SLIPS = tuple(f"katharina{digit}.lehmann@example.com" for digit in "123")


def rules() -> RuleSet:
    found = parse(preset("email-or-mobile"))
    assert isinstance(found, RuleSet)
    return found


def row(place: int, person: str, email: str, mobile: str = "") -> Labelled:
    identifiers = {"email": email} | ({"mobile": mobile} if mobile else {})
    named = {"firstName": "Katharina", "lastName": "Lehmann"} if "katharina" in email else {}
    return Labelled("web", f"c{place}", person, "EG", identifiers, named)


def shop(rows: Iterable[Labelled]) -> Customers:
    strangers = [row(place, f"s{place}", f"{word}@example.com") for place, word in enumerate("abcdefg", 50)]
    return read_customers([*rows, *strangers], Normalizer(rules()))


def test_a_question_that_earlier_answers_of_the_day_closed_is_not_counted() -> None:
    """Three addresses, each one letter from the two others: two answers join all three."""
    customers = shop(row(place, "ann", email) for place, email in enumerate(SLIPS))
    found = with_all_answers(customers, rules())
    assert (found.asked, found.yes, found.quality.right, found.quality.joined) == (2, 2, 3, 3)
    assert found.missed == {}


def test_what_was_answered_no_stays_apart_and_is_not_asked_again() -> None:
    customers = shop(row(place, person, SLIPS[place]) for place, person in enumerate(("ann", "ann", "bob")))
    found = with_all_answers(customers, rules())
    assert (found.yes, found.quality.right, found.quality.joined) == (1, 1, 1)
    assert found.asked <= 3


def test_a_question_of_the_rules_is_answered_too() -> None:
    """One address and two numbers ask."""
    customers = shop(
        row(place, "ann", "us@example.com", mobile)
        for place, mobile in enumerate(("+201001234501", "+201001234502"))
    )
    assert unattended(customers, rules()).quality.joined == 0
    found = with_all_answers(customers, rules())
    assert (found.asked, found.yes, found.quality.right) == (1, 1, 1)


def test_no_more_than_so_many_questions_are_answered() -> None:
    customers = shop(row(place, "ann", email) for place, email in enumerate(SLIPS))
    assert with_few_answers(customers, rules(), 0).asked == 0
    few = with_few_answers(customers, rules(), 10)
    assert (few.asked, few.quality.right) == (1, 1)
