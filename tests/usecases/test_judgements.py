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


async def profile(house: InProcessGateway, who: str) -> int:
    found = await house.profile_of(who)
    assert found is not None
    return found


async def record(house: InProcessGateway, who: str) -> int:
    id_space, _, customer_id = who.partition(":")
    (found,) = await house.column(
        "SELECT record_id FROM record WHERE id_space = ? AND customer_id = ?", id_space, customer_id
    )
    return found


async def merged(house: InProcessGateway, one: str, other: str, version: int | None = None) -> Any:
    pair = (await profile(house, one), await profile(house, other))
    return await house.send(MergeProfiles(SAM, pair, "they said so", version))


async def split(house: InProcessGateway, *whos: str, mode: Mode = "plain", version: int | None = None) -> Any:
    records = tuple([await record(house, who) for who in whos])
    return await house.send(
        SplitProfile(SAM, await profile(house, whos[0]), records, mode, "not them", version)
    )


async def undone(house: InProcessGateway, merge_id: int | None, *, tree: bool = False) -> Any:
    assert merge_id is not None
    return await house.send(UndoMerge(SAM, merge_id, "a mistake", tree))


async def pinned(
    house: InProcessGateway, kind: Literal["must", "cannot"], one: str, other: str, **more: Any
) -> Any:
    return await house.send(
        SetPin(SAM, await record(house, one), await record(house, other), kind, "seen both", **more)
    )


async def unpinned(house: InProcessGateway, one: str, other: str) -> Any:
    return await house.send(DropPin(SAM, await record(house, one), await record(house, other)))


async def answered(house: InProcessGateway, review_id: int, *, accept: bool) -> Any:
    return await house.send(AnswerReview(SAM, review_id, accept, "asked them"))


async def people(house: InProcessGateway, **evidence: dict[str, str]) -> None:
    """`ann={"email": …}` is the customer web:ann; each a minute younger than the one before."""
    for name, values in evidence.items():
        await house.send(customer(f"web:{name}", **values))
        house.clock.advance(MINUTE)


async def together(house: InProcessGateway, *names: str) -> bool:
    return len({await profile(house, f"web:{name}") for name in names}) == 1


async def identity(house: InProcessGateway) -> list[list[tuple[Any, ...]]]:
    """What an undo gives back (I10): all but versions, pins, reviews and the log."""
    return [
        await house.rows(f"SELECT {columns} ORDER BY 1, 2")
        for columns in (
            "record_id, profile_id FROM record",
            "type, value, state, owner_id FROM identifier_owner",
            "profile_id, redirect_to FROM profile",
            "record_id, value, retired FROM observation",
            "profile_id, campaign_id, achievement_id FROM dedup JOIN profile USING (profile_id) WHERE redirect_to IS NULL",
            "record_id, SUM(points) FROM ledger GROUP BY record_id",
        )
    ]


async def total(house: InProcessGateway) -> int:
    (points,) = await house.column("SELECT COALESCE(SUM(points), 0) FROM ledger")
    return points


async def redirects(house: InProcessGateway) -> dict[int, int]:
    return dict(  # type: ignore[arg-type]
        await house.rows("SELECT profile_id, redirect_to FROM profile WHERE redirect_to IS NOT NULL")
    )


# ---- merge ----


async def rich(house: InProcessGateway) -> None:
    """Ann with 100 points, Bob with 20."""
    await people(house, ann={"email": ANN}, bob={"mobile": PHONE})
    await house.send(achieve("web:ann", FOLLOW.id))
    await house.send(achieve("web:bob", SHARE.id))
    await house.grant_later()


async def test_a_merge_by_hand_adds_balances_and_pins_together(house: InProcessGateway) -> None:
    await rich(house)
    before, ann = await total(house), await profile(house, "web:ann")
    shaped = await merged(house, "web:bob", "web:ann")
    assert (shaped.profile_id, shaped.changed) == (ann, True)
    assert await together(house, "ann", "bob")
    assert await house.points_of("web:bob") == before == await total(house) == 120
    assert await house.rows("SELECT kind, actor, reason FROM pin") == [
        ("must", "operator:sam", "they said so")
    ]
    assert (await house.actions())[-2:] == ["identity.merged", "pin.set"]


async def test_what_is_one_already_is_not_merged_again(house: InProcessGateway) -> None:
    await rich(house)
    await merged(house, "web:ann", "web:bob")
    events = await house.actions()
    again = await merged(house, "web:ann", "web:bob")
    assert (again.changed, await house.actions()) == (False, events)


async def test_an_absorbed_id_merges_its_survivor(house: InProcessGateway) -> None:
    await people(house, ann={}, bob={}, cem={})
    bob = await profile(house, "web:bob")
    await merged(house, "web:ann", "web:bob")
    shaped = await house.send(MergeProfiles(SAM, (bob, await profile(house, "web:cem")), "same"))
    assert shaped.profile_id == await profile(house, "web:ann")
    assert await together(house, "ann", "bob", "cem")


async def test_a_profile_that_moved_on_is_not_changed(house: InProcessGateway) -> None:
    await people(house, ann={"email": ANN}, bob={"mobile": PHONE})
    (seen,) = [row[1] for row in await house.rows(VERSIONS) if row[0] == await profile(house, "web:ann")]
    await house.send(customer("pos:1", email=ANN))
    before = await identity(house)
    for refused in (
        await merged(house, "web:ann", "web:bob", version=seen),
        await split(house, "web:ann", version=seen),
    ):
        assert isinstance(refused, Refused)
        assert refused.code == "version_changed"
    assert await identity(house) == before


async def test_who_was_erased_cannot_be_merged_split_or_pinned(house: InProcessGateway) -> None:
    await people(house, ann={})
    ann, mine = await profile(house, "web:ann"), await record(house, "web:ann")
    for command in (
        MergeProfiles(SAM, (ann, 7), ""),
        SplitProfile(SAM, 7, (mine,), "plain", ""),
        UndoMerge(SAM, 7, ""),
        SetPin(SAM, mine, 7, "must", ""),
        AnswerReview(SAM, 7, True, ""),
    ):
        refused = await house.send(command)
        assert isinstance(refused, Refused)
        assert refused.code == "not_found"


# ---- split ----


async def family(house: InProcessGateway) -> None:
    """Ann absorbed Bob after Bob had absorbed Cem; Ann's app is one of her own records."""
    await people(house, ann={"email": ANN}, bob={"email": BOB}, cem={"mobile": PHONE})
    await house.send(customer("app:ann", email=ANN))
    await merged(house, "web:bob", "web:cem")
    await merged(house, "web:ann", "web:bob")


async def test_a_plain_split_takes_just_the_records_named(house: InProcessGateway) -> None:
    await family(house)
    ann = await profile(house, "web:ann")
    shaped = await split(house, "web:bob")
    assert (shaped.profile_id, shaped.parts) == (ann, (await profile(house, "web:bob"),))
    assert await together(house, "ann", "cem")
    assert not await together(house, "ann", "bob")


async def test_a_tree_split_takes_what_was_absorbed_along(house: InProcessGateway) -> None:
    await people(house, ann={}, bob={}, cem={})
    bob = await profile(house, "web:bob")
    await merged(house, "web:bob", "web:cem")
    await merged(house, "web:ann", "web:bob")
    shaped = await split(house, "web:bob", mode="tree")
    assert shaped.parts == (bob,)
    assert await together(house, "bob", "cem")
    assert not await together(house, "ann", "bob")


async def test_splitting_all_puts_every_record_on_its_own_and_the_oldest_stays(
    house: InProcessGateway,
) -> None:
    await family(house)
    ann = await profile(house, "web:ann")
    shaped = await house.send(SplitProfile(SAM, ann, (), "all", "all wrong"))
    whos = ("web:ann", "app:ann", "web:bob", "web:cem")
    homes = [await profile(house, who) for who in whos]
    assert homes[0] == ann
    assert len(set(homes)) == 4
    assert set(shaped.parts) == set(homes[1:])
    assert await house.column("SELECT COUNT(*) FROM pin WHERE kind = 'cannot'") == [6]


async def test_keys_follow_the_records_that_observed_them(house: InProcessGateway) -> None:
    await family(house)
    await split(house, "web:bob")
    owners = dict(await house.rows("SELECT value, owner_id FROM identifier_owner"))  # type: ignore[arg-type]
    assert owners == {
        ANN: await profile(house, "web:ann"),
        BOB: await profile(house, "web:bob"),
        PHONE: await profile(house, "web:ann"),
    }


async def test_a_key_of_both_sides_stays_with_the_rest_and_a_person_is_asked(house: InProcessGateway) -> None:
    await people(house, ann={"email": ANN})
    await house.send(customer("app:ann", email=ANN))
    shaped = await split(house, "web:ann")
    assert await house.profile_of("web:ann") == shaped.profile_id
    assert await house.column("SELECT owner_id FROM identifier_owner") == [*shaped.parts]
    assert await house.rows("SELECT state, reason, types FROM review") == [
        ("open", "split:contested", '["email"]')
    ]


@pytest.mark.parametrize(("whos", "mode"), [(["web:ann"], "plain"), (["web:ann"], "all"), ([], "plain")])
async def test_a_split_that_leaves_a_side_empty_is_refused(
    house: InProcessGateway, whos: list[str], mode: Mode
) -> None:
    await people(house, ann={})
    records = tuple([await record(house, who) for who in whos])
    refused = await house.send(SplitProfile(SAM, await profile(house, "web:ann"), records, mode, ""))
    assert refused.code == "split_empties"


async def test_a_record_of_somebody_else_is_named(house: InProcessGateway) -> None:
    await people(house, ann={}, bob={})
    bob = await record(house, "web:bob")
    refused = await house.send(SplitProfile(SAM, await profile(house, "web:ann"), (bob,), "plain", ""))
    assert refused.code == "records_elsewhere"
    assert show("rec", bob) in refused.message


async def test_no_mix_of_calls_joins_again_what_was_split(house: InProcessGateway) -> None:
    """I11: whoever says whatever of both sides' identifiers, on known and on new ids, in any order."""
    await people(house, ann={"email": ANN}, bob={"mobile": PHONE})
    await merged(house, "web:ann", "web:bob")
    await split(house, "web:bob")
    said: list[dict[str, str]] = [{"email": ANN, "mobile": PHONE}, {"email": ANN}, {"mobile": PHONE}, {}]
    whos = ("web:ann", "web:bob", "pos:new", "app:new")
    for number, (who, evidence) in enumerate(itertools.product(whos, said)):
        house.clock.advance(HOUR)
        call = achieve(who, SHARE.id, **evidence) if number % 3 == 0 else customer(who, **evidence)
        await house.send(call)
        assert not await together(house, "ann", "bob")
    assert (await merged(house, "web:ann", "web:bob")).code == "pinned_apart"


async def test_a_lifted_pin_lets_the_rules_join_again(house: InProcessGateway) -> None:
    await people(house, ann={"email": ANN}, bob={"mobile": PHONE})
    await merged(house, "web:ann", "web:bob")
    await split(house, "web:bob")
    assert await unpinned(house, "web:bob", "web:ann") == Done()
    assert await unpinned(house, "web:bob", "web:ann") == Done(changed=False)
    await house.send(customer("app:x", email=ANN, mobile=PHONE))
    assert await together(house, "ann", "bob")


async def test_the_rules_say_how_long_a_split_keeps_apart(tmp_path: Path) -> None:
    rules = default_rules()
    cooling = replace(rules, merge=replace(rules.merge, cooldown_after_split=90 * DAY))
    async with InProcessGateway(tmp_path, environment(rules=cooling)) as house:
        await people(house, ann={"email": ANN}, bob={"mobile": PHONE})
        await merged(house, "web:ann", "web:bob")
        await split(house, "web:bob")
        for days, joined in ((89, False), (1, True)):
            house.clock.advance(days * DAY)
            await house.send(customer("web:ann", email=ANN, mobile=PHONE))
            assert await together(house, "ann", "bob") is joined


# ---- undo ----


async def busy(house: InProcessGateway) -> None:
    """Ann and Bob disagree about one address, which Bob had first; each has points and an open dedup window of one campaign."""
    await people(house, ann={"mobile": PHONE}, bob={"email": ANN, "mobile": OTHER_PHONE})
    await house.send(customer("web:ann", email=ANN))
    assert not await together(house, "ann", "bob")
    for who in ("web:ann", "web:bob"):
        await house.send(achieve(who, SHARE.id))
    await house.grant_later()
    for who in ("web:bob", "web:ann"):
        house.clock.advance(MINUTE)
        assert isinstance(await house.send(achieve(who, SHARE.id)), Accepted)


@pytest.mark.parametrize("who", ["web:ann", "web:bob"])
async def test_an_undo_right_after_the_merge_gives_everything_back(house: InProcessGateway, who: str) -> None:
    """I10: membership, profile ids, owners of keys, windows, sums."""
    await busy(house)
    before = await identity(house)
    shaped = await merged(house, who, "web:bob" if who == "web:ann" else "web:ann")
    assert await together(house, "ann", "bob")
    parted = await undone(house, shaped.merge_id)
    assert await identity(house) == before
    assert parted.merge_id == shaped.merge_id
    for one in ("web:ann", "web:bob"):
        assert isinstance(await house.send(achieve(one, SHARE.id)), Duplicate)


async def test_a_merge_by_the_rules_is_undone_alike(house: InProcessGateway) -> None:
    await people(house, ann={"email": ANN}, bob={"mobile": PHONE})
    before = await identity(house)
    await house.send(customer("web:ann", mobile=PHONE))
    (merge_id,) = await house.column("SELECT merge_id FROM merge")
    await undone(house, merge_id)
    after = await identity(house)
    assert after[0] == before[0]
    assert after[2] == before[2]
    await house.send(customer("web:ann", email=ANN, mobile=PHONE))
    assert not await together(house, "ann", "bob")


async def test_an_undo_gives_a_key_back_to_who_could_own_it_not_to_who_only_said_it_first(
    tmp_path: Path,
) -> None:
    plain = default_rules()
    email = replace(plain.identifiers["email"], require_verified=True)
    rules = replace(plain, identifiers={**plain.identifiers, "email": email})
    async with InProcessGateway(tmp_path, environment(rules=rules)) as house:
        await people(house, ann={"email": ANN})
        house.clock.advance(SECOND)
        said = (Evidence(Identifier("email", ANN), verified=True),)
        await house.send(SaveCustomer(caller("web"), "bob", said))
        before = await identity(house)
        shaped = await merged(house, "web:ann", "web:bob")
        await undone(house, shaped.merge_id)
        assert await identity(house) == before


async def test_undoing_twice_changes_nothing(house: InProcessGateway) -> None:
    await rich(house)
    shaped = await merged(house, "web:ann", "web:bob")
    await undone(house, shaped.merge_id)
    before, events = await identity(house), await house.actions()
    again = await undone(house, shaped.merge_id)
    assert isinstance(again, Shaped)
    assert not again.changed
    assert (await identity(house), await house.actions()) == (before, events)


async def test_an_earlier_merge_is_undone_under_a_later_one(house: InProcessGateway) -> None:
    await people(house, ann={}, bob={}, cem={})
    cem = await profile(house, "web:cem")
    earlier = await merged(house, "web:bob", "web:cem")
    await merged(house, "web:ann", "web:bob")
    assert (await undone(house, earlier.merge_id)).parts == (cem,)
    assert await together(house, "ann", "bob")
    assert await profile(house, "web:cem") == cem


async def test_merges_undone_in_the_order_they_were_made_give_every_id_back(house: InProcessGateway) -> None:
    await people(house, ann={"email": ANN}, bob={"email": BOB}, cem={"mobile": PHONE})
    before = await identity(house)
    earlier = await merged(house, "web:bob", "web:cem")
    later = await merged(house, "web:ann", "web:bob")
    await undone(house, earlier.merge_id)
    assert (await undone(house, later.merge_id)).code == "records_moved"
    await undone(house, later.merge_id, tree=True)
    assert await identity(house) == before


async def test_an_undo_leaves_records_that_came_later_where_they_are(house: InProcessGateway) -> None:
    await people(house, ann={"email": ANN}, bob={"mobile": PHONE})
    shaped = await merged(house, "web:ann", "web:bob")
    await house.send(customer("app:later", mobile=PHONE))
    await undone(house, shaped.merge_id)
    ann, bob = await profile(house, "web:ann"), await profile(house, "web:bob")
    assert ann != bob
    assert await profile(house, "app:later") == ann
    assert dict(await house.rows("SELECT value, owner_id FROM identifier_owner")) == {ANN: ann, PHONE: bob}  # type: ignore[arg-type]
    await house.send(customer("app:later", mobile=PHONE))
    assert not await together(house, "ann", "bob")


async def test_an_undo_names_what_moved_on_and_a_tree_takes_the_rest(house: InProcessGateway) -> None:
    await people(house, ann={}, bob={"email": BOB})
    await house.send(customer("app:bob", email=BOB))
    bob = await profile(house, "web:bob")
    shaped = await merged(house, "web:ann", "web:bob")
    moved = await split(house, "app:bob")
    refused = await undone(house, shaped.merge_id)
    assert refused.code == "records_moved"
    assert show("rec", await record(house, "app:bob")) in refused.message
    assert show("prf", moved.parts[0]) in refused.message
    assert (await undone(house, shaped.merge_id, tree=True)).parts == (bob,)
    assert len({await profile(house, who) for who in ("web:ann", "web:bob", "app:bob")}) == 3


async def test_the_rules_say_how_long_a_merge_can_be_undone(tmp_path: Path) -> None:
    rules = default_rules()
    brief = replace(rules, merge=replace(rules.merge, undo_window=HOUR))
    async with InProcessGateway(tmp_path, environment(rules=brief)) as house:
        await people(house, ann={}, bob={})
        shaped = await merged(house, "web:ann", "web:bob")
        house.clock.advance(HOUR)
        assert (await undone(house, shaped.merge_id)).code == "undo_too_late"


async def test_absorbed_ids_lead_to_their_records_in_one_hop(house: InProcessGateway) -> None:
    """I3, after chains of merges, after splits and after undos."""
    await people(house, ann={}, bob={}, cem={}, dan={})
    ann, bob, cem, dan = [await profile(house, f"web:{name}") for name in ("ann", "bob", "cem", "dan")]
    await merged(house, "web:cem", "web:dan")
    middle = await merged(house, "web:bob", "web:cem")
    last = await merged(house, "web:ann", "web:bob")
    assert await redirects(house) == {bob: ann, cem: ann, dan: ann}
    await undone(house, last.merge_id)
    assert await redirects(house) == {cem: bob, dan: bob}
    await undone(house, middle.merge_id)
    assert await redirects(house) == {dan: cem}


async def test_an_absorbed_id_goes_home_also_when_not_all_leave_who_came_with_it(
    house: InProcessGateway,
) -> None:
    """I3, I23. Its merge is undone by that: who stays behind is taken out by a split of its own."""
    await people(house, ann={}, cem={}, dan={})
    ann, cem, dan = [await profile(house, f"web:{name}") for name in ("ann", "cem", "dan")]
    await merged(house, "web:cem", "web:dan")
    last = await merged(house, "web:ann", "web:cem")
    await split(house, "web:cem")
    assert await redirects(house) == {dan: ann}
    assert await profile(house, "web:cem") == cem
    assert not (await undone(house, last.merge_id, tree=True)).changed
    await split(house, "web:dan")
    assert await redirects(house) == {}
    assert await profile(house, "web:dan") == dan


async def test_an_absorbed_id_leads_elsewhere_at_once_for_who_comes_next_in_the_batch(
    house: InProcessGateway,
) -> None:
    await people(house, ann={}, cem={}, dan={}, eve={})
    ann, cem, dan, eve = [await profile(house, f"web:{name}") for name in ("ann", "cem", "dan", "eve")]
    await merged(house, "web:cem", "web:dan")
    last = await merged(house, "web:ann", "web:cem")
    await asyncio.gather(
        undone(house, last.merge_id), house.send(MergeProfiles(SAM, (dan, eve), "they said so"))
    )
    assert await redirects(house) == {dan: cem, eve: cem}
    assert await profile(house, "web:ann") == ann


# ---- pins ----


async def test_a_must_pin_joins_and_says_so(house: InProcessGateway) -> None:
    await rich(house)
    assert await pinned(house, "must", "web:ann", "web:bob") == Done()
    assert await together(house, "ann", "bob")
    assert await house.points_of("web:ann") == 120
    assert (await house.actions())[-2:] == ["identity.merged", "pin.set"]
    assert await pinned(house, "must", "web:bob", "web:ann") == Done(changed=False)


async def test_a_cannot_pin_outranks_every_rule(house: InProcessGateway) -> None:
    await people(house, ann={"email": ANN}, bob={"mobile": PHONE})
    assert await pinned(house, "cannot", "web:ann", "web:bob") == Done()
    await house.send(customer("web:ann", email=ANN, mobile=PHONE))
    assert not await together(house, "ann", "bob")


async def test_a_pin_ends_with_its_time(house: InProcessGateway) -> None:
    await people(house, ann={"email": ANN}, bob={"mobile": PHONE})
    await pinned(house, "cannot", "web:ann", "web:bob", until=house.clock.now() + DAY)
    assert (await merged(house, "web:ann", "web:bob")).code == "pinned_apart"
    house.clock.advance(DAY)
    assert await pinned(house, "must", "web:ann", "web:bob") == Done()
    assert await together(house, "ann", "bob")


async def test_contradicting_judgements_are_refused_naming_both(house: InProcessGateway) -> None:
    await people(house, ann={}, bob={"email": BOB})
    await house.send(customer("app:bob", email=BOB))
    ann, bob, app = [await record(house, who) for who in ("web:ann", "web:bob", "app:bob")]
    await pinned(house, "cannot", "web:ann", "web:bob")
    direct = await pinned(house, "must", "web:ann", "web:bob")
    over_another = await pinned(house, "must", "web:ann", "app:bob")
    assert direct.code == over_another.code == "pins_contradict"
    for named in (ann, bob, app):
        assert show("rec", named) in over_another.message
    assert not await together(house, "ann", "bob")


async def test_records_of_one_profile_cannot_be_pinned_apart(house: InProcessGateway) -> None:
    await rich(house)
    await merged(house, "web:ann", "web:bob")
    assert (await pinned(house, "cannot", "web:ann", "web:bob")).code == "pins_contradict"
    await unpinned(house, "web:ann", "web:bob")
    assert (await pinned(house, "cannot", "web:ann", "web:bob")).code == "same_profile"


async def test_a_merge_that_a_pin_forbids_is_refused_naming_it(house: InProcessGateway) -> None:
    await people(house, ann={}, bob={})
    await pinned(house, "cannot", "web:ann", "web:bob")
    refused = await merged(house, "web:ann", "web:bob")
    assert refused.code == "pinned_apart"
    assert show("rec", await record(house, "web:bob")) in refused.message


# ---- reviews ----


async def doubtful(house: InProcessGateway) -> int:
    """Ann and Bob share an address and differ in their numbers: the open question."""
    await people(house, ann={"email": ANN, "mobile": PHONE}, bob={"email": ANN, "mobile": OTHER_PHONE})
    (review_id,) = await house.column("SELECT review_id FROM review WHERE state = 'open'")
    return review_id


async def verdicts(house: InProcessGateway) -> list[tuple[Any, ...]]:
    return await house.rows("SELECT state, closed_by FROM review ORDER BY review_id")


async def test_accepting_joins_the_two_and_closes_the_question(house: InProcessGateway) -> None:
    review_id = await doubtful(house)
    assert (await answered(house, review_id, accept=True)).changed
    assert await together(house, "ann", "bob")
    assert await verdicts(house) == [("accepted", "operator:sam")]
    assert (await house.actions())[-3:] == ["identity.merged", "pin.set", "review.accepted"]


async def test_rejecting_pins_apart_and_the_same_evidence_does_not_ask_again(house: InProcessGateway) -> None:
    review_id = await doubtful(house)
    await answered(house, review_id, accept=False)
    for who in ("web:ann", "web:bob", "app:new"):
        house.clock.advance(DAY)
        await house.send(customer(who, email=ANN))
    await house.send(customer("web:ann", mobile=OTHER_PHONE))
    assert not await together(house, "ann", "bob")
    assert await verdicts(house) == [("rejected", "operator:sam")]


@pytest.mark.parametrize("accept", [True, False])
async def test_the_same_answer_again_changes_nothing_and_the_other_is_refused(
    house: InProcessGateway, accept: bool
) -> None:
    review_id = await doubtful(house)
    await answered(house, review_id, accept=accept)
    before, events = await identity(house), await house.actions()
    assert await answered(house, review_id, accept=accept) == Done(changed=False)
    assert (await answered(house, review_id, accept=not accept)).code == "review_closed"
    assert (await identity(house), await house.actions()) == (before, events)


async def test_a_question_follows_a_profile_that_was_merged_elsewhere(house: InProcessGateway) -> None:
    await people(house, eve={"mobile": "+201009999999"})
    review_id = await doubtful(house)
    await merged(house, "web:eve", "web:bob")
    assert (await answered(house, review_id, accept=True)).code == "review_closed"
    (following,) = await house.column("SELECT review_id FROM review WHERE state = 'open'")
    await answered(house, following, accept=True)
    assert await together(house, "ann", "bob", "eve")


async def test_a_question_that_a_merge_had_closed_comes_back_after_the_undo(house: InProcessGateway) -> None:
    await people(house, eve={"mobile": "+201009999999"})
    await doubtful(house)
    shaped = await merged(house, "web:eve", "web:bob")
    await undone(house, shaped.merge_id)
    await house.send(customer("web:bob", email=ANN, loyalty_id="12345678"))
    pair = sorted([await profile(house, "web:ann"), await profile(house, "web:bob")])
    assert await house.rows(
        "SELECT state, closed_by FROM review WHERE profile_a = ? AND profile_b = ?", *pair
    ) == [("open", "")]


async def test_accepting_what_a_pin_forbids_is_refused_and_stays_open(house: InProcessGateway) -> None:
    review_id = await doubtful(house)
    await pinned(house, "cannot", "web:ann", "web:bob")
    assert (await answered(house, review_id, accept=True)).code == "pinned_apart"
    assert await verdicts(house) == [("open", "")]


# ---- what was earned ----


async def test_windows_and_accepted_work_follow_their_record(house: InProcessGateway) -> None:
    await people(house, ann={"email": ANN}, bob={"mobile": PHONE})
    await merged(house, "web:ann", "web:bob")
    assert isinstance(await house.send(achieve("web:bob")), Accepted)
    assert isinstance(await house.send(achieve("web:ann")), Duplicate)
    await split(house, "web:bob")
    assert isinstance(await house.send(achieve("web:bob")), Duplicate)
    assert isinstance(await house.send(achieve("web:ann")), Accepted)
    await house.grant_later()
    assert (await house.points_of("web:ann"), await house.points_of("web:bob")) == (100, 100)


async def test_the_window_that_ends_last_counts_for_those_who_are_left(house: InProcessGateway) -> None:
    await people(house, ann={}, bob={}, cem={}, dan={})
    for who in ("web:bob", "web:cem", "web:dan", "web:ann"):
        await house.send(achieve(who))
        house.clock.advance(30 * SECOND)
    for one, other in (("web:cem", "web:dan"), ("web:bob", "web:cem"), ("web:ann", "web:bob")):
        await merged(house, one, other)
    await split(house, "web:dan")
    await split(house, "web:ann")
    house.clock.advance(3 * MINUTE)
    assert (await house.send(achieve("web:bob"))).wait == 30 * SECOND


async def test_a_once_only_campaign_counts_for_the_side_that_earned_it(house: InProcessGateway) -> None:
    await people(house, ann={"email": ANN}, bob={"mobile": PHONE})
    await merged(house, "web:ann", "web:bob")
    await house.send(achieve("web:bob"))
    await house.grant_later()
    await split(house, "web:bob")
    for who in ("web:ann", "web:bob"):
        await house.send(achieve(who))
    await house.grant_later()
    states = await house.column("SELECT state || ':' || reason FROM achievement ORDER BY achievement_id")
    assert states == ["granted:", "granted:", "ignored:limit_total"]
    assert (await house.points_of("web:ann"), await house.points_of("web:bob")) == (100, 100)


async def test_judgements_among_calls_of_one_batch_end_as_if_one_by_one(house: InProcessGateway) -> None:
    """A window that leaves a profile makes room for a new one in the same transaction."""
    await people(house, ann={"email": ANN}, bob={"mobile": PHONE}, cem={})
    ann, bob, cem = [await profile(house, f"web:{name}") for name in ("ann", "bob", "cem")]
    records = (await record(house, "web:bob"),)
    first = await merged(house, "web:ann", "web:bob")
    await house.send(achieve("web:bob"))
    outcomes = await asyncio.gather(
        house.send(SplitProfile(SAM, ann, records, "plain", "")),
        house.send(achieve("web:ann")),
        house.send(MergeProfiles(SAM, (ann, cem), "")),
        house.send(achieve("web:cem")),
        house.send(customer("app:x", email=ANN, mobile=PHONE)),
        house.send(UndoMerge(SAM, first.merge_id or 0, "")),
        house.send(achieve("web:bob")),
    )
    kinds = [type(outcome).__name__ for outcome in outcomes]
    assert kinds == ["Shaped", "Accepted", "Shaped", "Duplicate", "Saved", "Shaped", "Duplicate"]
    assert await together(house, "ann", "cem")
    assert await profile(house, "web:bob") == bob
    assert isinstance(await house.send(achieve("web:ann")), Duplicate)


async def test_the_log_of_a_judgement_names_who_and_why(house: InProcessGateway) -> None:
    await people(house, ann={}, bob={})
    shaped = await merged(house, "web:ann", "web:bob")
    await undone(house, shaped.merge_id)
    events: Iterable[tuple[Any, ...]] = await house.rows(
        "SELECT action, actor, object, reason, detail FROM audit WHERE action LIKE 'identity.%' ORDER BY event_id DESC LIMIT 2"
    )
    (action, actor, subject, reason, detail), (_, _, merge, by, note) = events
    assert (action, actor, reason) == ("identity.split", "operator:sam", "undo")
    assert (by, subject, merge) == ("operator", merge, show("mrg", shaped.merge_id))
    assert "a mistake" not in detail
    assert "they said so" not in note
    said = await house.column("SELECT words FROM audit_words ORDER BY event_id")
    assert {'{"note":"they said so"}', '{"note":"a mistake"}'} <= set(said)
