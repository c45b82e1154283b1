"""Calls to the platform arrive as they were given, and answers come back as they were sent."""

import gzip
from collections.abc import AsyncIterator

import pytest

from gateway.upstream.client import Request, Upstream
from gateway.upstream.errors import Lost
from tests.support.loyalty_platform import API_KEY, SECRET_KEY, Platform
from tests.support.upstream_client import CUSTOMER, CUSTOMERS, MIB, asked, connected, failed, request

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
