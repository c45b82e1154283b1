"""Rules that compare names and birthdays, on a real database: calls, plans and regroupings judge alike, and a name that changes is
looked at again."""

from collections.abc import AsyncGenerator, Mapping
from itertools import permutations
from pathlib import Path

import pytest

from gateway.processes.plan import planned
from tests.support.in_process_gateway import InProcessGateway, customer, environment, rule_set_of

PHONE = "+201001234567"
RULES = """
[rules]
schema = 1
version = "confirming"
[identifier.mobile]
kind = "phone"
strength = 80
fanout_limit = 50
[[rule]]
name = "mobile"
all_of = ["mobile"]
confirm_any = {}
confirm_missing = "review"
[merge]
survivor = ["oldest", "lowest_id"]
"""
ANY = '["lastName", "firstName", "dateOfBirth"]'
PERSON = '["firstName and lastName"]'
Person = Mapping[str, str]


def named(first: str, last: str) -> Person:
    return {"firstName": first, "lastName": last}


SAME_PERSON = [
    (named("Katharina", "Lehmann"), named("Katarina", "Lehman")),
    (named("Mohamed", "Adel"), named("Mohammed", "Adel")),
    (named("محمد", "عادل"), named("Mohamed", "Adel")),
    (named("Bob", "Stone"), named("Robert", "Stone")),
    (named("Lehmann", "Katharina"), named("Katharina", "Lehmann")),
    ({"displayName": "Lehmann, Katharina"}, named("Katharina", "Lehmann")),
]


@pytest.fixture
async def core(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncGenerator[InProcessGateway]:
    conditions = getattr(request, "param", PERSON)
    async with InProcessGateway(tmp_path, environment(rules=rule_set_of(RULES.format(conditions)))) as core:
        yield core


async def meet(core: InProcessGateway, *people: Person) -> list[str]:
    """One after another they state the same number. The decisions."""
    return [
        (await core.send(customer(f"web:{number}", person, mobile=PHONE))).resolution.decision
        for number, person in enumerate(people)
    ]


@pytest.mark.parametrize("core", [ANY, PERSON], indirect=True)
@pytest.mark.parametrize(("one", "other"), SAME_PERSON)
async def test_a_name_that_is_written_in_another_way_joins(
    core: InProcessGateway, one: Person, other: Person
) -> None:
    assert await meet(core, one, other) == ["created", "attached"]


FAMILY = (named("John", "Smith"), named("Jane", "Smith"), named("Jon", "Smith"), named("Janet", "Smith"))


@pytest.mark.parametrize("order", list(permutations(range(len(FAMILY)))))
async def test_i8_no_order_makes_one_person_of_a_household_and_a_plan_would_change_nothing(
    core: InProcessGateway, order: tuple[int, ...]
) -> None:
    await meet(core, *(FAMILY[place] for place in order))
    people: dict[int | None, set[str]] = {}
    for number, place in enumerate(order):
        profile = await core.profile_of(f"web:{number}")
        people.setdefault(profile, set()).add(FAMILY[place]["firstName"])
    alike = [{"John", "Jon"}] if order[0] in (0, 2) else [{"John"}, {"Jon"}]
    assert sorted(map(sorted, people.values())) == sorted(map(sorted, [*alike, {"Jane"}, {"Janet"}]))
    found = planned(core.url, core.env.rules, core.clock.now())
    assert (found.merged, found.split) == (0, 0)


async def test_a_corrected_name_joins_records_that_the_old_one_kept_apart(core: InProcessGateway) -> None:
    assert await meet(core, named("Anna", "Lehmann"), named("Anna", "Otto")) == ["created", "review"]
    await core.send(customer("web:1", {"lastName": "Lehman"}))
    await core.regroup()
    assert await core.profile_of("web:0") == await core.profile_of("web:1")
    assert await core.column("SELECT state FROM review") == ["accepted"]


async def test_a_name_given_later_joins_records_that_a_missing_one_kept_apart(core: InProcessGateway) -> None:
    assert await meet(core, named("Anna", "Lehmann"), {}) == ["created", "review"]
    await core.send(customer("web:1", named("Anna", "Lehman")))
    await core.regroup()
    assert await core.profile_of("web:0") == await core.profile_of("web:1")


async def test_a_name_that_no_longer_agrees_is_a_question_to_a_person(core: InProcessGateway) -> None:
    assert await meet(core, named("Anna", "Lehmann"), named("Anna", "Lehman")) == ["created", "attached"]
    await core.send(customer("web:1", {"firstName": "Otto"}))
    await core.regroup()
    assert await core.profile_of("web:0") == await core.profile_of("web:1")
    assert await core.column("SELECT reason FROM review") == ["resplit:not_confirmed"]


async def test_an_attribute_that_no_rule_compares_is_not_looked_at_again(core: InProcessGateway) -> None:
    await meet(core, named("Anna", "Lehmann"), named("Anna", "Lehman"))
    await core.send(customer("web:1", {"city": "Cairo"}))
    assert await core.column("SELECT count(*) FROM regrouping") == [0]
