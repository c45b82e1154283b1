"""Erasures by way of the platform."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from gateway.model import MergeProfiles, SplitProfile
from tests.support.in_process_gateway import caller
from tests.support.loyalty_platform import OPERATIONS
from tests.support.public_api import ask, until

if TYPE_CHECKING:
    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway
from tests.support.forwarded_orders import EMAIL, order, records


@pytest.mark.parametrize("route", ["DELETE customers/till-7", "POST customers/till-7/delete"])
async def test_a_customer_erased_by_the_platform_is_erased_here(
    forward: RunningGateway, platform: Platform, route: str
) -> None:
    await order(forward, "web", "ann", email=EMAIL)
    await order(forward, "pos", "till-7", email=EMAIL)
    method, path = route.split()
    assert (await ask(forward, method, path, channel="pos")).status == 200
    assert platform.seen[-1].path.startswith("/customers/ann")
    assert not platform.customers
    assert not await records(forward)
    assert (await ask(forward, "GET", "customers/ann/balance")).status == 404


async def test_an_erasure_with_a_lost_answer_is_finished_by_the_next_one(
    forward: RunningGateway, platform: Platform
) -> None:
    await order(forward, "web", "ann", email=EMAIL)
    platform.next.append("swallowed")
    assert (await ask(forward, "DELETE", "customers/ann")).status == 502
    assert await records(forward)
    reply = await ask(forward, "DELETE", "customers/ann")
    assert reply.status == 404
    assert not await records(forward)


async def test_an_erasure_is_carried_out_even_if_its_caller_disconnects(
    forward: RunningGateway, platform: Platform
) -> None:
    await order(forward, "web", "ann", email=EMAIL)
    platform.next.append("slow")
    seen = len(platform.seen)
    call = asyncio.create_task(ask(forward, "DELETE", "customers/ann"))
    await until(lambda: len(platform.seen) > seen)
    gone = asyncio.Event()
    forward.services.pipeline.watch(lambda changed: gone.set() if ("web", "ann") in changed else None)
    call.cancel()
    await asyncio.wait_for(gone.wait(), 5)
    assert not await records(forward)


async def two_accounts(forward: RunningGateway, platform: Platform) -> None:
    """Two customers with an account each. `one_person` shows that they are one."""
    await order(forward, "web", "ann", email=EMAIL)
    await order(forward, "pos", "till-7")
    assert set(platform.customers) == {"ann", "till-7"}


async def one_person(forward: RunningGateway) -> None:
    await order(forward, "pos", "till-7", email=EMAIL)
    assert len(await forward.rows("SELECT 1 FROM profile WHERE redirect_to IS NULL")) == 1


@pytest.mark.parametrize("route", ["DELETE customers/till-7", "POST customers/till-7/delete"])
async def test_every_account_of_a_person_who_had_several_is_erased(
    forward: RunningGateway, platform: Platform, route: str
) -> None:
    await two_accounts(forward, platform)
    await one_person(forward)
    method, path = route.split()
    assert (await ask(forward, method, path, channel="pos")).status == 200
    assert not platform.customers
    assert not await records(forward)


@pytest.mark.parametrize(("channel", "customer_id"), [("web", "ann"), ("pos", "till-7")])
async def test_an_erasure_reaches_the_account_of_a_profile_that_is_joined_meanwhile(
    forward: RunningGateway, platform: Platform, channel: str, customer_id: str
) -> None:
    await two_accounts(forward, platform)
    seen = len(platform.seen)
    platform.next.append("held")
    call = asyncio.create_task(ask(forward, "DELETE", f"customers/{customer_id}", channel=channel))
    await until(lambda: len(platform.seen) > seen)
    ((one, other),) = await forward.rows("SELECT MIN(profile_id), MAX(profile_id) FROM profile")
    await forward.services.pipeline.submit(MergeProfiles(caller(), (one, other), "one person"))
    platform.released.set()
    assert (await call).status == 200
    assert not platform.customers
    assert not await records(forward)


async def test_an_erasure_reaches_the_customer_of_the_call_who_left_the_profile_meanwhile(
    forward: RunningGateway, platform: Platform
) -> None:
    await order(forward, "web", "ann", email=EMAIL)
    await order(forward, "pos", "till-7", email=EMAIL)
    seen = len(platform.seen)
    platform.next.append("held")
    call = asyncio.create_task(ask(forward, "DELETE", "customers/till-7", channel="pos"))
    await until(lambda: len(platform.seen) > seen)
    ((profile_id, record_id),) = await forward.rows(
        "SELECT profile_id, record_id FROM record WHERE customer_id = 'till-7'"
    )
    await forward.services.pipeline.submit(SplitProfile(caller(), profile_id, (record_id,), "plain", "two"))
    platform.released.set()
    assert (await call).status == 200
    assert not platform.customers
    assert not await records(forward)


@pytest.mark.parametrize("fault", ["500", "429", "closed"])
async def test_a_person_with_an_account_that_the_platform_did_not_erase_stays_until_the_next_attempt(
    forward: RunningGateway, platform: Platform, fault: str
) -> None:
    await two_accounts(forward, platform)
    await one_person(forward)
    platform.next.extend([None, fault])
    reply = await ask(forward, "DELETE", "customers/till-7", channel="pos")
    assert reply.status == (502 if fault == "closed" else int(fault))
    assert await records(forward) == {("web", "ann"), ("pos", "till-7")}
    await ask(forward, "DELETE", "customers/till-7", channel="pos")
    assert not platform.customers
    assert not await records(forward)


@pytest.mark.parametrize("fault", ["500", "429", "closed"])
async def test_a_customer_that_the_platform_did_not_erase_stays(
    forward: RunningGateway, platform: Platform, fault: str
) -> None:
    await order(forward, "web", "ann", email=EMAIL)
    platform.always = fault
    await ask(forward, "DELETE", "customers/ann")
    assert await records(forward) == {("web", "ann")}


async def test_a_missing_route_erases_no_customer(forward: RunningGateway, platform: Platform) -> None:
    """The platform's 404 without a body says that there is no such route."""
    await order(forward, "web", "ann", email=EMAIL)
    alias = [operation for operation in OPERATIONS if operation.path[-1] == "delete"]
    for operation in alias:
        OPERATIONS.remove(operation)
    try:
        assert (await ask(forward, "POST", "customers/ann/delete")).status == 404
    finally:
        OPERATIONS.extend(alias)
    assert await records(forward) == {("web", "ann")}
