"""Counts of what happened: from the calls and commits to the stored rows, across restarts, gateways and failures."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gateway.clock import DAY, HOUR, MINUTE, SECOND
from gateway.errors import StoreUnavailable
from gateway.model import Activity
from gateway.store import Store
from gateway.store.maintenance import KeepFor
from gateway.store.queries.activity import (
    Funnel,
    activity,
    activity_of_channels,
    funnels,
    hits,
    last_calls,
)
from gateway.store.statement import Write
from gateway.workers.activity import ActivityCounter
from tests.support.in_process_gateway import (
    NOON,
    InProcessGateway,
    ManualClock,
    achieve,
    customer,
    default_rules,
    environment,
    make_store,
)
from tests.support.postgresql import PostgresServer

DAYS_BEGIN = NOON - NOON % DAY


@pytest.fixture(params=["sqlite", "postgres"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/gateway.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.url(await server.empty())


@pytest.fixture
async def core(url: str, tmp_path: Path) -> AsyncGenerator[InProcessGateway]:
    kept = KeepFor(activity=90 * DAY)
    async with InProcessGateway(tmp_path, environment(), url=url, kept=kept) as built:
        yield built


async def day(store: Store, channel: str | None = None) -> Activity:
    found = await activity(store, channel, DAYS_BEGIN, DAYS_BEGIN + DAY, DAY)
    return found[0][1] if found else Activity()


async def test_calls_decisions_and_grants_are_counted_by_channel_campaign_and_rule(
    core: InProcessGateway,
) -> None:
    counter = core.activity
    await core.send(customer("web:ann", email="ann@x.eg"))
    await core.send(customer("pos:7", email="ann@x.eg"))
    await core.send(customer("web:ann", email="ann@x.eg"))
    await core.send(achieve("pos:7"))
    await core.send(achieve("web:ann"))
    counter.note_call("web", 200, core.clock.now())
    counter.note_call("web", 429, core.clock.now() + 1)
    counter.note_call("web", 503, core.clock.now() + 2)
    await counter.store_counts()
    await core.grant_later(MINUTE * 10)
    await counter.store_counts()

    web, pos = await day(core.store, "web"), await day(core.store, "pos")
    assert web == Activity(
        calls=3, calls_refused=1, calls_failed=1, created=1, duplicates=1, last_call=NOON + 2
    )
    assert pos == Activity(attached=1, accepted=1, granted=1)
    assert (await day(core.store)).created == 1
    assert await funnels(core.store, DAYS_BEGIN, DAYS_BEGIN + DAY) == [
        Funnel(11664, "accepted", "", 1),
        Funnel(11664, "duplicates", "", 1),
        Funnel(11664, "granted", "", 1),
    ]
    rule_set = default_rules().sha256[:16]
    [hit] = await hits(core.store, rule_set, DAYS_BEGIN, DAYS_BEGIN + DAY, HOUR)
    assert (hit.at, hit.what, hit.number) == (NOON - NOON % HOUR, "attached", 1)
    assert await last_calls(core.store) == {"web": NOON + 2}


async def test_counts_of_two_gateways_add_up_at_every_width(url: str) -> None:
    stores = [make_store(url, ManualClock()) for _ in range(1 if url.startswith("sqlite") else 2)]
    for store in stores:
        await store.open()
    counters = [ActivityCounter(stores[0]), ActivityCounter(stores[-1])]
    for minutes in (0, 0, 1, 61):
        for counter in counters:
            counter.note_call("web", 200, DAYS_BEGIN + minutes * MINUTE)
            await counter.store_counts()
    for step, expected in (
        (MINUTE, {0: 4, 1: 2, 61: 2}),
        (5 * MINUTE, {0: 6, 60: 2}),
        (HOUR, {0: 6, 60: 2}),
        (DAY, {0: 8}),
    ):
        found = await activity(stores[0], "web", DAYS_BEGIN, DAYS_BEGIN + DAY, step)
        assert {(at - DAYS_BEGIN) // MINUTE: one.calls for at, one in found} == expected
    for store in stores:
        await store.close()


class Unwilling:
    """A store that fails, then collides, then writes."""

    def __init__(self, store: Store) -> None:
        self._store, self.tries = store, 0

    async def write(self, *writes: Write) -> bool:
        self.tries += 1
        if self.tries == 1:
            raise StoreUnavailable("down")
        return self.tries > 2 and await self._store.write(*writes)


async def test_counts_that_could_not_be_stored_are_stored_later(core: InProcessGateway) -> None:
    counter = ActivityCounter(Unwilling(core.store))  # pyright: ignore[reportArgumentType]
    counter.note_call("web", 200, NOON)
    with pytest.raises(StoreUnavailable):
        await counter.store_counts()
    counter.note_call("web", 500, NOON + SECOND)
    await counter.store_counts()
    assert await day(core.store) == Activity()
    await counter.store_counts()
    assert await day(core.store) == Activity(calls=2, calls_failed=1, last_call=NOON + SECOND)


async def test_minutes_go_with_age_and_hours_have_their_sums(core: InProcessGateway) -> None:
    for minute in range(5):
        core.activity.note_call("web", 200, NOON + minute * MINUTE)
    await core.activity.store_counts()
    core.clock.advance(90 * DAY + 2 * MINUTE)
    while await core.store.maintain(2):
        pass
    spans = await core.rows("SELECT span, COUNT(*), CAST(SUM(calls) AS BIGINT) FROM activity GROUP BY span")
    assert sorted(spans) == [(MINUTE, 2, 2), (HOUR, 1, 5), (DAY, 1, 5)]
    assert (await activity_of_channels(core.store, DAYS_BEGIN, DAYS_BEGIN + DAY, HOUR))["web"].calls == 5


async def test_a_question_is_counted_also_where_the_record_was_attached(core: InProcessGateway) -> None:
    for who, evidence in (
        ("web:ann", {"email": "a@x.eg", "mobile": "+201001200001"}),
        ("web:bob", {"email": "b@x.eg", "mobile": "+201001200002"}),
        ("pos:card", {"email": "a@x.eg", "mobile": "+201001200002"}),
    ):
        outcome = await core.send(customer(who, **evidence))
    assert outcome.resolution.decision == "attached"
    await core.activity.store_counts()
    assert (await day(core.store, "pos")).reviews == 1
