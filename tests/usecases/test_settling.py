"""A direct report that the platform refused counts no longer, whatever became of the profile while the platform was asked."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import SECOND
from gateway.model import Accepted, Achieve, Duplicate, MergeProfiles, Settle, SplitProfile, UndoMerge
from tests.support.in_process_gateway import (
    FOLLOW,
    InProcessGateway,
    caller,
    customer,
    environment,
)

ANN, TILL = "web:ann", "pos:till-7"


@pytest.fixture
async def core(tmp_path: Path, database_url: str) -> AsyncGenerator[InProcessGateway]:
    async with InProcessGateway(tmp_path, environment(forwards=True), url=database_url) as built:
        yield built


async def report(core: InProcessGateway, who: str) -> Any:
    channel, _, customer_id = who.partition(":")
    core.clock.advance(SECOND)
    return await core.send(Achieve(caller(channel), customer_id, FOLLOW.id, direct=True))


async def settle(core: InProcessGateway, reported: Accepted, result: Any) -> None:
    number, home = reported.achievement_id, reported.resolution.profile_id
    await core.send(Settle(caller("web"), number, home, FOLLOW.id, result, "status_422", 422))


async def merge(core: InProcessGateway) -> int:
    homes = [await core.profile_of(who) for who in (ANN, TILL)]
    assert homes[0] is not None
    assert homes[1] is not None
    shaped = await core.send(MergeProfiles(caller(""), (homes[0], homes[1]), "one person"))
    return shaped.merge_id


async def two_customers(core: InProcessGateway) -> None:
    await core.send(customer(ANN))
    core.clock.advance(SECOND)
    await core.send(customer(TILL))


@pytest.mark.parametrize("who", [ANN, TILL])
async def test_a_refused_report_counts_no_longer_after_a_merge(core: InProcessGateway, who: str) -> None:
    await two_customers(core)
    reported = await report(core, who)
    await merge(core)
    await settle(core, reported, "refused")
    assert isinstance(await report(core, who), Accepted)


@pytest.mark.parametrize(("who", "other"), [(ANN, TILL), (TILL, ANN)])
@pytest.mark.parametrize("first", [True, False])
async def test_the_other_report_of_the_joined_person_still_counts(
    core: InProcessGateway, who: str, other: str, first: bool
) -> None:
    await two_customers(core)
    if first:
        await settle(core, await report(core, other), "delivered")
    reported = await report(core, who)
    if not first:
        await settle(core, await report(core, other), "delivered")
    merge_id = await merge(core)
    await settle(core, reported, "refused")
    assert isinstance(await report(core, who), Duplicate)
    await core.send(UndoMerge(caller(""), merge_id, "two persons"))
    assert isinstance(await report(core, who), Accepted)
    assert isinstance(await report(core, other), Duplicate)


async def test_a_refused_report_counts_no_longer_after_its_record_left(core: InProcessGateway) -> None:
    await core.send(customer(ANN, email="ann@x.eg"))
    await core.send(customer(TILL, email="ann@x.eg"))
    reported = await report(core, TILL)
    home = reported.resolution.profile_id
    leaving = (reported.resolution.record_id,)
    await core.send(SplitProfile(caller(""), home, leaving, "plain", "two persons"))
    await settle(core, reported, "refused")
    assert isinstance(await report(core, TILL), Accepted)
