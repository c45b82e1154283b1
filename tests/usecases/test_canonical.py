"""Canonical ids: unique, given once, and never another's."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ids import show
from gateway.model import MergeProfiles, SplitProfile, UndoMerge
from gateway.usecases.canonical import canonical_ids
from tests.support.in_process_gateway import InProcessGateway, caller, customer, environment, erase


async def names(core: InProcessGateway) -> Mapping[int, str]:
    return dict(await core.rows("SELECT profile_id, canonical_id FROM profile"))


async def name_of(core: InProcessGateway, who: str) -> str:
    return (await names(core))[await core.profile_of(who) or 0]


async def test_a_new_profile_is_known_by_its_first_customer_id(core: InProcessGateway) -> None:
    await core.send(customer("web:4711"))
    assert await name_of(core, "web:4711") == "4711"


async def test_the_same_id_of_another_id_space_gets_that_before_it(core: InProcessGateway) -> None:
    await core.send(customer("web:4711"))
    await core.send(customer("pos:4711"))
    assert await name_of(core, "pos:4711") == "pos:4711"


async def test_two_profiles_created_in_one_batch_do_not_share_an_id(core: InProcessGateway) -> None:
    await asyncio.gather(*(core.send(customer(f"{space}:4711")) for space in ("web", "pos", "app")))
    assert sorted((await names(core)).values()) == sorted({"4711", "pos:4711", "app:4711"})


async def test_a_record_that_joins_a_known_profile_gets_no_canonical_id(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email="ann@x.eg"))
    await core.send(customer("pos:17", email="ann@x.eg"))
    assert await name_of(core, "pos:17") == "ann"


async def test_a_prefixed_id_that_a_customer_id_already_spells_is_left_to_it(core: InProcessGateway) -> None:
    for who in ("web:pos:17", "web:17", "pos:17"):
        await core.send(customer(who))
    assert await name_of(core, "web:pos:17") == "pos:17"
    assert await name_of(core, "pos:17") == show("prf", await core.profile_of("pos:17") or 0)


@pytest.mark.parametrize(("strategy", "expected"), [("prefixed", "web:4711"), ("profile", None)])
async def test_other_strategies_give_prefixed_ids_or_profile_ids(
    strategy: Literal["prefixed", "profile"], expected: str | None, tmp_path: Path
) -> None:
    async with InProcessGateway(tmp_path, environment(canonical_id=strategy)) as core:
        await core.send(customer("web:4711"))
        own = show("prf", await core.profile_of("web:4711") or 0)
        assert await name_of(core, "web:4711") == (expected or own)


@given(
    st.sampled_from(["first", "prefixed", "profile"]),
    st.text("aZ_-:é", min_size=1, max_size=100),
    st.sampled_from(["web", "s" * 50]),
)
def test_no_canonical_id_is_too_long_or_looks_like_a_profile_id(
    strategy: Literal["first", "prefixed", "profile"], customer_id: str, id_space: str
) -> None:
    for text in canonical_ids(id_space, customer_id, environment(canonical_id=strategy)):
        assert 1 <= len(text) <= 100
        assert not text.startswith("prf_")


async def test_a_customer_cannot_take_the_id_of_a_profile(core: InProcessGateway) -> None:
    fake = show("prf", 1)
    await core.send(customer(f"web:{fake}"))
    assert await name_of(core, f"web:{fake}") == f"web:{fake}"


async def test_a_merge_keeps_the_survivors_id_and_an_undo_gives_back_the_other(
    core: InProcessGateway,
) -> None:
    await core.send(customer("web:ann"))
    await core.send(customer("pos:17"))
    before = await names(core)
    first, second = before
    merged = await core.send(MergeProfiles(caller(), (first, second), ""))
    assert await names(core) == before
    assert await name_of(core, "pos:17") == before[merged.profile_id]
    await core.send(UndoMerge(caller(), merged.merge_id, ""))
    assert await names(core) == before
    assert (await name_of(core, "web:ann"), await name_of(core, "pos:17")) == ("ann", "17")


async def test_a_part_that_never_was_a_profile_is_named_after_its_oldest_record(
    core: InProcessGateway,
) -> None:
    await core.send(customer("web:ann", email="ann@x.eg"))
    await core.send(customer("pos:17", email="ann@x.eg"))
    (profile,) = await names(core)
    (record,) = await core.column("SELECT record_id FROM record WHERE customer_id = '17'")
    await core.send(SplitProfile(caller(), profile, (record,), "plain", ""))
    assert (await name_of(core, "web:ann"), await name_of(core, "pos:17")) == ("ann", "17")


async def test_a_record_that_gave_the_canonical_id_takes_it_along_in_a_split(
    core: InProcessGateway,
) -> None:
    await core.send(customer("web:ann", email="ann@x.eg"))
    await core.send(customer("pos:17", email="ann@x.eg"))
    (profile,) = await names(core)
    (record,) = await core.column("SELECT record_id FROM record WHERE customer_id = 'ann'")
    await core.send(SplitProfile(caller(), profile, (record,), "plain", ""))
    assert (await name_of(core, "web:ann"), await name_of(core, "pos:17")) == ("ann", "17")
    assert await core.profile_of("web:ann") == profile


async def test_a_customer_who_returns_after_erasure_has_the_old_id_again(core: InProcessGateway) -> None:
    await core.send(customer("web:ann"))
    await asyncio.gather(core.send(erase("web:ann")), core.send(customer("web:ann")))
    assert list((await names(core)).values()) == ["ann"]
