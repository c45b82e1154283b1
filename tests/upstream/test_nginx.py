"""nginx, as a peer that speaks HTTP by its own lights: what we send it takes, and what it sends we take."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from multidict import CIMultiDict

from gateway.config import Secret, UpstreamSettings
from gateway.upstream.client import Request, Upstream
from tests.support.in_process_gateway import ManualClock
from tests.support.loyalty_platform import API_KEY, SECRET_KEY, Platform
from tests.support.nginx_server import serving_nginx

MIB = 1 << 20


@pytest.fixture
def nginx(tmp_path: Path, platform: Platform) -> Iterator[str]:
    with serving_nginx(tmp_path, platform.url) as url:
        yield url


@pytest.fixture
async def upstream(nginx: str, platform: Platform) -> AsyncIterator[Upstream]:
    platform.limits = False
    settings = UpstreamSettings(base_url=nginx, api_key=Secret(API_KEY), secret_key=Secret(SECRET_KEY))
    upstream = Upstream(settings, ManualClock(), lambda low, high: low)
    await upstream.open()
    yield upstream
    await upstream.close()


async def asked(
    upstream: Upstream, method: str, target: str, body: bytes | AsyncIterator[bytes] | None = None
) -> tuple[int, bytes, CIMultiDict[str]]:
    request = Request(method, target, CIMultiDict({"Content-Type": "application/json"}), body)
    async with upstream.exchange(request, deadline_ms=10_000) as reply:
        return reply.status, await reply.read(4 * MIB), CIMultiDict(reply.headers)


async def test_calls_go_on_when_the_upstream_closes_its_connections_again_and_again(
    upstream: Upstream, platform: Platform
) -> None:
    body = b'{"customerId":"c-1"}'
    answers = [
        await asked(upstream, "POST", "/platform/api/v4.1/integrations/customers", body) for _ in range(20)
    ]
    assert [status for status, _, _ in answers] == [200] * 20
    assert [seen.body for seen in platform.seen] == [body] * 20


async def test_a_body_in_pieces_arrives_whole_behind_a_proxy(upstream: Upstream, platform: Platform) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield b" " * 65_536
        yield b'{"customerId":"c-1"}'

    status, _, _ = await asked(upstream, "POST", "/platform/api/v4.1/integrations/customers", pieces())
    assert status == 200
    assert platform.seen[0].json == {"customerId": "c-1"}


@pytest.mark.parametrize("target", ["/asked/x/%2e%2e/a%2Fb//c?q=%41&%D8%B9=%zz", "/asked;x=1/~'()*"])
async def test_nginx_is_asked_for_the_path_as_it_was_encoded(upstream: Upstream, target: str) -> None:
    assert (await asked(upstream, "GET", target))[1].decode().split(" ")[0] == target


@pytest.mark.parametrize(
    ("method", "body", "framed"),
    [("GET", None, " "), ("DELETE", None, " 0"), ("PUT", b"{}", " 2"), ("POST", b"", " 0")],
)
async def test_a_request_is_framed_in_one_way(
    upstream: Upstream, method: str, body: bytes | None, framed: str
) -> None:
    assert (await asked(upstream, method, "/asked", body))[1].decode() == f"/asked {framed}"


async def test_a_refusal_before_the_body_was_read_is_an_answer_and_the_next_call_is_not_hurt(
    upstream: Upstream, platform: Platform
) -> None:
    for size in (2_000, 200_000):
        assert (await asked(upstream, "POST", "/small", b"x" * size))[0] == 413
        assert (
            await asked(upstream, "POST", "/platform/api/v4.1/integrations/customers", b'{"customerId":"c"}')
        )[0] == 200
    assert len(platform.seen) == 2


async def test_answers_without_a_body_end_where_they_end(
    upstream: Upstream, nginx: str, tmp_path: Path
) -> None:
    (tmp_path / "files" / "page").write_bytes(b"x" * 1_000)
    assert (await asked(upstream, "GET", "/nothing"))[:2] == (204, b"")
    status, body, headers = await asked(upstream, "HEAD", "/files/page")
    assert (status, body, headers["Content-Length"]) == (200, b"", "1000")
    request = Request("GET", "/files/page", CIMultiDict({"If-None-Match": headers["ETag"]}))
    async with upstream.exchange(request, deadline_ms=1_000) as reply:
        assert (reply.status, await reply.read(MIB)) == (304, b"")
    assert (await asked(upstream, "GET", "/files/page"))[1] == b"x" * 1_000


async def test_chunks_and_encodings_of_nginx_come_as_they_are(upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "files" / "page").write_bytes(b"x" * MIB)
    request = Request("GET", "/zipped/page", CIMultiDict({"Accept-Encoding": "gzip"}))
    async with upstream.exchange(request, deadline_ms=1_000) as reply:
        assert (reply.headers["Content-Encoding"], reply.headers["Transfer-Encoding"]) == ("gzip", "chunked")
        assert (await reply.read(MIB))[:2] == b"\x1f\x8b"


async def test_a_large_file_passes_through(upstream: Upstream, tmp_path: Path) -> None:
    with (tmp_path / "files" / "large").open("wb") as large:
        large.truncate(100 * MIB)
    request = Request("GET", "/files/large", CIMultiDict())
    async with upstream.exchange(request, deadline_ms=1_000) as reply:
        assert sum([len(chunk) async for chunk in reply.chunks()]) == 100 * MIB
