"""Calls to the platform that fail: what is sent again, and which error says what happened (F18)."""

import asyncio
import socket
import tracemalloc

import pytest

from gateway.upstream.client import Upstream
from gateway.upstream.errors import Garbled, Lost, NoAnswer, Unreachable
from tests.support.loyalty_platform import Platform
from tests.support.upstream_client import CUSTOMER, MIB, asked, connected, failed, request
from tests.support.upstream_faults import FAULTS

# ---- sent once ----


@pytest.mark.parametrize("fault", ["closed", "reset"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_nothing_that_may_change_something_is_sent_twice(
    platform: Platform, upstream: Upstream, method: str, fault: str
) -> None:
    await asked(upstream, request("GET", CUSTOMER))  # the fault then meets a connection that has been used
    platform.always = fault
    assert isinstance(await failed(upstream, request(method)), Lost)
    assert len(platform.seen) == 2


@pytest.mark.parametrize("fault", ["closed", "reset"])
async def test_a_read_is_sent_once_more_when_its_connection_broke(
    platform: Platform, upstream: Upstream, fault: str
) -> None:
    platform.next.append(fault)
    assert (await asked(upstream, request("GET", CUSTOMER)))[0] == 404
    assert len(platform.seen) == 2


async def test_repeated_reads_stay_a_fifth_of_all(platform: Platform, upstream: Upstream) -> None:
    platform.always = "closed"
    for _ in range(50):
        await failed(upstream, request("GET", CUSTOMER))
    assert len(platform.seen) <= 50 * 1.2 + 3


async def test_a_read_that_timed_out_is_not_repeated(platform: Platform, upstream: Upstream) -> None:
    platform.always = "dark"
    assert (await failed(upstream, request("GET", CUSTOMER), within=50)).reason == "timeout"
    assert len(platform.seen) == 1


async def test_a_redirect_is_not_followed(platform: Platform, upstream: Upstream) -> None:
    platform.always = "elsewhere"
    assert (await asked(upstream, request()))[0] == 307
    assert len(platform.seen) == 1


# ---- without an answer ----


async def test_a_refused_connection_says_that_nothing_was_sent(
    platform: Platform, upstream: Upstream
) -> None:
    await platform.refuse()
    failure = await failed(upstream, request())
    assert (type(failure), failure.reason) == (Unreachable, "no_connection")


async def test_a_server_that_does_not_take_connections_is_given_up_after_the_connect_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        async with connected(f"http://127.0.0.1:{full.getsockname()[1]}", connect_timeout=100) as upstream:
            failure = await failed(upstream, request())
        for one in waiting:
            one.close()
    assert (type(failure), failure.reason) == (Unreachable, "timeout")


async def test_a_server_without_tls_gets_nothing_that_was_meant_to_be_encrypted(platform: Platform) -> None:
    async with connected(platform.url.replace("http:", "https:")) as upstream:
        assert isinstance(await failed(upstream, request()), Unreachable)
    assert platform.seen == []


EXPECTED = {
    "broken_chunks": (Garbled, "malformed"),
    "closed": (Lost, "disconnected"),
    "dark": (Lost, "timeout"),
    "drip": (Lost, "timeout"),
    "endless_chunks": (Lost, "timeout"),
    "flood": (Garbled, "malformed"),
    "huge": (Garbled, "too_large"),
    "huge_header": (Garbled, "malformed"),
    "length_and_chunks": (Garbled, "malformed"),
    "many_headers": (Garbled, "malformed"),
    "not_http": (Garbled, "malformed"),
    "nul_in_header": (Garbled, "malformed"),
    "reset": (Lost, "disconnected"),
    "stalled": (Lost, "timeout"),
    "switching": (Garbled, "malformed"),
    "truncated": (Lost, "truncated"),
    "two_lengths": (Garbled, "malformed"),
}


@pytest.mark.parametrize("fault", EXPECTED)
async def test_f18_an_invalid_answer_is_recognised_and_its_connection_is_not_reused(
    platform: Platform, upstream: Upstream, fault: str
) -> None:
    await asked(upstream, request())
    platform.next.append(fault)
    failure = await failed(upstream, request(), within=300)
    assert (type(failure), failure.reason) == EXPECTED[fault]
    assert (await asked(upstream, request()))[0] == 200
    before, broken, after = platform.seen
    assert before.connection == broken.connection != after.connection


def test_every_fault_is_expected_to_end_somehow() -> None:
    assert set(FAULTS) - set(EXPECTED) == {
        "afterthought",
        "bomb",
        "elsewhere",
        "interim",
        "overlong",
        "two_bytes",
        "unmeasured",
    }


@pytest.mark.parametrize("fault", ["overlong", "afterthought"])
async def test_f18_bytes_after_an_answer_are_not_taken_for_the_next_one(
    platform: Platform, upstream: Upstream, fault: str
) -> None:
    platform.next.append(fault)
    assert await asked(upstream, request()) == (200, b"{}")
    await asyncio.sleep(0.05)  # the surplus has then come
    assert await asked(upstream, request()) == (200, b'{"gameballId": 800000}')


@pytest.mark.parametrize("fault", ["huge", "bomb", "flood"])
async def test_f18_no_answer_of_the_upstream_fills_the_memory(
    platform: Platform, upstream: Upstream, fault: str
) -> None:
    platform.always = fault
    await asked(upstream, request("GET", "/warm"), within=100) if fault == "bomb" else await failed(
        upstream, request(), within=100
    )
    tracemalloc.start()
    try:
        for _ in range(3):
            try:
                await asked(upstream, request(), within=200)
            except NoAnswer:
                continue
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * MIB


async def test_an_answer_of_any_size_passes_through_in_pieces(platform: Platform, upstream: Upstream) -> None:
    platform.always = "huge"
    tracemalloc.start()
    try:
        async with upstream.exchange(request(), deadline_ms=1_000) as reply:
            size = 0
            async for chunk in reply.chunks():
                size += len(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size == 100 * MIB
    assert peak < 5 * MIB


async def test_an_answer_that_drips_ends_at_the_deadline_also_when_it_is_passed_on(
    platform: Platform, upstream: Upstream
) -> None:
    platform.always = "drip"
    async with upstream.exchange(request(), deadline_ms=200) as reply:
        with pytest.raises(Lost, match="timeout"):
            _ = [chunk async for chunk in reply.chunks()]


async def test_an_unread_answer_closes_its_connection(platform: Platform, upstream: Upstream) -> None:
    platform.next.append("huge")
    async with upstream.exchange(request(), deadline_ms=1_000):
        pass
    await asked(upstream, request())
    assert platform.seen[0].connection != platform.seen[1].connection


async def test_a_delivery_has_a_connection_of_its_own(platform: Platform, upstream: Upstream) -> None:
    for _ in range(2):
        async with upstream.exchange(request(), deadline_ms=1_000, reuse=False) as reply:
            await reply.read(MIB)
    assert len({seen.connection for seen in platform.seen}) == 2
    assert {seen.headers["Connection"] for seen in platform.seen} == {"close"}


async def test_a_429_pauses_deliveries_of_its_class_whoever_was_refused(
    platform: Platform, upstream: Upstream
) -> None:
    platform.next.append("429")
    platform.retry_after = "7"
    assert (await asked(upstream, request()))[0] == 429
    assert upstream.limiter.wait("customers_write") == 7_000
    assert upstream.limiter.wait("events") == 0
