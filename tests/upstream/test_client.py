"""What goes to the upstream arrives as it was given, once; what comes back comes as it was sent, or as a failure that is named."""

import asyncio
import gzip
import random
import socket
import ssl
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict

from gateway.config import Secret, UpstreamSettings
from gateway.upstream.certificates import NoteEnd
from gateway.upstream.client import Request, Upstream
from gateway.upstream.errors import Garbled, Lost, NoAnswer, Unreachable
from tests.support.certificates import loopback_certificate
from tests.support.in_process_gateway import ManualClock
from tests.support.loyalty_platform import API_KEY, SECRET_KEY, Platform
from tests.support.misbehaviour import FAULTS

CUSTOMERS = "/api/v4.1/integrations/customers"
CUSTOMER = f"{CUSTOMERS}/c-1"
MIB = 1 << 20
Connect = Callable[..., AbstractAsyncContextManager[Upstream]]


def request(
    method: str = "POST", target: str = CUSTOMERS, body: Any = b'{"customerId":"c-1"}', **headers: str
) -> Request:
    sent = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return Request(method, target, sent, None if method in {"GET", "HEAD"} else body, "customers_write")


@asynccontextmanager
async def connected(
    url: str, note_certificate: NoteEnd = lambda ends_at: None, **settings: Any
) -> AsyncIterator[Upstream]:
    keys: dict[str, Any] = {"api_key": Secret(API_KEY), "secret_key": Secret(SECRET_KEY)}
    upstream = Upstream(
        UpstreamSettings(base_url=url, **keys, **settings),
        ManualClock(),
        random.Random(1).randint,
        note_certificate=note_certificate,
    )
    await upstream.open()
    try:
        yield upstream
    finally:
        await upstream.close()


@pytest.fixture
async def upstream(platform: Platform) -> AsyncIterator[Upstream]:
    platform.limits = False
    async with connected(platform.url) as upstream:
        yield upstream


async def asked(
    upstream: Upstream, call: Request, *, limit: int = MIB, within: int = 5_000
) -> tuple[int, bytes]:
    async with upstream.exchange(call, deadline_ms=within) as reply:
        return reply.status, await reply.read(limit)


async def failed(upstream: Upstream, call: Request, *, within: int = 5_000) -> NoAnswer:
    with pytest.raises(NoAnswer) as failure:
        await asked(upstream, call, within=within)
    return failure.value


# ---- as given, as sent ----


async def test_a_request_arrives_with_exactly_its_headers_and_our_keys(
    platform: Platform, upstream: Upstream
) -> None:
    await asked(upstream, request(content_type="application/json", lang="ar", apikey="a channel's"))
    (seen,) = platform.seen
    assert {name.lower(): value for name, value in seen.headers.items()} == {
        "host": platform.url.removeprefix("http://"),
        "content-type": "application/json",
        "lang": "ar",
        "apikey": API_KEY,
        "secretkey": SECRET_KEY,
        "content-length": "20",
    }
    assert seen.body == b'{"customerId":"c-1"}'


@pytest.mark.parametrize("path", ["/a%2Fb/%2e%2e/c", "/%D8%B9?q=%41&q=a+b%20c&empty=", "/a;b,c@d:e/~!$&'()*"])
async def test_a_path_is_sent_as_it_is_encoded(platform: Platform, upstream: Upstream, path: str) -> None:
    await asked(upstream, request("GET", CUSTOMERS + path))
    assert platform.seen[0].raw_path == CUSTOMERS + path


async def test_an_answer_keeps_its_status_its_headers_and_its_bytes(
    platform: Platform, upstream: Upstream
) -> None:
    async with upstream.exchange(request(), deadline_ms=1_000) as reply:
        assert reply.status == 200
        assert reply.headers.getall("Set-Cookie") == platform.headers.getall("Set-Cookie")
        assert reply.headers["Server"] == "Kestrel"
        assert b"".join([chunk async for chunk in reply.chunks()]) == b'{"gameballId": 800000}'


async def test_an_unknown_route_is_404_with_nothing_in_it(upstream: Upstream) -> None:
    assert await asked(upstream, request("GET", "/nowhere")) == (404, b"")


async def test_an_encoded_body_is_not_decoded(platform: Platform, upstream: Upstream) -> None:
    platform.always = "bomb"
    _, body = await asked(upstream, request())
    assert len(body) < 100_000
    assert gzip.decompress(body) == b"0" * (64 * MIB)


async def test_an_answer_to_head_has_no_body_though_it_has_a_length(
    platform: Platform, upstream: Upstream
) -> None:
    platform.next.append("two_bytes")
    assert await asked(upstream, request("HEAD", CUSTOMER)) == (200, b"")


async def test_a_body_that_comes_in_pieces_is_sent_whole_on_a_connection_of_its_own(
    platform: Platform, upstream: Upstream
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"customerId":'
        yield b'"c-1"}'

    for body in (b'{"customerId":"c-1"}', pieces(), b'{"customerId":"c-1"}'):
        assert (await asked(upstream, request(body=body)))[0] == 200
    first, streamed, last = platform.seen
    assert streamed.body == first.body
    assert first.connection == last.connection != streamed.connection


async def test_a_body_that_breaks_off_is_never_a_whole_request(
    platform: Platform, upstream: Upstream
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"customerId":'
        raise ConnectionResetError

    assert isinstance(await failed(upstream, request(body=pieces())), Lost)
    assert platform.seen == []


@pytest.mark.parametrize("answer", ["interim", "unmeasured"])
async def test_an_answer_may_be_announced_and_may_end_with_its_connection(
    platform: Platform, upstream: Upstream, answer: str
) -> None:
    platform.always = answer
    assert await asked(upstream, request()) == (200, b"{}")


async def test_a_base_url_may_have_a_path(platform: Platform) -> None:
    async with connected(f"{platform.url}/api/v4.1") as upstream:
        assert (await asked(upstream, request(target="/integrations/customers")))[0] == 200
    assert platform.seen[0].raw_path == CUSTOMERS


@pytest.mark.parametrize(
    "broken",
    [
        request(lang="ar\r\nX-Evil: 1"),
        request(lang="ar\nX-Evil: 1"),
        request(lang="a\0r"),
        request(**{"x\r\ny": "1"}),
        request(target="/a HTTP/1.1\r\nX-Evil: 1"),
        request(target="/a b"),
        request(target="/ع"),
        request("GET /x"),
        request(""),
    ],
)
async def test_text_that_would_smuggle_a_request_is_not_sent(
    platform: Platform, upstream: Upstream, broken: Request
) -> None:
    with pytest.raises(ValueError, match="would break the request"):
        await asked(upstream, broken)
    assert platform.seen == []


async def test_the_bytes_of_a_header_arrive_as_they_came(platform: Platform, upstream: Upstream) -> None:
    await asked(upstream, request(x_name=b"caf\xe9 \xd8\xb9".decode("utf-8", "surrogateescape")))
    assert platform.seen[0].headers["X-Name"].encode("utf-8", "surrogateescape") == b"caf\xe9 \xd8\xb9"


# ---- connections ----


async def test_a_connection_that_the_upstream_closed_meanwhile_is_not_used_again(
    platform: Platform, upstream: Upstream
) -> None:
    await asked(upstream, request())
    await platform.refuse()
    await platform.accept()
    assert (await asked(upstream, request()))[0] == 200


async def test_a_connection_that_was_idle_for_too_long_is_not_used_again(platform: Platform) -> None:
    async with connected(platform.url, keepalive=1) as upstream:
        for _ in range(2):
            await asked(upstream, request())
            await asyncio.sleep(0.01)
    assert len({seen.connection for seen in platform.seen}) == 2


async def test_calls_beyond_the_connections_wait_for_one(platform: Platform) -> None:
    platform.always, platform.slowness = "slow", 0.01
    async with connected(platform.url, max_connections=2) as upstream:
        answers = await asyncio.gather(*(asked(upstream, request()) for _ in range(10)))
    assert [status for status, _ in answers] == [200] * 10
    assert len({seen.connection for seen in platform.seen}) == 2


async def test_a_call_that_gets_no_connection_in_time_was_not_sent(platform: Platform) -> None:
    platform.always = "dark"
    async with connected(platform.url, max_connections=1, connect_timeout=50) as upstream:
        first = asyncio.create_task(failed(upstream, request(), within=300))
        await asyncio.sleep(0)
        failure = await failed(upstream, request())
        assert (type(failure), failure.reason) == (Unreachable, "timeout")
        assert isinstance(await first, Lost)
    assert len(platform.seen) == 1


async def test_a_caller_who_gives_up_leaves_no_connection_behind(platform: Platform) -> None:
    platform.next.append("dark")
    async with connected(platform.url, max_connections=1) as upstream:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asked(upstream, request()), 0.05)
        assert (await asked(upstream, request()))[0] == 200
    assert platform.seen[0].connection != platform.seen[1].connection


@pytest.mark.parametrize("presented", ["trusted", "unknown", "expired"])
async def test_an_encrypted_upstream_has_to_prove_who_it_is(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, presented: str
) -> None:
    ends_at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=-1 if presented == "expired" else 9)
    certificate = loopback_certificate(tmp_path, ends_at)
    await platform.refuse()
    platform.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    platform.tls.load_cert_chain(certificate)
    await platform.accept()
    if presented != "unknown":
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    noted: list[float] = []
    async with connected(platform.url.replace("http:", "https:"), note_certificate=noted.append) as upstream:
        if presented == "trusted":
            assert (await asked(upstream, request()))[0] == 200
            assert noted == [ends_at.timestamp()]
        else:
            failure = await failed(upstream, request())
            assert (type(failure), failure.reason) == (Unreachable, "certificate")
            assert noted == []
    assert len(platform.seen) == (presented == "trusted")


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
