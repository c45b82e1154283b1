"""Splits by hand: which records leave, which keys go with them, and how long the sides stay apart."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.clock import DAY, HOUR
from gateway.ids import show
from gateway.model import (
    Done,
    SplitProfile,
)
from tests.support.in_process_gateway import (
    SHARE,
    InProcessGateway,
    achieve,
    customer,
    default_rules,
    environment,
)
from tests.support.judgements import (
    ANN,
    BOB,
    PHONE,
    SAM,
    Mode,
    merged,
    people,
    profile,
    record,
    split,
    together,
    unpinned,
)

# ---- split ----


async def family(core: InProcessGateway) -> None:
    """Ann absorbed Bob after Bob had absorbed Cem; Ann's app is one of her own records."""
    await people(core, ann={"email": ANN}, bob={"email": BOB}, cem={"mobile": PHONE})
    await core.send(customer("app:ann", email=ANN))
    await merged(core, "web:bob", "web:cem")
    await merged(core, "web:ann", "web:bob")


async def test_a_plain_split_takes_just_the_records_named(core: InProcessGateway) -> None:
    await family(core)
    ann = await profile(core, "web:ann")
    shaped = await split(core, "web:bob")
    assert (shaped.profile_id, shaped.parts) == (ann, (await profile(core, "web:bob"),))
    assert await together(core, "ann", "cem")
    assert not await together(core, "ann", "bob")


async def test_a_tree_split_takes_what_was_absorbed_along(core: InProcessGateway) -> None:
    await people(core, ann={}, bob={}, cem={})
    bob = await profile(core, "web:bob")
    await merged(core, "web:bob", "web:cem")
    await merged(core, "web:ann", "web:bob")
    shaped = await split(core, "web:bob", mode="tree")
    assert shaped.parts == (bob,)
    assert await together(core, "bob", "cem")
    assert not await together(core, "ann", "bob")


async def test_splitting_all_puts_every_record_on_its_own_and_the_oldest_stays(
    core: InProcessGateway,
) -> None:
    await family(core)
    ann = await profile(core, "web:ann")
    shaped = await core.send(SplitProfile(SAM, ann, (), "all", "all wrong"))
    whos = ("web:ann", "app:ann", "web:bob", "web:cem")
    homes = [await profile(core, who) for who in whos]
    assert homes[0] == ann
    assert len(set(homes)) == 4
    assert set(shaped.parts) == set(homes[1:])
    assert await core.column("SELECT COUNT(*) FROM pin WHERE kind = 'cannot'") == [6]


async def test_keys_follow_the_records_that_observed_them(core: InProcessGateway) -> None:
    await family(core)
    await split(core, "web:bob")
    owners = dict(await core.rows("SELECT value, owner_id FROM identifier_owner"))  # type: ignore[arg-type]
    assert owners == {
        ANN: await profile(core, "web:ann"),
        BOB: await profile(core, "web:bob"),
        PHONE: await profile(core, "web:ann"),
    }


async def test_a_key_of_both_sides_stays_with_the_rest_and_a_person_is_asked(core: InProcessGateway) -> None:
    await people(core, ann={"email": ANN})
    await core.send(customer("app:ann", email=ANN))
    shaped = await split(core, "web:ann")
    assert await core.profile_of("web:ann") == shaped.profile_id
    assert await core.column("SELECT owner_id FROM identifier_owner") == [*shaped.parts]
    assert await core.rows("SELECT state, reason, types FROM review") == [
        ("open", "split:contested", '["email"]')
    ]


@pytest.mark.parametrize(("whos", "mode"), [(["web:ann"], "plain"), (["web:ann"], "all"), ([], "plain")])
async def test_a_split_that_leaves_a_side_empty_is_refused(
    core: InProcessGateway, whos: list[str], mode: Mode
) -> None:
    await people(core, ann={})
    records = tuple([await record(core, who) for who in whos])
    refused = await core.send(SplitProfile(SAM, await profile(core, "web:ann"), records, mode, ""))
    assert refused.code == "split_empties"


async def test_a_record_of_another_profile_is_named(core: InProcessGateway) -> None:
    await people(core, ann={}, bob={})
    bob = await record(core, "web:bob")
    refused = await core.send(SplitProfile(SAM, await profile(core, "web:ann"), (bob,), "plain", ""))
    assert refused.code == "records_elsewhere"
    assert show("rec", bob) in refused.message


async def test_no_mix_of_calls_joins_again_what_was_split(core: InProcessGateway) -> None:
    """I11: any identifiers of both sides, on known and on new ids, in any order."""
    await people(core, ann={"email": ANN}, bob={"mobile": PHONE})
    await merged(core, "web:ann", "web:bob")
    await split(core, "web:bob")
    said: list[dict[str, str]] = [{"email": ANN, "mobile": PHONE}, {"email": ANN}, {"mobile": PHONE}, {}]
    whos = ("web:ann", "web:bob", "pos:new", "app:new")
    for number, (who, evidence) in enumerate(itertools.product(whos, said)):
        core.clock.advance(HOUR)
        call = achieve(who, SHARE.id, **evidence) if number % 3 == 0 else customer(who, **evidence)
        await core.send(call)
        assert not await together(core, "ann", "bob")
    assert (await merged(core, "web:ann", "web:bob")).code == "pinned_apart"


async def test_a_removed_pin_lets_the_rules_join_again(core: InProcessGateway) -> None:
    await people(core, ann={"email": ANN}, bob={"mobile": PHONE})
    await merged(core, "web:ann", "web:bob")
    await split(core, "web:bob")
    assert await unpinned(core, "web:bob", "web:ann") == Done()
    assert await unpinned(core, "web:bob", "web:ann") == Done(changed=False)
    await core.send(customer("app:x", email=ANN, mobile=PHONE))
    assert await together(core, "ann", "bob")


async def test_the_rules_say_how_long_a_split_keeps_apart(tmp_path: Path) -> None:
    rules = default_rules()
    cooling = replace(rules, merge=replace(rules.merge, cooldown_after_split=90 * DAY))
    async with InProcessGateway(tmp_path, environment(rules=cooling)) as core:
        await people(core, ann={"email": ANN}, bob={"mobile": PHONE})
        await merged(core, "web:ann", "web:bob")
        await split(core, "web:bob")
        for days, joined in ((89, False), (1, True)):
            core.clock.advance(days * DAY)
            await core.send(customer("web:ann", email=ANN, mobile=PHONE))
            assert await together(core, "ann", "bob") is joined
