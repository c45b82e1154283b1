"""The plan of the demo's shop: who its customers are, and when they come."""

from itertools import pairwise

import phonenumbers

from gateway.demo.people import lives_with_next, people
from gateway.demo.visits import HISTORY, SILENT, visits


def test_the_same_seed_plans_the_same_shop_and_another_seed_another_one() -> None:
    assert people(200, 1) == people(200, 1) != people(200, 2)
    assert visits(200, 1) == visits(200, 1) != visits(200, 2)


def test_a_larger_shop_has_the_customers_of_a_smaller_one() -> None:
    assert people(300, 1)[:200] == people(200, 1)


def test_each_customer_has_a_mail_address_for_examples_and_a_number_that_no_other_one_has() -> None:
    shoppers = people(5_000, 1)
    domains = {person.email.rpartition("@")[2] for person in shoppers}
    assert all(domain.endswith(".example") or domain.startswith("example.") for domain in domains)
    assert len({person.email for person in shoppers}) == len(shoppers)
    numbers = [person.mobile for person in shoppers if person.mobile]
    assert len(set(numbers)) == len(numbers)
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(number)) for number in numbers)
    assert {person.country for person in shoppers} == {"EG", "GB", "DE"}


def test_people_who_share_a_tablet_or_an_address_are_of_one_family() -> None:
    shoppers = people(200, 1)
    homes = [
        (shoppers[one.number], shoppers[one.number + 1]) for one in shoppers if lives_with_next(one.number)
    ]
    assert len(homes) == 15
    assert all((one.family, one.city) == (other.family, other.city) for one, other in homes)


def test_the_visits_are_in_the_order_of_time_and_the_till_falls_silent_before_the_others() -> None:
    planned = visits(500, 1)
    assert all(earlier.ago >= later.ago for earlier, later in pairwise(planned))
    assert planned[0].ago <= HISTORY
    newest = {visit.channel: visit.ago for visit in planned}
    assert newest["pos"] >= SILENT > max(ago for channel, ago in newest.items() if channel != "pos")
