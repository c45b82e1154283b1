"""The upstream's quota among several gateways on one database."""

import pytest

from gateway.clock import SECOND
from gateway.errors import StoreUnavailable
from gateway.store import Store
from gateway.upstream.limiter import Limiter, Quota
from gateway.upstream.quota_share import Share
from tests.support.in_process_gateway import ManualClock, make_store
from tests.support.postgresql import PostgresServer

QUOTA = Quota(25, 330)


class Replica:
    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store = store
        self.limiter = Limiter({"customers_write": QUOTA}, clock, lambda low, high: low)
        self.share = Share(store, self.limiter, clock)

    @property
    def part(self) -> float:
        return self.limiter.share


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.url(postgres.fresh())


async def beat(clock: ManualClock, replicas: list[Replica], seconds: int) -> None:
    for _ in range(0, seconds, 5):
        clock.advance(5 * SECOND)
        for replica in replicas:
            await replica.share.step()


async def opened(url: str, clock: ManualClock) -> Replica:
    store = make_store(url, clock)
    await store.open()
    return Replica(store, clock)


async def test_one_gateway_has_the_whole_quota_from_its_first_beat(url: str, clock: ManualClock) -> None:
    one = await opened(url, clock)
    assert one.limiter.wait("customers_write") > 0
    await one.share.step()
    assert one.part == 1
    assert one.limiter.wait("customers_write") == 0
    await one.store.close()


async def test_the_parts_of_all_gateways_never_add_up_to_more_than_the_quota(
    url: str, clock: ManualClock
) -> None:
    """The newcomer sends nothing until the others gave way and what they sent is out of the upstream's window."""
    one, two, three = [await opened(url, clock) for _ in range(3)]
    await beat(clock, [one], 20)
    await two.share.step()
    assert (one.part, two.part) == (1, 0)
    await beat(clock, [one, two], 35)
    assert (one.part, two.part) == (0.5, 0)
    await beat(clock, [one, two], 10)
    assert (one.part, two.part) == (0.5, 0.5)
    await beat(clock, [one, two, three], 50)
    assert one.part == two.part == three.part == pytest.approx(1 / 3)
    for replica in (one, two, three):
        await replica.store.close()


async def test_a_dead_gateways_part_goes_to_the_others_once_its_calls_are_forgotten(
    url: str, clock: ManualClock
) -> None:
    one, two = await opened(url, clock), await opened(url, clock)
    await beat(clock, [one, two], 60)
    await two.store.close()
    await beat(clock, [one], 15)
    assert one.part == 0.5
    await beat(clock, [one], 10)
    assert one.part == 1
    await one.store.close()


async def test_a_gateway_that_cannot_say_that_it_lives_sends_nothing(url: str, clock: ManualClock) -> None:
    one = await opened(url, clock)
    await one.share.step()
    await one.store.close()
    with pytest.raises(StoreUnavailable):
        await one.share.step()
    assert one.part == 0
