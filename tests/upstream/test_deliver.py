"""Reports of queued achievements: what is sent, and what each answer of the upstream does (F10, F14–F17)."""

import contextlib

import pytest
from structlog.testing import capture_logs

from gateway.clock import HOUR, MINUTE, SECOND
from gateway.ids import show
from gateway.model import Caller, MergeProfiles, RetryDelivery
from gateway.sqlite_library import sqlite3
from gateway.upstream.deliver import DeliveryWorker
from gateway.workingset import WorkingSet
from rules.identifier import Identifier
from tests.support.in_process_gateway import (
    FOLLOW,
    SHARE,
    customer,
    erase,
)
from tests.support.loyalty_platform import API_KEY, SECRET_KEY
from tests.support.outbox import ANN, RECONCILE, Outbox, answering

# ---- what is sent ----


async def test_an_achievement_is_reported_under_the_canonical_id_with_normalised_merge_keys(
    outbox: Outbox,
) -> None:
    await outbox.report(ANN, email="ann@example.com", mobile="+201001234567")
    await outbox.report("pos:17", SHARE.id, mobile="+201001234567")
    await outbox.work()
    keys = {"email": "ann@example.com", "mobile": "+201001234567"}
    assert sorted(outbox.reports(), key=lambda report: report["challengeId"]) == [
        {"customerId": "ann", "challengeId": FOLLOW.id, **keys},
        {"customerId": "ann", "challengeId": SHARE.id, **keys},
    ]
    seen = outbox.platform.seen[0]
    assert seen.headers["Accept-Encoding"] == "identity"
    assert (seen.headers["apikey"], seen.headers["secretkey"]) == (API_KEY, SECRET_KEY)
    assert seen.path == "/customers/social-challenges"
    assert await outbox.states() == ["delivered", "delivered"]
    assert await outbox.rows("state, status, attempts") == [("delivered", 202, 1)] * 2


async def test_the_request_is_written_when_it_is_sent_so_a_merge_in_between_counts(outbox: Outbox) -> None:
    await outbox.core.send(customer(ANN))
    await outbox.report("pos:17")
    ids = [await outbox.core.profile_of(who) for who in (ANN, "pos:17")]
    sam = Caller("", "", "operator:sam", "req")
    await outbox.core.send(MergeProfiles(sam, (ids[0], ids[1]), "the same person"))  # type: ignore[arg-type]
    await outbox.work()
    assert [report["customerId"] for report in outbox.reports()] == ["ann"]
    assert await outbox.states() == ["delivered"]


async def test_a_shared_number_is_not_sent_as_a_merge_key(outbox: Outbox) -> None:
    await outbox.report(ANN, mobile="+201001234567")
    await outbox.core.store.run(_Disown())
    await outbox.work()
    assert "mobile" not in outbox.reports()[0]


class _Disown:
    def wants(self, ws: WorkingSet) -> None:
        ws.keys.want(Identifier("mobile", "+201001234567"))

    def process(self, ws: WorkingSet) -> None:
        for key in ws.keys.values():
            key.owner, key.state = None, "shared"
            ws.touch_key(key)


async def test_an_achievement_of_an_erased_customer_is_not_reported(outbox: Outbox) -> None:
    await outbox.report()
    await outbox.core.send(erase(ANN))
    await outbox.work()
    assert outbox.platform.seen == []
    assert await outbox.rows() == [("dead", "customer_erased")]


# ---- what the upstream answers ----


async def test_an_achievement_that_another_system_reported_counts_as_delivered(outbox: Outbox) -> None:
    outbox.platform._accepted["ann", FOLLOW.id] = outbox.clock.now()
    await outbox.report()
    await outbox.work()
    assert await outbox.rows() == [("delivered", "duplicate")]
    assert await outbox.states() == ["delivered"]


@pytest.mark.parametrize("fault", ["500", "503", "429"])
async def test_a_report_that_the_upstream_cannot_take_now_is_sent_again_later(
    outbox: Outbox, fault: str
) -> None:
    outbox.platform.next.append(fault)
    await outbox.report()
    await outbox.work()
    assert await outbox.rows("state, reason, attempts, status") == [
        ("pending", f"status_{fault}", 1, int(fault))
    ]
    await outbox.work(after=MINUTE)
    assert await outbox.states() == ["delivered"]
    assert outbox.achieved() == 1


async def test_a_retry_after_is_obeyed(outbox: Outbox) -> None:
    outbox.platform.next.append("429")
    outbox.platform.retry_after = "300"
    await outbox.report()
    await outbox.work()
    await outbox.work(after=299 * SECOND)
    assert len(outbox.platform.seen) == 1
    await outbox.work(after=SECOND)
    assert await outbox.states() == ["delivered"]


async def test_a_final_refusal_is_dead_with_the_masked_answer(outbox: Outbox) -> None:
    await outbox.report(campaign=FOLLOW.id, email="ann@example.com")
    refusal = {"code": 3003, "message": "no campaign for ann@example.com"}
    with answering(outbox.platform, 422, refusal):
        await outbox.work()
    ((state, reason, answer),) = await outbox.rows("state, reason, answer")
    assert (state, reason) == ("dead", "status_422")
    assert "no campaign for" in answer
    assert "ann@example.com" not in answer
    assert await outbox.states() == ["dead"]


async def test_an_unknown_customer_is_resolved_once_more_and_then_dead(outbox: Outbox) -> None:
    await outbox.report("pos:4711")
    await outbox.work()
    assert await outbox.rows("state, reason") == [("pending", "customer_unknown")]
    await outbox.work(after=MINUTE)
    assert await outbox.rows("state, reason") == [("dead", "customer_unknown")]
    assert len(outbox.reports()) == 2


async def test_a_customer_that_turns_up_in_between_gets_its_achievement(outbox: Outbox) -> None:
    await outbox.report("pos:4711")
    await outbox.work()
    outbox.platform.ensure("4711")
    await outbox.work(after=MINUTE)
    assert await outbox.states() == ["delivered"]


async def test_while_the_program_is_switched_off_there_deliveries_are_held(outbox: Outbox) -> None:
    await outbox.report()
    with answering(outbox.platform, 422, {"code": 6000, "message": "Gameball Disabled"}):
        await outbox.work()
        assert await outbox.rows() == [("held", "disabled")]
        await outbox.work(after=14 * MINUTE)
    assert len(outbox.reports()) == 1
    await outbox.work(after=MINUTE)
    assert await outbox.states() == ["delivered"]


async def test_refused_keys_hold_everything_back_and_burn_no_attempt(outbox: Outbox) -> None:
    for number in range(3):
        outbox.platform.ensure(str(number))
        await outbox.report(f"web:{number}")
    with answering(outbox.platform, 401, {"code": 1000, "message": "Unauthorized access."}):
        await outbox.work(steps=3)
    assert set(await outbox.rows("state, reason, attempts")) <= {("pending", "auth", 0), ("pending", "", 0)}
    assert outbox.delivery_worker.breaker.state == "auth"
    asked = len(outbox.platform.seen)
    await outbox.work(after=4 * MINUTE, steps=3)
    assert len(outbox.platform.seen) == asked
    await outbox.work(after=MINUTE, steps=4)
    assert await outbox.states() == ["delivered"] * 3


async def test_after_three_days_of_trying_a_report_is_dead_until_an_operator_sends_it_again(
    outbox: Outbox,
) -> None:
    outbox.platform.always = "503"
    await outbox.report()
    for _ in range(80):
        await outbox.work(after=HOUR)
    assert await outbox.rows("state, reason, status") == [("dead", "gave_up", 503)]
    assert await outbox.states() == ["dead"]
    outbox.platform.always = None
    (delivery_id,) = await outbox.core.column("SELECT delivery_id FROM delivery")
    await outbox.core.send(RetryDelivery(Caller("", "", "operator:sam", "req"), delivery_id))
    await outbox.work(after=HOUR)
    assert await outbox.states() == ["delivered"]
    assert outbox.achieved() == 1


# ---- what is our own fault ----


async def spoil(outbox: Outbox, table: str, column: str) -> None:
    """Make a text that no gateway writes and none can read."""
    with contextlib.closing(sqlite3.connect(outbox.core.url.removeprefix("sqlite:///"))) as file, file:
        file.execute(f"UPDATE {table} SET {column} = CAST(x'ff' AS TEXT)")


async def test_a_report_that_cannot_be_written_is_tried_ever_more_rarely_and_then_dead(
    outbox: Outbox,
) -> None:
    await outbox.report(email="ann@example.com")
    await spoil(outbox, "profile", "canonical_id")
    with capture_logs() as lines:
        await outbox.work()
    (delivery_id,) = await outbox.core.column("SELECT delivery_id FROM delivery")
    failed = {"event": "delivery_failed", "log_level": "error", "error": "ReadFailed"}
    assert lines == [{**failed, "delivery": show("dlv", delivery_id)}]
    assert await outbox.rows("state, reason, attempts, sent_at, due_at") == [
        ("pending", "failed", 1, None, outbox.clock.now() + 2 * SECOND)
    ]
    await outbox.work(after=2 * SECOND)
    assert await outbox.rows("attempts, due_at") == [(2, outbox.clock.now() + 4 * SECOND)]
    for _ in range(80):
        await outbox.work(after=HOUR)
    assert await outbox.rows() == [("dead", "gave_up")]
    assert await outbox.states() == ["dead"]
    assert outbox.platform.seen == []


async def test_a_failure_of_ours_after_a_report_was_sent_leaves_it_unknown(outbox: Outbox) -> None:
    draws = iter([ZeroDivisionError("ann@example.com")])

    def random_between(low: int, high: int) -> int:
        for mistake in draws:
            raise mistake
        return high

    outbox.delivery_worker = DeliveryWorker(
        outbox.core.pipeline,
        outbox.core.store,
        outbox.upstream,
        outbox.settings,
        outbox.clock,
        random_between,
        outbox.metrics,
    )
    outbox.platform.next.append("swallowed")
    await outbox.report()
    with capture_logs() as lines:
        await outbox.work()
    assert "ann@example.com" not in str(lines)
    assert await outbox.rows("state, reason, attempts") == [("unknown", "failed", 1)]
    await outbox.work(after=MINUTE)
    await outbox.work(after=RECONCILE)
    assert await outbox.rows() == [("delivered", "reconciled")]
    assert len(outbox.reports()) == 1
