"""Claims, leases, results and operators in any order: only the newest claim decides."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.clock import MINUTE, SECOND
from gateway.model import (
    Delivery,
    DiscardDelivery,
    Done,
    RetryDelivery,
    Stale,
)
from gateway.usecases.deliver import LEASE
from tests.support.deliveries import SAM, claim, finish, mark, rows
from tests.support.in_process_gateway import (
    SHARE,
    InProcessGateway,
    achieve,
    customer,
    environment,
)

# ---- any order of everything ----


class Workers:
    """Some workers that claim, send, sleep and come back, and a receiver that counts what reached it."""

    def __init__(self, core: InProcessGateway) -> None:
        self.core = core
        self.claims: list[Delivery] = []
        self.arrived: dict[int, int] = {}
        self.closed: dict[int, str] = {}

    async def take(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("accept", number):
                await self.core.send(achieve(f"web:{number}", SHARE.id))
            case ("wait", span):
                self.core.clock.advance(span)
            case ("claim", owner, limit):
                await self.claim(owner, limit)
            case ("send", place, arrives):
                await self.send(place, arrives)
            case ("finish", place, result):
                await self.finish(place, result)
            case ("operator", place, command):
                ids = [number for (number,) in await rows(self.core, "delivery_id")]
                if ids:
                    await self.core.send(command(SAM, ids[place % len(ids)]))
                    self.closed.pop(ids[place % len(ids)], None)
            case _:
                raise AssertionError(step)

    async def claim(self, owner: str, limit: int) -> None:
        leased = {d.delivery_id for d in self.claims if d.lease_until > self.core.clock.now()}
        before = dict(await rows(self.core, "delivery_id, state"))
        finished = {
            number for number, until in await rows(self.core, "delivery_id, lease_until") if not until
        }
        for delivery in await claim(self.core, owner, limit):
            assert delivery.delivery_id not in leased - finished
            assert (delivery.state == "unknown") == (
                before[delivery.delivery_id] in ("sending", "unknown") or delivery.sent_at is not None
            )
            self.claims.append(delivery)

    async def send(self, place: int, arrives: bool) -> None:
        if self.claims:
            delivery = self.claims[place % len(self.claims)]
            if await mark(self.core, delivery) == Done() and arrives:
                self.arrived[delivery.delivery_id] = self.arrived.get(delivery.delivery_id, 0) + 1

    async def finish(self, place: int, result: str) -> None:
        if not self.claims:
            return
        delivery = self.claims[place % len(self.claims)]
        newest = max(d.epoch for d in self.claims if d.delivery_id == delivery.delivery_id)
        outcome = await finish(self.core, delivery, result)
        assert outcome == Stale() or delivery.epoch == newest

    async def check(self) -> None:
        """What is closed stays closed, and each achievement says what its delivery says."""
        for number, state, finished, sent, achievement in await self.core.rows(
            "SELECT delivery_id, d.state, finished_at, sent_at, a.state FROM delivery d"
            " JOIN achievement a ON a.achievement_id = d.subject"
        ):
            over = state in ("delivered", "dead", "discarded")
            assert (finished is not None) == over
            assert achievement == {"delivered": "delivered", "dead": "dead", "discarded": "dead"}.get(
                state, "queued"
            )
            assert (state in ("sending", "unknown")) <= (sent is not None)
            assert (state == "pending") <= (sent is None)
            assert self.closed.setdefault(number, state) == state or not over
            if not over:
                del self.closed[number]


_places = st.integers(0, 9)
_steps = st.one_of(
    st.tuples(st.just("accept"), st.integers(1, 3)),
    st.tuples(st.just("wait"), st.sampled_from([SECOND, 5 * SECOND, LEASE, 6 * MINUTE])),
    st.tuples(st.just("claim"), st.sampled_from(["one", "two"]), st.integers(1, 3)),
    st.tuples(st.just("send"), _places, st.booleans()),
    st.tuples(
        st.just("finish"),
        _places,
        st.sampled_from(["delivered", "retry", "back", "unknown", "absent", "held", "dead"]),
    ),
    st.tuples(st.just("operator"), _places, st.sampled_from([RetryDelivery, DiscardDelivery])),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_steps, min_size=6, max_size=30))
def test_in_any_order_of_claims_leases_results_and_operators_only_the_newest_claim_decides(
    sequence: list[tuple[Any, ...]],
) -> None:
    async def play() -> None:
        with tempfile.TemporaryDirectory() as directory:
            async with InProcessGateway(Path(directory), environment(delivers=True)) as core:
                await core.send(customer("web:1"))
                workers = Workers(core)
                for step in [("accept", 1), ("claim", "one", 1), *sequence]:
                    await workers.take(step)
                    await workers.check()

    asyncio.run(play())
