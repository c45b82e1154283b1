"""Two chunks of an import on their way at once, towards a gateway that answers when and what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from aiohttp import web

from gateway.config.master_secret import proof, proving_key
from tests.support.shell import SETTINGS, Shell

TABLE = "customer_id\n1\n2\n3\n4\n5\n"
"""One block in three chunks: two rows, two and one."""


class Gateway:
    """Keeps each chunk until the test answers it."""

    def __init__(self) -> None:
        self._chunks: asyncio.Queue[tuple[int, asyncio.Future[web.Response]]] = asyncio.Queue()

    async def came(self, *places: int) -> list[asyncio.Future[web.Response]]:
        """Chunks came that begin behind so many rows, in whatever order; what each of them is to be answered."""
        came = dict([await self._chunks.get() for _ in places])
        return [came[place] for place in places]

    def is_idle(self) -> bool:
        return self._chunks.empty()

    async def health(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        here = request.transport.get_extra_info("sockname")
        key = proving_key("admin-token-0123456789")
        challenge = request.query.get("challenge")
        return web.json_response(
            {"status": "ok", "proof": proof(key, challenge, *here)} if challenge else {"status": "ok"}
        )

    async def state(self, _: web.Request) -> web.Response:
        return standing_behind(0)

    async def take(self, request: web.Request) -> web.Response:
        answer: asyncio.Future[web.Response] = asyncio.get_running_loop().create_future()
        self._chunks.put_nowait(((await request.json())["ahead"], answer))
        return await answer


def standing_behind(rows: int) -> web.Response:
    counts = {"created": rows} if rows else {}
    state = {"id": "00", "counts": counts, "unusable": {}, "identifiers": [], "chunk": 2}
    return web.json_response({**state, "next_line": 1, "ahead": rows, "block": "", "finished_at": None})


def refused(status: int, code: str) -> web.Response:
    return web.json_response({"code": code, "detail": "as the test says"}, status=status)


@pytest.fixture
async def gateway(unused_tcp_port: int) -> AsyncGenerator[Gateway]:
    gateway, app = Gateway(), web.Application()
    app.router.add_get("/healthz", gateway.health)
    app.router.add_get("/admin/v1/imports/{id}", gateway.state)
    app.router.add_post("/admin/v1/imports/{id}/rows", gateway.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    yield gateway
    await runner.cleanup()


@pytest.fixture
def shell(
    tmp_path: Path, unused_tcp_port: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    (tmp_path / "customers.csv").write_text(TABLE)
    config = tmp_path / "config.toml"
    config.write_text(SETTINGS.format(directory=tmp_path, admin=f"127.0.0.1:{unused_tcp_port}"))
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", "admin-token-0123456789")
    return Shell(config, capsys)


def importing(shell: Shell, code: int = 0) -> asyncio.Task[str]:
    table = shell.config.with_name("customers.csv")
    return asyncio.create_task(asyncio.to_thread(shell, "import", str(table), "--channel", "web", code=code))


async def test_two_chunks_are_on_their_way_and_not_three(gateway: Gateway, shell: Shell) -> None:
    command = importing(shell)
    first, second = await gateway.came(0, 2)
    assert gateway.is_idle()
    first.set_result(standing_behind(2))
    (third,) = await gateway.came(4)
    second.set_result(standing_behind(4))
    third.set_result(standing_behind(5))
    assert "5 lines" in await command


async def test_a_chunk_that_overtook_the_one_before_is_sent_again(gateway: Gateway, shell: Shell) -> None:
    command = importing(shell)
    first, second = await gateway.came(0, 2)
    second.set_result(refused(409, "import_moved"))
    first.set_result(standing_behind(2))
    again, third = await gateway.came(2, 4)
    again.set_result(standing_behind(4))
    third.set_result(standing_behind(5))
    await command


async def test_the_first_failure_is_the_one_that_is_reported(gateway: Gateway, shell: Shell) -> None:
    command = importing(shell, code=1)
    first, second = await gateway.came(0, 2)
    second.set_result(refused(409, "import_moved"))
    first.set_result(refused(503, "unavailable"))
    await command
    assert shell.err.splitlines()[-1] == "gateway: unavailable: as the test says"


async def test_an_import_that_another_sender_sends_too_ends(gateway: Gateway, shell: Shell) -> None:
    command = importing(shell, code=1)
    first, second = await gateway.came(0, 2)
    first.set_result(standing_behind(2))
    second.set_result(refused(409, "import_moved"))
    third, again = await gateway.came(4, 2)
    again.set_result(refused(409, "import_moved"))
    third.set_result(refused(409, "import_moved"))
    await command
    assert "import_moved" in shell.err
