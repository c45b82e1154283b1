"""The admin token goes to the gateway only, whatever else listens on its port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from gateway.config.master_secret import proof, proving_key
from tests.support.shell import SETTINGS, Shell

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.running_gateway import RunningGateway

TOKEN = "admin-token-0123456789"


class Hostile:
    """Answers `/healthz` in its way, takes whatever else comes, and keeps the bytes of it all."""

    def __init__(self) -> None:
        self.way = "silent"
        self.relay_to = ""
        self.heard: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.heard.append(f"{request.method} {request.raw_path} {dict(request.headers)} {body!r}")
        challenge = request.query.get("challenge", "")
        if request.path != "/healthz":
            return web.json_response({"items": [], "next": ""})
        if not challenge:
            return web.json_response({"status": "ok"})
        match self.way:
            case "relay":
                async with (
                    aiohttp.ClientSession() as session,
                    session.get(f"{self.relay_to}/healthz?challenge={challenge}") as real,
                ):
                    return web.json_response(await real.json())
            case "redirect":
                raise web.HTTPFound(f"{self.relay_to}/healthz?challenge={challenge}")
            case "echo":
                return web.json_response({"status": "ok", "proof": challenge})
            case "guess":
                assert request.transport is not None
                here: tuple[str, int] = request.transport.get_extra_info("sockname")
                return web.json_response({"proof": proof(proving_key("wrong"), challenge, *here)})
            case "empty":
                return web.json_response({"status": "ok", "proof": ""})
            case "number":
                return web.json_response({"status": "ok", "proof": 1})
            case "wide":
                return web.json_response({"status": "ok", "proof": "\uff10" * 64})
            case "long":
                return web.json_response({"status": "ok", "proof": "0" * (1 << 20)})
            case "html":
                return web.Response(text="<html>")
            case "401":
                return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
            case _:
                return web.json_response({"status": "ok"})


@pytest.fixture
async def hostile(unused_tcp_port: int) -> AsyncGenerator[Hostile]:
    listener, app = Hostile(), web.Application()
    app.router.add_route("*", "/{any:.*}", listener.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    yield listener
    await runner.cleanup()


WAYS = ("silent", "relay", "redirect", "echo", "guess", "empty", "number", "wide", "long", "html", "401")


@pytest.mark.parametrize("way", WAYS)
async def test_another_listener_in_place_of_the_gateway_never_receives_the_token(
    gateway: RunningGateway,
    hostile: Hostile,
    unused_tcp_port: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    config = tmp_path / "hostile.toml"
    config.write_text(SETTINGS.format(directory=tmp_path, admin=f"127.0.0.1:{unused_tcp_port}"))
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", TOKEN)
    hostile.way, hostile.relay_to = way, gateway.admin_url
    shell = Shell(config, capsys)
    for command in (("keys", "list"), ("keys", "new", "--channel", "web"), ("audit", "follow")):
        await asyncio.to_thread(shell, *command, code=2)
        assert "did not prove" in shell.err
    assert hostile.heard
    assert not [text for text in hostile.heard if TOKEN in text or "authorization" in text.lower()]
    assert not [text for text in hostile.heard if not text.startswith("GET /healthz")]


async def test_the_gateway_proves_its_identity_and_receives_the_token(
    gateway: RunningGateway,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = tmp_path / "beside.toml"
    config.write_text(SETTINGS.format(directory=tmp_path, admin=gateway.admin_url.removeprefix("http://")))
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", TOKEN)
    await asyncio.to_thread(Shell(config, capsys), "keys", "list")


@pytest.mark.parametrize("challenge", ["", "x", "0" * 63, "0" * 65, "G" * 64, "\u0660" * 64, "0" * 64 + "\n"])
async def test_nothing_but_a_challenge_is_signed(gateway: RunningGateway, challenge: str) -> None:
    async with gateway.client.get(
        f"{gateway.admin_url}/healthz", params={"challenge": challenge}
    ) as response:
        assert (response.status, await response.json()) == (200, {"status": "ok"})


async def test_a_proof_is_for_one_challenge_one_token_and_one_address(gateway: RunningGateway) -> None:
    challenge = "0123456789abcdef" * 4
    async with gateway.client.get(
        f"{gateway.admin_url}/healthz", params={"challenge": challenge}
    ) as response:
        given = json.loads(await response.text())["proof"]
    port = int(gateway.admin_url.rpartition(":")[2])
    key = proving_key(TOKEN)
    assert given == proof(key, challenge, "127.0.0.1", port)
    others = {
        proof(key, challenge[::-1], "127.0.0.1", port),
        proof(key, challenge, "127.0.0.2", port),
        proof(key, challenge, "127.0.0.1", port + 1),
        proof(proving_key(TOKEN + "0"), challenge, "127.0.0.1", port),
        proof(proving_key("0" * 64), challenge, "127.0.0.1", port),
    }
    assert given not in others
    assert len(others) == 5
