"""Invented people: who they are, and that nothing about them is real."""

from collections import Counter, defaultdict

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType

from gateway.simulate.locales import PROVIDERS, locales
from gateway.simulate.people import Person, invented
from gateway.simulate.shapes import SHAPES

MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


@pytest.fixture(scope="module")
def families() -> list[list[Person]]:
    homes: dict[int, list[Person]] = defaultdict(list)
    for one in invented(SHAPES["household"], 3_000, 1):
        homes[one.household].append(one)
    return list(homes.values())


def test_the_same_seed_invents_the_same_people_and_another_seed_others() -> None:
    shape = SHAPES["retail"]
    assert invented(shape, 100, 1) == invented(shape, 100, 1) != invented(shape, 100, 2)


@pytest.mark.parametrize("region", locales())
def test_each_country_has_valid_mobile_numbers_and_none_of_them_twice(region: str) -> None:
    locale = locales()[region]
    numbers = {locale.mobile(place) for place in range(0, locale.numbers, locale.numbers // 500)}
    assert len(numbers) >= 500
    read = [phonenumbers.parse(number) for number in numbers]
    assert all(map(phonenumbers.is_valid_number, read))
    assert {phonenumbers.number_type(one) for one in read} <= MOBILE


def test_neighbours_have_numbers_that_no_slip_turns_into_each_other() -> None:
    egypt = locales()["EG"]
    one, other = egypt.mobile(0), egypt.mobile(1)
    assert sum(a != b for a, b in zip(one, other, strict=True)) > 2


def test_no_mail_address_is_at_a_real_domain_and_none_is_given_out_twice() -> None:
    people = invented(SHAPES["retail"], 3_000, 1)
    held = Counter(email for one in people for email in {one.email.before, one.email.after})
    assert set(held.values()) == {1}
    assert {email.partition("@")[2] for email in held} == set(PROVIDERS)


def test_families_have_children_named_after_a_parent_and_twins(families: list[list[Person]]) -> None:
    namesakes = [
        (a, b) for home in families for a in home for b in home if a.born < b.born and a.given == b.given
    ]
    apart = [(b.born - a.born).days for a, b in namesakes if a.family == b.family]
    assert sum(days > 19 * 365 for days in apart) > 20
    twins = [
        (a, b) for home in families for a in home for b in home if a.number < b.number and a.born == b.born
    ]
    assert len(twins) > 10
    assert all(a.given != b.given for a, b in twins)


def test_members_of_a_household_give_the_contacts_of_its_first_member(families: list[list[Person]]) -> None:
    shared = [one for home in families for one in home if one.gives_mobile_of != one.number]
    assert len(shared) > 300
    assert all(one.gives_mobile_of == one.household for one in shared)


def test_a_number_that_was_given_up_goes_to_a_stranger_later() -> None:
    people = invented(SHAPES["retail"], 3_000, 1)
    first = {one.mobile.before: one for one in people if one.mobile.before != one.mobile.after}
    again = [(first[one.mobile.after], one) for one in people if one.mobile.after in first]
    assert len(again) > 20
    assert all(old.mobile.at <= new.mobile.at and old.household != new.household for old, new in again)


def test_a_russian_woman_has_the_feminine_form_of_her_family_name() -> None:
    russians = [one for one in invented(SHAPES["retail"], 2_000, 1) if one.locale.region == "RU"]
    ends = {one.is_woman: set[str]() for one in russians}
    for one in russians:
        ends[one.is_woman].add(one.family[0][-2:])
    assert {"ва", "на"} <= ends[True]
    assert {"ов", "ин"} <= ends[False]
    assert "ов" not in ends[True]
