"""What people decide about people: merge, split, undo, pins and reviews, on the real use cases and a real file."""

import asyncio
import itertools
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from gateway.clock import DAY, HOUR, MINUTE, SECOND
from gateway.ids import show
from gateway.model import (
    Accepted,
    AnswerReview,
    Caller,
    Done,
    DropPin,
    Duplicate,
    MergeProfiles,
    Refused,
    SaveCustomer,
    SetPin,
    Shaped,
    SplitProfile,
    UndoMerge,
)
from rules.identifier import Evidence, Identifier
from tests.support.in_process_gateway import (
    FOLLOW,
    SHARE,
    VERSIONS,
    InProcessGateway,
    achieve,
    caller,
    customer,
    default_rules,
    environment,
)

ANN, BOB, PHONE, OTHER_PHONE = "ann@x.eg", "bob@x.eg", "+201001234567", "+201007654321"
SAM = Caller("", "", "operator:sam", "req_sam")
Mode = Literal["plain", "tree", "all"]


async def profile(core: InProcessGateway, who: str) -> int:
    found = await core.profile_of(who)
    assert found is not None
    return found


async def record(core: InProcessGateway, who: str) -> int:
    id_space, _, customer_id = who.partition(":")
    (found,) = await core.column(
        "SELECT record_id FROM record WHERE id_space = ? AND customer_id = ?", id_space, customer_id
    )
    return found


async def merged(core: InProcessGateway, one: str, other: str, version: int | None = None) -> Any:
    pair = (await profile(core, one), await profile(core, other))
    return await core.send(MergeProfiles(SAM, pair, "they said so", version))


async def split(core: InProcessGateway, *whos: str, mode: Mode = "plain", version: int | None = None) -> Any:
    records = tuple([await record(core, who) for who in whos])
    return await core.send(
        SplitProfile(SAM, await profile(core, whos[0]), records, mode, "not them", version)
    )


async def undone(core: InProcessGateway, merge_id: int | None, *, tree: bool = False) -> Any:
    assert merge_id is not None
    return await core.send(UndoMerge(SAM, merge_id, "a mistake", tree))


async def pinned(
    core: InProcessGateway, kind: Literal["must", "cannot"], one: str, other: str, **more: Any
) -> Any:
    return await core.send(
        SetPin(SAM, await record(core, one), await record(core, other), kind, "seen both", **more)
    )


async def unpinned(core: InProcessGateway, one: str, other: str) -> Any:
    return await core.send(DropPin(SAM, await record(core, one), await record(core, other)))


async def answered(core: InProcessGateway, review_id: int, *, accept: bool) -> Any:
    return await core.send(AnswerReview(SAM, review_id, accept, "asked them"))


async def people(core: InProcessGateway, **evidence: dict[str, str]) -> None:
    """`ann={"email": …}` is the customer web:ann; each a minute younger than the one before."""
    for name, values in evidence.items():
        await core.send(customer(f"web:{name}", **values))
        core.clock.advance(MINUTE)


async def together(core: InProcessGateway, *names: str) -> bool:
    return len({await profile(core, f"web:{name}") for name in names}) == 1


async def identity(core: InProcessGateway) -> list[list[tuple[Any, ...]]]:
    """What an undo gives back (I10): all but versions, pins, reviews and the log."""
    return [
        await core.rows(f"SELECT {columns} ORDER BY 1, 2")
        for columns in (
            "record_id, profile_id FROM record",
            "type, value, state, owner_id FROM identifier_owner",
            "profile_id, redirect_to FROM profile",
            "record_id, value, retired FROM observation",
            "profile_id, campaign_id, achievement_id FROM dedup JOIN profile USING (profile_id) WHERE redirect_to IS NULL",
            "record_id, SUM(points) FROM ledger GROUP BY record_id",
        )
    ]


async def total(core: InProcessGateway) -> int:
    (points,) = await core.column("SELECT COALESCE(SUM(points), 0) FROM ledger")
    return points


async def redirects(core: InProcessGateway) -> dict[int, int]:
    return dict(  # type: ignore[arg-type]
        await core.rows("SELECT profile_id, redirect_to FROM profile WHERE redirect_to IS NOT NULL")
    )


# ---- merge ----


async def rich(core: InProcessGateway) -> None:
    """Ann with 100 points, Bob with 20."""
    await people(core, ann={"email": ANN}, bob={"mobile": PHONE})
    await core.send(achieve("web:ann", FOLLOW.id))
    await core.send(achieve("web:bob", SHARE.id))
    await core.grant_later()


async def test_a_merge_by_hand_adds_balances_and_pins_together(core: InProcessGateway) -> None:
    await rich(core)
    before, ann = await total(core), await profile(core, "web:ann")
    shaped = await merged(core, "web:bob", "web:ann")
    assert (shaped.profile_id, shaped.changed) == (ann, True)
    assert await together(core, "ann", "bob")
    assert await core.points_of("web:bob") == before == await total(core) == 120
    assert await core.rows("SELECT kind, actor, reason FROM pin") == [
        ("must", "operator:sam", "they said so")
    ]
    assert (await core.actions())[-2:] == ["identity.merged", "pin.set"]


async def test_records_of_one_profile_are_not_merged_again(core: InProcessGateway) -> None:
    await rich(core)
    await merged(core, "web:ann", "web:bob")
    events = await core.actions()
    again = await merged(core, "web:ann", "web:bob")
    assert (again.changed, await core.actions()) == (False, events)


async def test_an_absorbed_id_merges_its_survivor(core: InProcessGateway) -> None:
    await people(core, ann={}, bob={}, cem={})
    bob = await profile(core, "web:bob")
    await merged(core, "web:ann", "web:bob")
    shaped = await core.send(MergeProfiles(SAM, (bob, await profile(core, "web:cem")), "same"))
    assert shaped.profile_id == await profile(core, "web:ann")
    assert await together(core, "ann", "bob", "cem")


async def test_a_profile_with_a_newer_version_is_not_changed(core: InProcessGateway) -> None:
    await people(core, ann={"email": ANN}, bob={"mobile": PHONE})
    (seen,) = [row[1] for row in await core.rows(VERSIONS) if row[0] == await profile(core, "web:ann")]
    await core.send(customer("pos:1", email=ANN))
    before = await identity(core)
    for refused in (
        await merged(core, "web:ann", "web:bob", version=seen),
        await split(core, "web:ann", version=seen),
    ):
        assert isinstance(refused, Refused)
        assert refused.code == "version_changed"
    assert await identity(core) == before


async def test_an_erased_customer_cannot_be_merged_split_or_pinned(core: InProcessGateway) -> None:
    await people(core, ann={})
    ann, mine = await profile(core, "web:ann"), await record(core, "web:ann")
    for command in (
        MergeProfiles(SAM, (ann, 7), ""),
        SplitProfile(SAM, 7, (mine,), "plain", ""),
        UndoMerge(SAM, 7, ""),
        SetPin(SAM, mine, 7, "must", ""),
        AnswerReview(SAM, 7, True, ""),
    ):
        refused = await core.send(command)
        assert isinstance(refused, Refused)
        assert refused.code == "not_found"


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


# ---- pins ----


async def test_a_must_pin_joins_and_says_so(core: InProcessGateway) -> None:
    await rich(core)
    assert await pinned(core, "must", "web:ann", "web:bob") == Done()
    assert await together(core, "ann", "bob")
    assert await core.points_of("web:ann") == 120
    assert (await core.actions())[-2:] == ["identity.merged", "pin.set"]
    assert await pinned(core, "must", "web:bob", "web:ann") == Done(changed=False)


async def test_a_cannot_pin_outranks_every_rule(core: InProcessGateway) -> None:
    await people(core, ann={"email": ANN}, bob={"mobile": PHONE})
    assert await pinned(core, "cannot", "web:ann", "web:bob") == Done()
    await core.send(customer("web:ann", email=ANN, mobile=PHONE))
    assert not await together(core, "ann", "bob")


async def test_a_pin_ends_with_its_time(core: InProcessGateway) -> None:
    await people(core, ann={"email": ANN}, bob={"mobile": PHONE})
    await pinned(core, "cannot", "web:ann", "web:bob", until=core.clock.now() + DAY)
    assert (await merged(core, "web:ann", "web:bob")).code == "pinned_apart"
    core.clock.advance(DAY)
    assert await pinned(core, "must", "web:ann", "web:bob") == Done()
    assert await together(core, "ann", "bob")


async def test_contradicting_pins_are_refused_naming_both(core: InProcessGateway) -> None:
    await people(core, ann={}, bob={"email": BOB})
    await core.send(customer("app:bob", email=BOB))
    ann, bob, app = [await record(core, who) for who in ("web:ann", "web:bob", "app:bob")]
    await pinned(core, "cannot", "web:ann", "web:bob")
    direct = await pinned(core, "must", "web:ann", "web:bob")
    over_another = await pinned(core, "must", "web:ann", "app:bob")
    assert direct.code == over_another.code == "pins_contradict"
    for named in (ann, bob, app):
        assert show("rec", named) in over_another.message
    assert not await together(core, "ann", "bob")


async def test_records_of_one_profile_cannot_be_pinned_apart(core: InProcessGateway) -> None:
    await rich(core)
    await merged(core, "web:ann", "web:bob")
    assert (await pinned(core, "cannot", "web:ann", "web:bob")).code == "pins_contradict"
    await unpinned(core, "web:ann", "web:bob")
    assert (await pinned(core, "cannot", "web:ann", "web:bob")).code == "same_profile"


async def test_a_merge_that_a_pin_forbids_is_refused_naming_it(core: InProcessGateway) -> None:
    await people(core, ann={}, bob={})
    await pinned(core, "cannot", "web:ann", "web:bob")
    refused = await merged(core, "web:ann", "web:bob")
    assert refused.code == "pinned_apart"
    assert show("rec", await record(core, "web:bob")) in refused.message


# ---- reviews ----


async def doubtful(core: InProcessGateway) -> int:
    """Ann and Bob share an address and differ in their numbers: the open question."""
    await people(core, ann={"email": ANN, "mobile": PHONE}, bob={"email": ANN, "mobile": OTHER_PHONE})
    (review_id,) = await core.column("SELECT review_id FROM review WHERE state = 'open'")
    return review_id


async def verdicts(core: InProcessGateway) -> list[tuple[Any, ...]]:
    return await core.rows("SELECT state, closed_by FROM review ORDER BY review_id")


async def test_accepting_joins_the_two_and_closes_the_question(core: InProcessGateway) -> None:
    review_id = await doubtful(core)
    assert (await answered(core, review_id, accept=True)).changed
    assert await together(core, "ann", "bob")
    assert await verdicts(core) == [("accepted", "operator:sam")]
    assert (await core.actions())[-3:] == ["identity.merged", "pin.set", "review.accepted"]


async def test_rejecting_pins_apart_and_the_same_evidence_does_not_ask_again(core: InProcessGateway) -> None:
    review_id = await doubtful(core)
    await answered(core, review_id, accept=False)
    for who in ("web:ann", "web:bob", "app:new"):
        core.clock.advance(DAY)
        await core.send(customer(who, email=ANN))
    await core.send(customer("web:ann", mobile=OTHER_PHONE))
    assert not await together(core, "ann", "bob")
    assert await verdicts(core) == [("rejected", "operator:sam")]


@pytest.mark.parametrize("accept", [True, False])
async def test_the_same_answer_again_changes_nothing_and_the_other_is_refused(
    core: InProcessGateway, accept: bool
) -> None:
    review_id = await doubtful(core)
    await answered(core, review_id, accept=accept)
    before, events = await identity(core), await core.actions()
    assert await answered(core, review_id, accept=accept) == Done(changed=False)
    assert (await answered(core, review_id, accept=not accept)).code == "review_closed"
    assert (await identity(core), await core.actions()) == (before, events)


async def test_a_question_follows_a_profile_that_was_merged_elsewhere(core: InProcessGateway) -> None:
    await people(core, eve={"mobile": "+201009999999"})
    review_id = await doubtful(core)
    await merged(core, "web:eve", "web:bob")
    assert (await answered(core, review_id, accept=True)).code == "review_closed"
    (following,) = await core.column("SELECT review_id FROM review WHERE state = 'open'")
    await answered(core, following, accept=True)
    assert await together(core, "ann", "bob", "eve")


async def test_a_question_that_a_merge_had_closed_comes_back_after_the_undo(core: InProcessGateway) -> None:
    await people(core, eve={"mobile": "+201009999999"})
    await doubtful(core)
    shaped = await merged(core, "web:eve", "web:bob")
    await undone(core, shaped.merge_id)
    await core.send(customer("web:bob", email=ANN, loyalty_id="12345678"))
    pair = sorted([await profile(core, "web:ann"), await profile(core, "web:bob")])
    assert await core.rows(
        "SELECT state, closed_by FROM review WHERE profile_a = ? AND profile_b = ?", *pair
    ) == [("open", "")]


async def test_accepting_a_merge_that_a_pin_forbids_is_refused_and_the_review_stays_open(
    core: InProcessGateway,
) -> None:
    review_id = await doubtful(core)
    await pinned(core, "cannot", "web:ann", "web:bob")
    assert (await answered(core, review_id, accept=True)).code == "pinned_apart"
    assert await verdicts(core) == [("open", "")]


# ---- what was earned ----


async def test_windows_and_accepted_work_follow_their_record(core: InProcessGateway) -> None:
    await people(core, ann={"email": ANN}, bob={"mobile": PHONE})
    await merged(core, "web:ann", "web:bob")
    assert isinstance(await core.send(achieve("web:bob")), Accepted)
    assert isinstance(await core.send(achieve("web:ann")), Duplicate)
    await split(core, "web:bob")
    assert isinstance(await core.send(achieve("web:bob")), Duplicate)
    assert isinstance(await core.send(achieve("web:ann")), Accepted)
    await core.grant_later()
    assert (await core.points_of("web:ann"), await core.points_of("web:bob")) == (100, 100)


async def test_after_a_split_the_remaining_records_keep_the_window_that_ends_last(
    core: InProcessGateway,
) -> None:
    await people(core, ann={}, bob={}, cem={}, dan={})
    for who in ("web:bob", "web:cem", "web:dan", "web:ann"):
        await core.send(achieve(who))
        core.clock.advance(30 * SECOND)
    for one, other in (("web:cem", "web:dan"), ("web:bob", "web:cem"), ("web:ann", "web:bob")):
        await merged(core, one, other)
    await split(core, "web:dan")
    await split(core, "web:ann")
    core.clock.advance(3 * MINUTE)
    assert (await core.send(achieve("web:bob"))).wait == 30 * SECOND


async def test_a_once_only_campaign_counts_for_the_side_that_earned_it(core: InProcessGateway) -> None:
    await people(core, ann={"email": ANN}, bob={"mobile": PHONE})
    await merged(core, "web:ann", "web:bob")
    await core.send(achieve("web:bob"))
    await core.grant_later()
    await split(core, "web:bob")
    for who in ("web:ann", "web:bob"):
        await core.send(achieve(who))
    await core.grant_later()
    states = await core.column("SELECT state || ':' || reason FROM achievement ORDER BY achievement_id")
    assert states == ["granted:", "granted:", "ignored:limit_total"]
    assert (await core.points_of("web:ann"), await core.points_of("web:bob")) == (100, 100)


async def test_decisions_among_calls_of_one_batch_end_as_if_one_by_one(core: InProcessGateway) -> None:
    """A window that leaves a profile makes room for a new one in the same transaction."""
    await people(core, ann={"email": ANN}, bob={"mobile": PHONE}, cem={})
    ann, bob, cem = [await profile(core, f"web:{name}") for name in ("ann", "bob", "cem")]
    records = (await record(core, "web:bob"),)
    first = await merged(core, "web:ann", "web:bob")
    await core.send(achieve("web:bob"))
    outcomes = await asyncio.gather(
        core.send(SplitProfile(SAM, ann, records, "plain", "")),
        core.send(achieve("web:ann")),
        core.send(MergeProfiles(SAM, (ann, cem), "")),
        core.send(achieve("web:cem")),
        core.send(customer("app:x", email=ANN, mobile=PHONE)),
        core.send(UndoMerge(SAM, first.merge_id or 0, "")),
        core.send(achieve("web:bob")),
    )
    kinds = [type(outcome).__name__ for outcome in outcomes]
    assert kinds == ["Shaped", "Accepted", "Shaped", "Duplicate", "Saved", "Shaped", "Duplicate"]
    assert await together(core, "ann", "cem")
    assert await profile(core, "web:bob") == bob
    assert isinstance(await core.send(achieve("web:ann")), Duplicate)


async def test_the_log_of_a_decision_names_who_and_why(core: InProcessGateway) -> None:
    await people(core, ann={}, bob={})
    shaped = await merged(core, "web:ann", "web:bob")
    await undone(core, shaped.merge_id)
    events: Iterable[tuple[Any, ...]] = await core.rows(
        "SELECT action, actor, object, reason, detail FROM audit WHERE action LIKE 'identity.%' ORDER BY event_id DESC LIMIT 2"
    )
    (action, actor, subject, reason, detail), (_, _, merge, by, note) = events
    assert (action, actor, reason) == ("identity.split", "operator:sam", "undo")
    assert (by, subject, merge) == ("operator", merge, show("mrg", shaped.merge_id))
    assert "a mistake" not in detail
    assert "they said so" not in note
    said = await core.column("SELECT words FROM audit_words ORDER BY event_id")
    assert {'{"note":"they said so"}', '{"note":"a mistake"}'} <= set(said)
