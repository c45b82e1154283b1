"""Explanations over HTTP: ids outside, types and names inside, no values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.admin_api import ask
from tests.support.people import EMAIL, MOBILE, one_person, save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


async def test_two_profiles_are_compared_rule_by_rule(gateway: RunningGateway) -> None:
    ann = await save(gateway.services, "web", "ann", email=EMAIL)
    bob = await save(gateway.services, "pos", "bob", mobile=MOBILE)
    answer = await ask(gateway, "GET", f"explain?a={ann}&b={bob}")
    assert (answer["profile_a"], answer["profile_b"], answer["together"]) == (ann, bob, False)
    assert {rule["rule"] for rule in answer["rules"]} == {
        rule.name for rule in gateway.services.env.rules.rules
    }
    assert EMAIL not in str(answer)
    assert MOBILE not in str(answer)


async def test_the_steps_of_a_profile_name_records_and_profiles(gateway: RunningGateway) -> None:
    survivor, absorbed = await one_person(gateway.services)
    answer = await ask(gateway, "GET", f"profiles/{absorbed}/explain")
    assert answer["profile"] == survivor
    last = answer["steps"][-1]
    assert (last["what"], last["profile"], last["source"]) == ("merged", survivor, absorbed)
    assert all(record.startswith("rec_") for step in answer["steps"] for record in step["records"])
    assert EMAIL not in str(answer)


async def test_records_of_one_profile_are_compared(gateway: RunningGateway) -> None:
    survivor, _ = await one_person(gateway.services)
    one, other, *_ = (await ask(gateway, "GET", f"profiles/{survivor}"))["records"]
    answer = await ask(gateway, "GET", f"explain?a={one['id']}&b={other['id']}")
    assert answer["together"]


async def test_two_profiles_that_cannot_be_explained_are_refused(gateway: RunningGateway) -> None:
    survivor, absorbed = await one_person(gateway.services)
    for query, status, code in (
        (f"a={survivor}&b={absorbed}", 409, "same_profile"),
        (f"a={survivor}&b=prf_0000000000000001", 404, "not_found"),
        (f"a={survivor}&b=rec_0000000000000001", 400, "bad_parameter"),
        (f"a={survivor}", 400, "bad_parameter"),
    ):
        assert (await ask(gateway, "GET", f"explain?{query}", status))["code"] == code
    assert (await ask(gateway, "GET", "profiles/prf_0000000000000001/explain", 404))["code"] == "not_found"
