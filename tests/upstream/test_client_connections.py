"""Connections to the platform: when one is used again, and who waits for one."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.upstream.client import Upstream
from gateway.upstream.errors import Lost, Unreachable
from tests.support.certificates import loopback_certificate
from tests.support.loyalty_platform import Platform
from tests.support.upstream_client import asked, connected, failed, request

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
