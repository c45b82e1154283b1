"""Undo of a merge: it gives back members, keys and ids."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.clock import HOUR, MINUTE, SECOND
from gateway.ids import show
from gateway.model import (
    Accepted,
    Duplicate,
    MergeProfiles,
    SaveCustomer,
    Shaped,
)
from rules.identifier import Evidence, Identifier
from tests.support.in_process_gateway import (
    SHARE,
    InProcessGateway,
    achieve,
    caller,
    customer,
    default_rules,
    environment,
)
from tests.support.judgements import (
    ANN,
    BOB,
    OTHER_PHONE,
    PHONE,
    SAM,
    identity,
    merged,
    people,
    profile,
    record,
    redirects,
    rich,
    split,
    together,
    undone,
)

# ---- undo ----


async def busy(core: InProcessGateway) -> None:
    """Ann and Bob disagree about one address, which Bob had first; each has points and an open dedup window of one campaign."""
    await people(core, ann={"mobile": PHONE}, bob={"email": ANN, "mobile": OTHER_PHONE})
    await core.send(customer("web:ann", email=ANN))
    assert not await together(core, "ann", "bob")
    for who in ("web:ann", "web:bob"):
        await core.send(achieve(who, SHARE.id))
    await core.grant_later()
    for who in ("web:bob", "web:ann"):
        core.clock.advance(MINUTE)
        assert isinstance(await core.send(achieve(who, SHARE.id)), Accepted)


@pytest.mark.parametrize("who", ["web:ann", "web:bob"])
async def test_an_undo_right_after_the_merge_gives_everything_back(core: InProcessGateway, who: str) -> None:
    """I10: membership, profile ids, owners of keys, windows, sums."""
    await busy(core)
    before = await identity(core)
    shaped = await merged(core, who, "web:bob" if who == "web:ann" else "web:ann")
    assert await together(core, "ann", "bob")
    parted = await undone(core, shaped.merge_id)
    assert await identity(core) == before
    assert parted.merge_id == shaped.merge_id
    for one in ("web:ann", "web:bob"):
        assert isinstance(await core.send(achieve(one, SHARE.id)), Duplicate)


async def test_a_merge_by_the_rules_is_undone_alike(core: InProcessGateway) -> None:
    await people(core, ann={"email": ANN}, bob={"mobile": PHONE})
    before = await identity(core)
    await core.send(customer("web:ann", mobile=PHONE))
    (merge_id,) = await core.column("SELECT merge_id FROM merge")
    await undone(core, merge_id)
    after = await identity(core)
    assert after[0] == before[0]
    assert after[2] == before[2]
    await core.send(customer("web:ann", email=ANN, mobile=PHONE))
    assert not await together(core, "ann", "bob")


async def test_an_undo_returns_a_key_to_its_rightful_owner_and_not_to_its_first_holder(
    tmp_path: Path,
) -> None:
    plain = default_rules()
    email = replace(plain.identifiers["email"], require_verified=True)
    rules = replace(plain, identifiers={**plain.identifiers, "email": email})
    async with InProcessGateway(tmp_path, environment(rules=rules)) as core:
        await people(core, ann={"email": ANN})
        core.clock.advance(SECOND)
        said = (Evidence(Identifier("email", ANN), verified=True),)
        await core.send(SaveCustomer(caller("web"), "bob", said))
        before = await identity(core)
        shaped = await merged(core, "web:ann", "web:bob")
        await undone(core, shaped.merge_id)
        assert await identity(core) == before


async def test_undoing_twice_changes_nothing(core: InProcessGateway) -> None:
    await rich(core)
    shaped = await merged(core, "web:ann", "web:bob")
    await undone(core, shaped.merge_id)
    before, events = await identity(core), await core.actions()
    again = await undone(core, shaped.merge_id)
    assert isinstance(again, Shaped)
    assert not again.changed
    assert (await identity(core), await core.actions()) == (before, events)


async def test_an_earlier_merge_is_undone_under_a_later_one(core: InProcessGateway) -> None:
    await people(core, ann={}, bob={}, cem={})
    cem = await profile(core, "web:cem")
    earlier = await merged(core, "web:bob", "web:cem")
    await merged(core, "web:ann", "web:bob")
    assert (await undone(core, earlier.merge_id)).parts == (cem,)
    assert await together(core, "ann", "bob")
    assert await profile(core, "web:cem") == cem


async def test_merges_undone_in_the_order_they_were_made_give_every_id_back(core: InProcessGateway) -> None:
    await people(core, ann={"email": ANN}, bob={"email": BOB}, cem={"mobile": PHONE})
    before = await identity(core)
    earlier = await merged(core, "web:bob", "web:cem")
    later = await merged(core, "web:ann", "web:bob")
    await undone(core, earlier.merge_id)
    assert (await undone(core, later.merge_id)).code == "records_moved"
    await undone(core, later.merge_id, tree=True)
    assert await identity(core) == before


async def test_an_undo_leaves_records_that_came_later_where_they_are(core: InProcessGateway) -> None:
    await people(core, ann={"email": ANN}, bob={"mobile": PHONE})
    shaped = await merged(core, "web:ann", "web:bob")
    await core.send(customer("app:later", mobile=PHONE))
    await undone(core, shaped.merge_id)
    ann, bob = await profile(core, "web:ann"), await profile(core, "web:bob")
    assert ann != bob
    assert await profile(core, "app:later") == ann
    assert dict(await core.rows("SELECT value, owner_id FROM identifier_owner")) == {ANN: ann, PHONE: bob}  # type: ignore[arg-type]
    await core.send(customer("app:later", mobile=PHONE))
    assert not await together(core, "ann", "bob")


async def test_an_undo_names_what_changed_since_and_a_tree_takes_the_rest(core: InProcessGateway) -> None:
    await people(core, ann={}, bob={"email": BOB})
    await core.send(customer("app:bob", email=BOB))
    bob = await profile(core, "web:bob")
    shaped = await merged(core, "web:ann", "web:bob")
    moved = await split(core, "app:bob")
    refused = await undone(core, shaped.merge_id)
    assert refused.code == "records_moved"
    assert show("rec", await record(core, "app:bob")) in refused.message
    assert show("prf", moved.parts[0]) in refused.message
    assert (await undone(core, shaped.merge_id, tree=True)).parts == (bob,)
    assert len({await profile(core, who) for who in ("web:ann", "web:bob", "app:bob")}) == 3


async def test_the_rules_say_how_long_a_merge_can_be_undone(tmp_path: Path) -> None:
    rules = default_rules()
    brief = replace(rules, merge=replace(rules.merge, undo_window=HOUR))
    async with InProcessGateway(tmp_path, environment(rules=brief)) as core:
        await people(core, ann={}, bob={})
        shaped = await merged(core, "web:ann", "web:bob")
        core.clock.advance(HOUR)
        assert (await undone(core, shaped.merge_id)).code == "undo_too_late"


async def test_absorbed_ids_lead_to_their_records_in_one_hop(core: InProcessGateway) -> None:
    """I3, after chains of merges, after splits and after undos."""
    await people(core, ann={}, bob={}, cem={}, dan={})
    ann, bob, cem, dan = [await profile(core, f"web:{name}") for name in ("ann", "bob", "cem", "dan")]
    await merged(core, "web:cem", "web:dan")
    middle = await merged(core, "web:bob", "web:cem")
    last = await merged(core, "web:ann", "web:bob")
    assert await redirects(core) == {bob: ann, cem: ann, dan: ann}
    await undone(core, last.merge_id)
    assert await redirects(core) == {cem: bob, dan: bob}
    await undone(core, middle.merge_id)
    assert await redirects(core) == {dan: cem}


async def test_an_absorbed_id_returns_even_if_not_all_of_its_records_leave(
    core: InProcessGateway,
) -> None:
    """I3, I23. Its merge is undone by that: who stays behind is taken out by a split of its own."""
    await people(core, ann={}, cem={}, dan={})
    ann, cem, dan = [await profile(core, f"web:{name}") for name in ("ann", "cem", "dan")]
    await merged(core, "web:cem", "web:dan")
    last = await merged(core, "web:ann", "web:cem")
    await split(core, "web:cem")
    assert await redirects(core) == {dan: ann}
    assert await profile(core, "web:cem") == cem
    assert not (await undone(core, last.merge_id, tree=True)).changed
    await split(core, "web:dan")
    assert await redirects(core) == {}
    assert await profile(core, "web:dan") == dan


async def test_an_absorbed_id_redirects_at_once_for_the_next_command_of_the_batch(
    core: InProcessGateway,
) -> None:
    await people(core, ann={}, cem={}, dan={}, eve={})
    ann, cem, dan, eve = [await profile(core, f"web:{name}") for name in ("ann", "cem", "dan", "eve")]
    await merged(core, "web:cem", "web:dan")
    last = await merged(core, "web:ann", "web:cem")
    await asyncio.gather(
        undone(core, last.merge_id), core.send(MergeProfiles(SAM, (dan, eve), "they said so"))
    )
    assert await redirects(core) == {dan: cem, eve: cem}
    assert await profile(core, "web:ann") == ann
