"""Why two are apart, and how a profile came to be, on the real use cases and a real file (I20)."""

from pathlib import Path
from typing import Any

from gateway.clock import MINUTE
from gateway.ids import show
from gateway.model import Explained, ExplainPair, Refused, SetPin, UndoMerge
from gateway.processes.plan import planned
from gateway.store.queries import record_history
from rules.explain import Explanation, HowStep, replay
from rules.language.parse import preset
from tests.support.in_process_gateway import InProcessGateway, achieve, customer, environment, rule_set_of
from tests.support.judgements import ANN, BOB, OTHER_PHONE, PHONE, SAM, merged, profile, record, split
from tests.usecases.test_rules_over_several_types import CONFIRMED


async def explained(core: InProcessGateway, a: int, b: int, *, records: bool = False) -> Explanation:
    outcome = await core.pipeline.submit_background(ExplainPair(a, b, records))
    assert isinstance(outcome, Explained), outcome
    return outcome.explanation


async def pair(core: InProcessGateway, one: str, other: str) -> Explanation:
    return await explained(core, await profile(core, one), await profile(core, other))


async def steps(core: InProcessGateway, who: str) -> tuple[HowStep, ...]:
    return await record_history.steps(core.store, await profile(core, who))


async def members(core: InProcessGateway, who: str) -> frozenset[int]:
    rows = await core.column("SELECT record_id FROM record WHERE profile_id = ?", await profile(core, who))
    return frozenset(rows)


async def dump(core: InProcessGateway) -> dict[str, list[Any]]:
    tables = await core.column("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    return {table: await core.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables}


async def test_the_past_of_some_records_is_a_part_of_the_whole_past(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("pos:ann", mobile=PHONE))
    await core.send(customer("app:ann", email=ANN, mobile=PHONE))
    whole, number = await steps(core, "web:ann"), await profile(core, "web:ann")
    (one,) = await core.column("SELECT record_id FROM record WHERE id_space = 'pos'")
    some = await record_history.steps(core.store, number, [one])
    assert [step for step in whole if step.what != "arrived" or one in step.records] == list(some)
    assert len(some) < len(whole)


async def test_two_that_share_nothing_have_every_rule_say_so(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("web:bob", email=BOB, mobile=PHONE))
    found = await pair(core, "web:ann", "web:bob")
    assert (found.together, found.outcome, found.guard) == (False, "none", "")
    assert [reading.rule for reading in found.rules] == [rule.name for rule in core.env.rules.rules]
    likeness = {one.type: one.likeness for reading in found.rules for one in reading.compared}
    assert (likeness["email"], likeness["mobile"]) == ("different", "missing")


async def test_a_pin_that_keeps_two_apart_is_named(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("web:bob", email=BOB))
    records = await record(core, "web:ann"), await record(core, "web:bob")
    await core.send(SetPin(SAM, *records, "cannot", "twins"))
    found = await pair(core, "web:ann", "web:bob")
    assert (found.pins, found.outcome, found.guard) == (("cannot",), "never", "cannot")
    assert await explained(core, *records, records=True) == found


async def test_a_limit_that_keeps_two_apart_is_named_with_its_counts(core: InProcessGateway) -> None:
    for name in "abcd":
        await core.send(customer(f"web:{name}", mobile=PHONE))
    found = await pair(core, "web:a", "web:d")
    assert (found.together, found.outcome, found.guard) == (False, "merge", "ids_per_profile:web")
    assert found.detail
    assert PHONE not in repr(found)


async def test_a_doubt_of_a_rule_is_named(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN, mobile=PHONE))
    await core.send(customer("pos:bob", email=ANN, mobile=OTHER_PHONE))
    found = await pair(core, "web:ann", "pos:bob")
    assert (found.together, found.outcome, found.guard) == (False, "review", "unless_differs:mobile")


async def test_two_records_of_one_profile_are_judged_by_themselves(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("pos:ann", email=ANN))
    found = await explained(core, await record(core, "web:ann"), await record(core, "pos:ann"), records=True)
    assert (found.together, found.outcome) == (True, "merge")


async def test_one_profile_twice_or_an_unknown_one_is_refused(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    ann, somebody = await profile(core, "web:ann"), await record(core, "web:ann")
    for command, code in (
        (ExplainPair(ann, ann), "same_profile"),
        (ExplainPair(ann, 7), "not_found"),
        (ExplainPair(somebody, 7, records=True), "not_found"),
    ):
        outcome = await core.pipeline.submit_background(command)
        assert isinstance(outcome, Refused)
        assert outcome.code == code


async def test_an_explanation_changes_nothing(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("web:bob", email=BOB))
    before = await dump(core)
    await pair(core, "web:ann", "web:bob")
    assert await dump(core) == before


async def test_the_steps_of_a_profile_lead_to_its_members(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("pos:ann", mobile=PHONE))
    core.clock.advance(MINUTE)
    await core.send(customer("mobile:ann", email=ANN, mobile=PHONE))
    found = await steps(core, "web:ann")
    assert [step.what for step in found] == ["arrived", "arrived", "arrived", "merged"]
    assert found[-1].rule
    assert replay(await profile(core, "web:ann"), found) == await members(core, "web:ann")


async def test_records_that_were_split_off_and_merged_again_are_traced_to_their_beginning(
    core: InProcessGateway,
) -> None:
    for who in ("web:ann", "pos:ann", "mobile:ann"):
        await core.send(customer(who, email=ANN))
    await core.send(customer("web:bob", email=BOB))
    await split(core, "pos:ann")
    core.clock.advance(MINUTE)
    await merged(core, "web:bob", "pos:ann")
    for who in ("web:ann", "web:bob"):
        assert replay(await profile(core, who), await steps(core, who)) == await members(core, who)
    assert {step.what for step in await steps(core, "web:bob")} == {"arrived", "split", "merged"}


async def test_an_undone_merge_is_shown_as_such(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("web:bob", email=BOB))
    shaped = await merged(core, "web:ann", "web:bob")
    core.clock.advance(MINUTE)
    await core.send(UndoMerge(SAM, shaped.merge_id, "twins"))
    for who in ("web:ann", "web:bob"):
        found = await steps(core, who)
        assert found[-1].what == "undone"
        assert replay(await profile(core, who), found) == await members(core, who)


async def test_an_achievement_that_brings_a_record_is_an_arrival_too(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(achieve("pos:4711", email=ANN))
    found = await steps(core, "web:ann")
    assert [step.what for step in found] == ["arrived", "arrived"]
    assert show("prf", found[1].profile_id) == show("prf", await profile(core, "pos:4711"))


async def test_a_rule_over_two_types_finds_all_that_it_looks_at(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rule_set_of(preset("strict")))) as core:
        await core.send(customer("pos:till", mobile=PHONE))
        await core.send(customer("web:shop", email=ANN))
        await core.send(customer("mobile:app", email=ANN, mobile=PHONE))
        found = await pair(core, "pos:till", "mobile:app")
        assert (found.outcome, found.guard) == ("review", "review")


async def test_an_attribute_that_does_not_confirm_is_named(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rule_set_of(CONFIRMED))) as core:
        await core.send(customer("pos:till", {"lastName": "Said"}, mobile=PHONE))
        await core.send(customer("web:shop", {"lastName": "Fahmy"}, mobile=PHONE))
        found = await pair(core, "pos:till", "web:shop")
        assert (found.together, found.outcome, found.guard) == (False, "review", "not_confirmed")


async def test_a_plan_asks_for_the_same_confirmation_as_a_call(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rule_set_of(CONFIRMED))) as core:
        for who, name in (("pos:till", "Said"), ("web:shop", "Fahmy"), ("mobile:app", "Said")):
            await core.send(customer(who, {"lastName": name}, mobile=PHONE))
        found = planned(core.url, core.env.rules, core.clock.now())
        assert (found.merged, found.split, found.profiles_after) == (0, 0, 2)
