"""Regrouping: a pin is removed, or it expires."""

from pathlib import Path

import pytest

from gateway.clock import DAY
from gateway.model import (
    Done,
    DropPin,
    EndPins,
    SetPin,
    SplitProfile,
)
from gateway.store.gateway_reads import ended_pins
from tests.support.in_process_gateway import (
    InProcessGateway,
    customer,
    environment,
)
from tests.support.regrouping import OPERATOR, SHOP, groups, questions, rules, two


@pytest.mark.parametrize(
    ("resplit", "apart", "asked"),
    [("auto", True, []), ("review", False, ["resplit:no_rule"]), ("off", False, [])],
)
async def test_records_held_together_only_by_a_pin_are_split_by_the_rules_once_it_is_removed(
    tmp_path: Path, resplit: str, apart: bool, asked: list[str]
) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1", resplit=resplit))) as core:
        one, other = await two(core)
        before = await core.column("SELECT profile_id FROM record ORDER BY record_id")
        await core.send(SetPin(OPERATOR, one, other, "must", "sisters"))
        assert await groups(core) == ["pos:1 web:1"]
        await core.regroup()
        assert await groups(core) == ["pos:1 web:1"]
        await core.send(DropPin(OPERATOR, one, other))
        await core.regroup()
        after = await core.column("SELECT profile_id FROM record ORDER BY record_id")
        assert (after == before) is apart
        assert [reason for _, reason in await questions(core)] == asked
        assert await core.regroup() == []


async def test_records_that_agree_on_a_key_stay_together_when_their_pin_is_removed(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1"))) as core:
        one, other = await two(core, mobile=SHOP)
        await core.send(SetPin(OPERATOR, one, other, "must", "sisters"))
        await core.send(DropPin(OPERATOR, one, other))
        await core.regroup()
        assert await groups(core) == ["pos:1 web:1"]


async def test_records_kept_apart_only_by_pins_are_joined_once_the_last_pin_is_removed(
    tmp_path: Path,
) -> None:
    """In between the definition has the one who may come back with the one who was there first."""
    async with InProcessGateway(tmp_path, environment(rules=rules("1"))) as core:
        for who in ("web:1", "pos:1", "app:1"):
            await core.send(customer(who, mobile=SHOP))
        first, *others = await core.column("SELECT record_id FROM record ORDER BY record_id")
        (profile_id,) = await core.column("SELECT profile_id FROM profile")
        await core.send(SplitProfile(OPERATOR, profile_id, tuple(others), "plain", "not them"))
        await core.send(DropPin(OPERATOR, first, others[0]))
        await core.regroup()
        assert await groups(core) == ["app:1", "pos:1 web:1"]
        await core.send(DropPin(OPERATOR, others[1], first))
        await core.regroup()
        assert await groups(core) == ["app:1 pos:1 web:1"]
        assert await questions(core) == []


async def test_i5_a_record_joined_after_a_pin_is_removed_exceeds_no_limit_of_values(
    tmp_path: Path,
) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1", max_per_profile="2"))) as core:
        await core.send(customer("web:1", mobile=f"{SHOP} +201000000200"))
        await core.send(customer("pos:1", mobile="+201000000300"))
        one, other = await core.column("SELECT record_id FROM record ORDER BY record_id")
        await core.send(SetPin(OPERATOR, one, other, "cannot", "seen both"))
        await core.send(customer("pos:1", mobile=SHOP))
        owned = "SELECT COUNT(*) FROM identifier_owner WHERE owner_id IS NOT NULL"
        assert await core.column(owned) == [3]
        await core.send(DropPin(OPERATOR, one, other))
        await core.regroup()
        assert await groups(core) == ["pos:1 web:1"]
        assert await core.column(owned) == [2]


async def test_a_person_is_asked_about_differing_records_once_their_pin_is_removed(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1"))) as core:
        await core.send(customer("web:1", email="a@example.com", mobile=SHOP))
        await core.send(customer("pos:1", mobile="+201000000200"))
        one, other = await core.column("SELECT record_id FROM record ORDER BY record_id")
        await core.send(SetPin(OPERATOR, one, other, "cannot", "seen both"))
        await core.send(customer("pos:1", email="a@example.com"))
        assert await questions(core) == []
        await core.send(DropPin(OPERATOR, one, other))
        await core.regroup()
        assert [reason for _, reason in await questions(core)] == ["rule:email"]


async def test_a_record_that_matches_two_pinned_apart_joins_both_once_the_pin_is_removed(
    tmp_path: Path,
) -> None:
    asking = rules("1", more='ambiguous = "review"')
    async with InProcessGateway(tmp_path, environment(rules=asking)) as core:
        await core.send(customer("web:1", email="a@example.com"))
        await core.send(customer("pos:1", mobile=SHOP))
        one, other = await core.column("SELECT record_id FROM record ORDER BY record_id")
        await core.send(SetPin(OPERATOR, one, other, "cannot", "seen both"))
        await core.send(customer("app:1", email="a@example.com", mobile=SHOP))
        assert len(await questions(core)) == 2
        await core.send(DropPin(OPERATOR, one, other))
        await core.regroup()
        assert await groups(core) == ["app:1 pos:1 web:1"]
        assert await questions(core) == []


# ---- a pin that ends by its time ----


async def end_pins(core: InProcessGateway) -> list[tuple[int, int]]:
    """As the gateway does now and then."""
    ended = await ended_pins(core.store, core.clock.now(), 100)
    await core.send(EndPins(OPERATOR, tuple(ended)))
    await core.regroup()
    return ended


async def test_records_kept_apart_by_a_cooldown_are_joined_when_it_ends(tmp_path: Path) -> None:
    """I8, without a call that would bring them together."""
    cooling = rules("1", more='[merge]\ncooldown_after_split = "7d"')
    async with InProcessGateway(tmp_path, environment(rules=cooling)) as core:
        one, other = await two(core, mobile=SHOP)
        (profile_id,) = await core.column("SELECT profile_id FROM profile")
        await core.send(SplitProfile(OPERATOR, profile_id, (other,), "plain", "not them"))
        core.clock.advance(7 * DAY - 1)
        assert await end_pins(core) == []
        assert await groups(core) == ["pos:1", "web:1"]
        core.clock.advance(1)
        assert await end_pins(core) == [(one, other)]
        assert await groups(core) == ["pos:1 web:1"]
        assert await core.rows("SELECT * FROM pin") == []
        assert await end_pins(core) == []


async def test_records_held_together_only_by_a_pin_are_separated_when_it_expires(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1", resplit="auto"))) as core:
        one, other = await two(core)
        until = core.clock.now() + DAY
        await core.send(SetPin(OPERATOR, one, other, "must", "for the holidays", until))
        core.clock.advance(DAY)
        assert await end_pins(core) == [(one, other)]
        assert await groups(core) == ["pos:1", "web:1"]
        assert await core.rows(
            "SELECT a.reason, w.words FROM audit AS a JOIN audit_words AS w ON w.event_id = a.event_id"
            " WHERE a.action = 'pin.dropped'"
        ) == [("must", '{"note":"it has expired"}')]


async def test_a_pin_that_was_set_anew_before_it_was_taken_away_stays(core: InProcessGateway) -> None:
    one, other = await two(core)
    until = core.clock.now() + DAY
    await core.send(SetPin(OPERATOR, one, other, "cannot", "seen both", until))
    core.clock.advance(DAY)
    await core.send(SetPin(OPERATOR, one, other, "cannot", "again", until + DAY))
    assert await core.send(EndPins(OPERATOR, ((one, other),))) == Done(changed=False)
    assert await core.column("SELECT reason FROM pin") == ["again"]
