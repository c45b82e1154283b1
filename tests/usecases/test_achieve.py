"""The social-campaign call: once per person, campaign and dedup window, under every id that the person has."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.clock import DAY, HOUR, MINUTE
from gateway.config import Campaign
from gateway.model import Accepted, Duplicate, IdempotencyKey, KeyReused, Replayed, UnknownCustomer
from tests.support.in_process_gateway import (
    InProcessGateway,
    ManualClock,
    achieve,
    customer,
    environment,
    erase,
)

W = 5 * MINUTE
ANN = "ann@x.eg"
PHONE = "+201001234567"


def token(
    key: str = "k1", fingerprint: bytes = b"same", answer: bytes = b'{"a": 1}', route: str = "route"
) -> IdempotencyKey:
    return IdempotencyKey(route, key, fingerprint, answer)


# ---- once per window ----


async def test_the_first_call_is_accepted_and_stored_with_its_due_time(core: InProcessGateway) -> None:
    await core.send(customer("web:ann"))
    accepted = await core.send(achieve("web:ann"))
    assert isinstance(accepted, Accepted)
    ((number, state, at, due_at),) = await core.rows(
        "SELECT achievement_id, state, accepted_at, due_at FROM achievement"
    )
    assert (number, state, at) == (accepted.achievement_id, "accepted", core.clock.now())
    assert 20_000 <= due_at - at <= 180_000
    assert (await core.actions())[-1] == "achievement.accepted"


async def test_a_second_call_inside_the_window_is_a_duplicate_that_is_recorded(
    core: InProcessGateway,
) -> None:
    await core.send(customer("web:ann"))
    accepted = await core.send(achieve("web:ann"))
    core.clock.advance(MINUTE)
    assert await core.send(achieve("web:ann")) == Duplicate(W - MINUTE, _known(accepted))
    assert (await core.actions())[-1] == "achievement.duplicate"
    assert await core.column("SELECT COUNT(*) FROM achievement") == [1]


def _known(accepted: Accepted) -> Any:
    return accepted.resolution


async def test_the_till_and_the_web_shop_reporting_one_person_count_once(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("pos:17", email=ANN))
    assert isinstance(await core.send(achieve("web:ann")), Accepted)
    assert isinstance(await core.send(achieve("pos:17")), Duplicate)
    assert isinstance(await core.send(achieve("app:new", email=ANN)), Duplicate)


async def test_another_campaign_has_a_window_of_its_own(core: InProcessGateway) -> None:
    await core.send(customer("web:ann"))
    assert isinstance(await core.send(achieve("web:ann", 1)), Accepted)
    assert isinstance(await core.send(achieve("web:ann", 2)), Accepted)


async def test_a_campaign_may_have_a_longer_window(tmp_path: Path) -> None:
    campaign = Campaign(id=1, name="Review us", dedup_window=DAY)
    async with InProcessGateway(tmp_path, environment(campaigns=[campaign])) as core:
        await core.send(customer("web:ann"))
        await core.send(achieve("web:ann", 1))
        core.clock.advance(DAY - 1)
        assert isinstance(await core.send(achieve("web:ann", 1)), Duplicate)
        core.clock.advance(1)
        assert isinstance(await core.send(achieve("web:ann", 1)), Accepted)


async def test_the_window_survives_a_restart(core: InProcessGateway) -> None:
    await core.send(customer("web:ann"))
    await core.send(achieve("web:ann"))
    await core.restart()
    assert isinstance(await core.send(achieve("web:ann")), Duplicate)


# ---- the window slides, whatever the clock does (F06) ----


class Loop:
    """One core for all examples: each takes a campaign of its own, so that its windows are its own."""

    def __init__(self, directory: Path) -> None:
        self.runner = asyncio.Runner()
        self.clock = ManualClock()
        self.core = InProcessGateway(directory, clock=self.clock)
        self.campaign = 0
        self.runner.run(self._start())

    async def _start(self) -> None:
        await self.core.__aenter__()
        await self.core.send(customer("web:ann", email=ANN))
        await self.core.send(customer("pos:17", email=ANN))

    def fresh(self) -> int:
        self.campaign += 1
        return self.campaign

    def achieve(self, who: str, campaign: int, at: int) -> Any:
        self.clock.time = at
        return self.runner.run(self.core.send(achieve(who, campaign)))

    def close(self) -> None:
        self.runner.run(self.core.__aexit__())
        self.runner.close()


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    loop = Loop(tmp_path_factory.mktemp("windows"))
    yield loop
    loop.close()


START = ManualClock().now() + DAY


@pytest.mark.parametrize(
    ("after", "outcome"), [(0, Duplicate), (W - 1, Duplicate), (W, Accepted), (W + 1, Accepted)]
)
def test_the_window_ends_exactly_at_its_length(loop: Loop, after: int, outcome: type) -> None:
    campaign = loop.fresh()
    loop.achieve("web:ann", campaign, START)
    assert type(loop.achieve("pos:17", campaign, START + after)) is outcome


MOVES = st.one_of(
    st.sampled_from([W - 1, W, W + 1, -2 * HOUR, HOUR]),
    st.integers(-W, W),
    st.integers(0, MINUTE),
)


@given(st.lists(st.tuples(MOVES, st.sampled_from(["web:ann", "pos:17"])), min_size=2, max_size=8))
@settings(max_examples=200, deadline=None)
def test_a_call_is_accepted_exactly_when_the_last_acceptance_is_a_window_ago(
    loop: Loop, calls: list[tuple[int, str]]
) -> None:
    """Also where the clock goes back: what was closed stays closed until its own end."""
    campaign, now, ends = loop.fresh(), START, 0
    for move, who in calls:
        now += move
        outcome = loop.achieve(who, campaign, now)
        if now >= ends:
            assert isinstance(outcome, Accepted)
            ends = now + W
        else:
            assert isinstance(outcome, Duplicate)
            assert outcome.wait == ends - now


# ---- windows and merges (F08) ----


@pytest.mark.parametrize("later", ["web:ann", "pos:17"])
async def test_joined_profiles_keep_the_later_end_of_their_windows(
    core: InProcessGateway, later: str
) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("pos:17", mobile=PHONE))
    earlier = "pos:17" if later == "web:ann" else "web:ann"
    await core.send(achieve(earlier))
    core.clock.advance(2 * MINUTE)
    await core.send(achieve(later))
    await core.send(customer("app:x", email=ANN, mobile=PHONE))
    core.clock.advance(W - 1)
    assert isinstance(await core.send(achieve(earlier)), Duplicate)
    core.clock.advance(1)
    assert isinstance(await core.send(achieve(earlier)), Accepted)


async def test_a_merge_by_the_call_itself_counts_before_it_is_judged(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("pos:17", mobile=PHONE))
    await core.send(achieve("web:ann"))
    duplicate = await core.send(achieve("pos:17", email=ANN, mobile=PHONE))
    assert isinstance(duplicate, Duplicate)
    assert duplicate.resolution.decision == "merged"


# ---- who is not known ----


async def test_an_unknown_customer_is_refused_and_only_the_refusal_is_stored(core: InProcessGateway) -> None:
    outcome = await core.send(achieve("web:ann", email=ANN, mobile=PHONE, token=token()))
    assert outcome == UnknownCustomer()
    tables = (
        "record",
        "observation",
        "identifier_owner",
        "profile",
        "achievement",
        "dedup",
        "idempotency",
        "review",
    )
    for table in tables:
        assert await core.rows(f"SELECT * FROM {table}") == [], table
    assert await core.rows("SELECT action, reason FROM audit") == [("call.refused", "unknown_customer")]


async def test_an_erased_customer_is_unknown(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(erase("web:ann"))
    assert await core.send(achieve("web:ann", email=ANN)) == UnknownCustomer()


async def test_an_unknown_campaign_is_accepted_and_judged_later(core: InProcessGateway) -> None:
    await core.send(customer("web:ann"))
    assert isinstance(await core.send(achieve("web:ann", 999)), Accepted)
    await core.grant_later()
    assert await core.rows("SELECT state, reason FROM achievement") == [("ignored", "campaign_unknown")]


# ---- idempotency keys ----


async def accepted_with(core: InProcessGateway, key: IdempotencyKey) -> Accepted:
    await core.send(customer("web:ann"))
    outcome = await core.send(achieve("web:ann", token=key))
    assert isinstance(outcome, Accepted)
    return outcome


@pytest.mark.parametrize("pause", [0, W - 1, W, 3 * DAY - 1])
async def test_the_same_key_and_request_replays_the_stored_answer_byte_for_byte(
    core: InProcessGateway, pause: int
) -> None:
    await accepted_with(core, token(answer=b'{"customerId": "ann"}'))
    core.clock.advance(pause)
    replayed = await core.send(achieve("web:ann", token=token(answer=b"another")))
    assert isinstance(replayed, Replayed)
    assert (replayed.answer.status, replayed.answer.body) == (202, b'{"customerId": "ann"}')
    assert (await core.actions())[-1] == "achievement.replayed"
    assert await core.column("SELECT COUNT(*) FROM achievement") == [1]


async def test_the_same_key_with_another_request_is_refused(core: InProcessGateway) -> None:
    await accepted_with(core, token())
    assert await core.send(achieve("web:ann", 2, token=token(fingerprint=b"other"))) == KeyReused()
    assert await core.column("SELECT COUNT(*) FROM achievement") == [1]
    assert (await core.rows("SELECT action, reason FROM audit"))[-1] == (
        "call.refused",
        "idempotency_key_reused",
    )


async def test_a_key_is_free_again_when_it_expired(core: InProcessGateway) -> None:
    await accepted_with(core, token())
    core.clock.advance(3 * DAY)
    assert isinstance(await core.send(achieve("web:ann", token=token(answer=b"second"))), Accepted)
    replayed = await core.send(achieve("web:ann", token=token()))
    assert replayed.answer.body == b"second"


async def test_a_key_belongs_to_its_channel_and_route(core: InProcessGateway) -> None:
    await accepted_with(core, token())
    await core.send(customer("pos:17"))
    assert isinstance(await core.send(achieve("pos:17", token=token(fingerprint=b"x"))), Accepted)
    assert isinstance(
        await core.send(achieve("web:ann", 2, token=token(route="r2", fingerprint=b"x"))), Accepted
    )


async def test_a_request_that_was_not_accepted_leaves_its_key_free(core: InProcessGateway) -> None:
    assert await core.send(achieve("web:ann", token=token())) == UnknownCustomer()
    await core.send(customer("web:ann"))
    assert isinstance(await core.send(achieve("web:ann", token=token("k0"))), Accepted)
    assert isinstance(await core.send(achieve("web:ann", token=token())), Duplicate)
    core.clock.advance(W)
    assert isinstance(await core.send(achieve("web:ann", token=token())), Accepted)


async def test_many_simultaneous_calls_with_one_key_are_one_acceptance_and_its_replays(
    core: InProcessGateway,
) -> None:
    await core.send(customer("web:ann"))
    outcomes = await asyncio.gather(*(core.send(achieve("web:ann", token=token())) for _ in range(64)))
    assert [type(outcome) for outcome in outcomes] == [Accepted] + [Replayed] * 63


async def test_many_simultaneous_calls_without_a_key_are_one_acceptance(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    calls = [achieve(f"pos:{n}", email=ANN) for n in range(3)] + [achieve("web:ann")] * 61
    outcomes = await asyncio.gather(*map(core.send, calls))
    assert [type(outcome) for outcome in outcomes] == [Accepted] + [Duplicate] * 63


async def test_a_key_is_remembered_over_a_restart(core: InProcessGateway) -> None:
    await accepted_with(core, token())
    await core.restart()
    assert isinstance(await core.send(achieve("web:ann", token=token())), Replayed)
