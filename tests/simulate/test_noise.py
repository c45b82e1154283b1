"""How people and clerks write what they know."""

import random
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from gateway.simulate import noise
from gateway.simulate.locales import locales
from rules.language.parse import parse, preset
from rules.normalize import Normalizer
from rules.ruleset import RuleSet

chances = st.integers(0, 10_000).map(random.Random)


def default_rules() -> RuleSet:
    rules = parse(preset("email-or-mobile"))
    assert isinstance(rules, RuleSet)
    return rules


@given(chances, st.sampled_from(["Katharina", "محمد", "Παπαδόπουλος", "Шевченко"]))
def test_a_slip_of_the_hand_is_one_slip(chance: random.Random, name: str) -> None:
    assert OSA.distance(name, noise.slipped(name, chance)) <= 1


@given(chances)
def test_a_slip_in_a_mail_address_leaves_its_domain_alone(chance: random.Random) -> None:
    slipped = noise.slipped_mail("ann.smith@example.com", chance)
    assert slipped.endswith("@example.com")
    assert OSA.distance(slipped, "ann.smith@example.com") <= 1


@given(chances)
def test_a_slip_in_a_number_is_one_slip(chance: random.Random) -> None:
    assert OSA.distance("+201001234567", noise.slipped_number("+201001234567", chance)) <= 1


@pytest.mark.parametrize("region", locales())
def test_a_number_is_one_key_in_whatever_form_it_is_written(region: str) -> None:
    normalizer, locale = Normalizer(default_rules()), locales()[region]
    for number in map(locale.mobile, range(40)):
        chance = random.Random(number)
        for _ in range(8):
            text = noise.written_number(number, locale, "EG", chance)
            assert normalizer.normalize("mobile", text, "EG").value == number, text


@given(chances, st.dates(date(1930, 1, 1), date(2020, 12, 31)))
def test_a_slip_in_a_birthday_gives_another_date_or_day_and_month_swapped(
    chance: random.Random, born: date
) -> None:
    slipped = noise.slipped_birthday(born, chance)
    assert slipped != born or born.day == born.month
