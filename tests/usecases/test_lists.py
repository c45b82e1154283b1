"""The shops' own numbers: on the list they join no records, those that they joined before are split, and off it they join again."""

from dataclasses import replace
from pathlib import Path

from gateway.model import ChangeList
from tests.support.in_process_gateway import InProcessGateway, customer, environment
from tests.support.regrouping import APART, OPERATOR, SHOP, TOGETHER, groups, questions, rules, shop_number


async def put(core: InProcessGateway, *values: str, name: str = "stores", listed: bool = True) -> int:
    """As the running gateway does it: change, follow, regroup."""
    outcome = await core.send(ChangeList(OPERATOR, name, values, listed))
    known = core.env.own.get(name, frozenset())
    core.env.use(core.env.rules, {name: known | {*values} if listed else known - {*values}})
    await core.regroup()
    return outcome.changed


async def test_a_listed_number_separates_the_records_that_it_joined_until_it_is_taken_off(
    tmp_path: Path,
) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1"))) as core:
        await shop_number(core)
        assert await groups(core) == TOGETHER
        assert await put(core, SHOP) == 1
        assert await groups(core) == APART
        assert await core.rows("SELECT state, owner_id FROM identifier_owner WHERE value = ?", SHOP) == [
            ("blocked", None)
        ]
        assert await put(core, SHOP, listed=False) == 1
        assert await groups(core) == TOGETHER
        actions = await core.actions()
        assert [one for one in actions if one.startswith(("identifier.", "list."))] == [
            "identifier.blocked",
            "list.changed",
            "identifier.unblocked",
            "list.changed",
        ]


async def test_listing_a_value_removes_its_owner_at_once(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1"))) as core:
        await core.send(customer("web:1", mobile=SHOP))
        await core.send(ChangeList(OPERATOR, "stores", (SHOP,), listed=True))
        await core.send(customer("pos:1", mobile=SHOP))
        assert await groups(core) == ["pos:1", "web:1"]


async def test_a_value_that_is_listed_twice_or_taken_off_twice_changes_nothing(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1"))) as core:
        assert (await put(core, SHOP), await put(core, SHOP)) == (1, 0)
        assert (await put(core, SHOP, listed=False), await put(core, SHOP, listed=False)) == (1, 0)
        assert (await core.actions()).count("list.changed") == 2


async def test_a_list_that_the_rules_do_not_name_blocks_nothing(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1"))) as core:
        await shop_number(core)
        await put(core, SHOP, name="ours")
        assert await groups(core) == TOGETHER


async def test_a_number_that_was_generic_before_is_generic_again_off_the_list(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1", fanout_limit="2"))) as core:
        await shop_number(core)
        await core.regroup()
        await put(core, SHOP)
        await put(core, SHOP, listed=False)
        assert await core.column("SELECT state FROM identifier_owner WHERE value = ?", SHOP) == ["generic"]
        assert await groups(core) == APART


async def test_a_number_of_a_type_that_several_people_share_is_shared_again_off_the_list(
    tmp_path: Path,
) -> None:
    alone = rules("1")
    several = replace(alone.identifiers["mobile"], max_profiles=2)
    shared = replace(alone, identifiers={**alone.identifiers, "mobile": several})
    async with InProcessGateway(tmp_path, environment(rules=shared)) as core:
        for who in ("web:1", "pos:1"):
            await core.send(customer(who, mobile=SHOP))
        await put(core, SHOP)
        await put(core, SHOP, listed=False)
        assert await core.rows("SELECT state, owner_id FROM identifier_owner WHERE value = ?", SHOP) == [
            ("shared", None)
        ]


async def test_a_person_is_asked_where_the_rules_say_review(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1", resplit="review"))) as core:
        await shop_number(core)
        await put(core, SHOP)
        assert [reason for _, reason in await questions(core)] == ["resplit:blocked"] * 2
        await put(core, SHOP, listed=False)
        assert await questions(core) == []
