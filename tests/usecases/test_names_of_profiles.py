"""I23: a profile's id and its canonical id lead to the record that the profile began with, however profiles are split."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.model import AnswerReview, ImportPosition, ImportRows, MergeProfiles, SplitProfile, UndoMerge
from tests.support.in_process_gateway import InProcessGateway, caller, customer, environment, erase
from tests.support.regrouping import OPERATOR, rules
from tests.usecases.test_regroup_properties import record_of, split

TILL, EMAIL = "+201012345678", "ann@shop-mail.com"
NAMES = """
SELECT r.id_space || ':' || r.customer_id, p.canonical_id FROM record r JOIN profile p USING (profile_id)
"""
Apart = Callable[[InProcessGateway], Awaitable[object]]


async def names(core: InProcessGateway) -> dict[str, str]:
    """The upstream's name of each customer."""
    return dict(await core.rows(NAMES))  # type: ignore[arg-type]


async def three(core: InProcessGateway) -> None:
    """One profile, begun with w146; w148 is joined to it by w147 alone."""
    await core.send(customer("web:w146", mobile=TILL))
    await core.send(customer("web:w147", mobile=TILL, email=EMAIL))
    await core.send(customer("web:w148", email=EMAIL))
    assert set((await names(core)).values()) == {"w146"}


async def four_at_the_till(core: InProcessGateway) -> None:
    for number in range(4):
        await core.send(customer(f"web:till{number}", mobile=TILL))
    await core.regroup()


async def an_import_of_the_till(core: InProcessGateway) -> None:
    rows = tuple(customer(f"web:till{number}", mobile=TILL) for number in range(4))
    end = ImportPosition(5)
    await core.send(ImportRows(caller(), "imp_1", ImportPosition(), end, rows, last=True))
    await core.regroup()


async def other_rules(core: InProcessGateway) -> None:
    await core.use(rules("as they are"))
    await core.use(rules("few", phones=f'["{TILL}"]'))
    await core.regroup()


async def an_answer(core: InProcessGateway) -> None:
    core.env.use(rules("asks", resplit="review"))
    await four_at_the_till(core)
    for review_id in await core.column("SELECT review_id FROM review WHERE state = 'open' ORDER BY 1"):
        await core.send(AnswerReview(OPERATOR, review_id, accept=True, reason="two families"))


def taken_out(*places: str, mode: str = "plain") -> Apart:
    async def apart(core: InProcessGateway) -> None:
        records = tuple([await record_of(core, place) or 0 for place in places])
        profile = await core.profile_of("web:w146") or 0
        await core.send(SplitProfile(OPERATOR, profile, records, mode, "not them"))  # type: ignore[arg-type]

    return apart


WAYS: dict[str, Apart] = {
    "a value that turns generic": four_at_the_till,
    "an import in which it does": an_import_of_the_till,
    "rules activated": other_rules,
    "an answered question": an_answer,
    "the others told to leave": taken_out("web:w147", "web:w148"),
    "the first told to leave": taken_out("web:w146"),
    "the first told to leave, and what it absorbed": taken_out("web:w146", mode="tree"),
}


@pytest.mark.parametrize("way", WAYS)
async def test_the_record_that_began_the_profile_keeps_the_account_and_the_others_get_new_ones(
    tmp_path: Path, way: str
) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1"), forwards=True)) as core:
        await three(core)
        profile = await core.profile_of("web:w146")
        await WAYS[way](core)
        found = await names(core)
        assert {place: found[place] for place in ("web:w146", "web:w147", "web:w148")} == {
            "web:w146": "w146",
            "web:w147": "w147",
            "web:w148": "w147",
        }
        assert await core.profile_of("web:w146") == profile


@pytest.mark.parametrize("alone", ["web:w146", "web:w147", "web:w148"])
async def test_each_alone_has_a_name_of_its_own_whichever_leaves_first(
    core: InProcessGateway, alone: str
) -> None:
    core.env.use(rules("1"))
    await three(core)
    await taken_out(alone)(core)
    for place in ("web:w146", "web:w147"):
        profile = await core.profile_of(place) or 0
        await core.send(SplitProfile(OPERATOR, profile, (await record_of(core, place) or 0,), "all", "alone"))
    assert await names(core) == {place: place.removeprefix("web:") for place in await names(core)}


async def test_an_undo_gives_every_name_back_also_where_a_part_of_what_was_merged_left_before(
    core: InProcessGateway,
) -> None:
    for place in ("web:ann", "web:bob", "web:cem"):
        await core.send(customer(place))
    before = await names(core)
    ann, bob, cem = [await core.profile_of(place) or 0 for place in before]
    inner = await core.send(MergeProfiles(OPERATOR, (bob, cem), "same"))
    outer = await core.send(MergeProfiles(OPERATOR, (ann, bob), "same"))
    await split(core, "web:bob")
    assert await names(core) == {"web:ann": "ann", "web:bob": "bob", "web:cem": "ann"}
    await core.send(UndoMerge(OPERATOR, outer.merge_id, "wrong", tree=True))
    await core.send(UndoMerge(OPERATOR, inner.merge_id, "wrong", tree=True))
    await split(core, "web:cem")
    assert await names(core) == before


async def test_an_undo_that_takes_the_name_out_leaves_it_where_its_record_is(core: InProcessGateway) -> None:
    """The younger one survives by the rules, so the merge that is undone brought the record that the profile is named after."""
    core.env.use(rules("newest", more='[merge]\nsurvivor = ["newest", "lowest_id"]'))
    for place in ("web:ann", "web:bob", "web:cem"):
        await core.send(customer(place))
        core.clock.advance(1)
    ann, bob, cem = [await core.profile_of(f"web:{name}") or 0 for name in ("ann", "bob", "cem")]
    merged = await core.send(MergeProfiles(OPERATOR, (ann, bob), "same"))
    assert merged.profile_id == bob
    await core.send(MergeProfiles(OPERATOR, (bob, cem), "same"))
    assert set((await names(core)).values()) == {"cem"}
    await core.send(UndoMerge(OPERATOR, merged.merge_id, "wrong"))
    assert await names(core) == {"web:ann": "ann", "web:bob": "cem", "web:cem": "cem"}


async def test_erasing_one_part_leaves_the_names_of_the_others(core: InProcessGateway) -> None:
    core.env.use(rules("1"))
    await three(core)
    await four_at_the_till(core)
    await core.send(erase("web:w146"))
    found = await names(core)
    assert (found["web:w147"], found["web:w148"]) == ("w147", "w147")
    assert "w146" not in await core.column("SELECT canonical_id FROM profile")


async def test_the_log_and_the_listeners_are_told_which_ids_went_with_a_part(tmp_path: Path) -> None:
    env = environment(rules=rules("1"), subscribers={"profile.split": ("crm",)})
    async with InProcessGateway(tmp_path, env) as core:
        for place in ("web:ann", "web:bob", "web:cem"):
            await core.send(customer(place))
        ann, bob, cem = [await core.profile_of(f"web:{name}") or 0 for name in ("ann", "bob", "cem")]
        await core.send(MergeProfiles(OPERATOR, (bob, cem), "same"))
        await core.send(MergeProfiles(OPERATOR, (ann, bob), "same"))
        records = tuple([await record_of(core, place) or 0 for place in ("web:bob", "web:cem")])
        await core.send(SplitProfile(OPERATOR, ann, records, "plain", "not her"))
        (told,) = await core.column("SELECT payload FROM delivery WHERE target = 'webhook:crm'")
        (logged,) = await core.column("SELECT detail FROM audit WHERE action = 'identity.split'")
        for text in (told, logged):
            assert f'"redirects":{{"prf_{cem:016x}":"prf_{bob:016x}"}}' in text
        assert f'"named_after":{{"prf_{ann:016x}"' in logged
