"""Rules that look at more than one key, or at more than keys: what they need is really there when they are asked."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gateway.clock import DAY
from gateway.model import SaveCustomer
from rules.language.parse import preset
from tests.support.in_process_gateway import InProcessGateway, customer, environment, rule_set_of

CONFIRMED = """
[rules]
schema = 1
version = "confirmed"
[identifier.mobile]
kind = "phone"
strength = 80
fanout_limit = 5
fanout_window = "30d"
[[rule]]
name = "mobile-and-name"
all_of = ["mobile"]
confirm_any = ["lastName"]
confirm_missing = "review"
[merge]
survivor = ["oldest", "lowest_id"]
"""


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncGenerator[InProcessGateway]:
    async with InProcessGateway(tmp_path, environment(rules=rule_set_of(preset("strict")))) as core:
        yield core


@pytest.fixture
async def confirmed(tmp_path: Path) -> AsyncGenerator[InProcessGateway]:
    async with InProcessGateway(tmp_path, environment(rules=rule_set_of(CONFIRMED))) as core:
        yield core


async def test_two_facts_join_records_though_others_own_each_fact(strict: InProcessGateway) -> None:
    await strict.send(customer("pos:till", mobile="+201001234567"))
    await strict.send(customer("web:shop", email="ann@example.com"))
    await strict.send(customer("mobile:app", mobile="+201001234567", email="ann@example.com"))
    outcome = await strict.send(customer("callcenter:cc", mobile="+201001234567", email="ann@example.com"))
    assert outcome.resolution.decision == "attached"
    assert await strict.profile_of("callcenter:cc") == await strict.profile_of("mobile:app")
    assert await strict.profile_of("pos:till") != await strict.profile_of("web:shop")


async def test_two_facts_meet_in_one_batch_as_they_do_one_by_one(strict: InProcessGateway) -> None:
    both = {"mobile": "+201001234567", "email": "ann@example.com"}
    await strict.send(customer("pos:till", mobile=both["mobile"]))
    await strict.send(customer("web:shop", email=both["email"]))
    whole = [strict.pipeline.submit(customer(who, **both)) for who in ("mobile:a", "mobile:b", "web:c")]
    for waiting in whole:
        await waiting
    homes = {await strict.profile_of(who) for who in ("mobile:a", "mobile:b", "web:c")}
    assert len(homes) == 1


def named(who: str, last_name: str) -> SaveCustomer:
    command = customer(who, mobile="+201001234567")
    return SaveCustomer(command.caller, command.customer_id, command.evidence, {"lastName": last_name})


async def test_an_attribute_that_agrees_confirms_a_match(confirmed: InProcessGateway) -> None:
    await confirmed.send(named("web:1", "Hassan"))
    outcome = await confirmed.send(named("pos:2", "Hassan"))
    assert outcome.resolution.decision == "attached"


async def test_an_attribute_that_differs_asks_a_person(confirmed: InProcessGateway) -> None:
    await confirmed.send(named("web:1", "Hassan"))
    outcome = await confirmed.send(named("pos:2", "Mansour"))
    assert outcome.resolution.decision == "review"
    assert await confirmed.profile_of("web:1") != await confirmed.profile_of("pos:2")


async def test_holders_that_were_last_seen_before_the_window_do_not_make_a_value_generic(
    confirmed: InProcessGateway,
) -> None:
    for number in range(4):
        await confirmed.send(named(f"web:{number}", "Hassan"))
    confirmed.clock.advance(31 * DAY)
    for number in range(4, 8):
        await confirmed.send(named(f"web:{number}", "Hassan"))
    assert await confirmed.column("SELECT state FROM identifier_owner") == ["normal"]
    await confirmed.send(named("web:8", "Hassan"))
    await confirmed.send(named("web:9", "Hassan"))
    assert await confirmed.column("SELECT state FROM identifier_owner") == ["generic"]


def test_the_preset_that_needs_two_facts_is_what_this_page_thinks_it_is() -> None:
    found = rule_set_of(preset("strict"))
    assert any(set(rule.all_of) == {"mobile", "email"} and rule.outcome == "merge" for rule in found.rules)
