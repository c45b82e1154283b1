"""What the tests start: a whole gateway in this process, on real sockets and a real database."""

import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from forwarding import forwarding
from loyalty_platform import Platform, serving
from postgresql import PostgresServer, serving_postgres

from gateway import app
from gateway.config import load
from gateway.http.services import Services
from gateway.telemetry import Telemetry

CHANNELS = """
[[channel]]
name = "web"
default_region = "EG"
api_key = "web-api-key-0123456789"
secret_key = "web-secret-key-0123456789"
[[channel]]
name = "mobile"
default_region = "EG"
api_key = "mobile-api-key-0123456789"
secret_key = "mobile-secret-key-0123456789"
[[channel]]
name = "pos"
kind = "offline"
default_region = "EG"
api_key = "pos-api-key-0123456789"
secret_key = "pos-secret-key-0123456789"
"""
CAMPAIGNS = """
[[campaign]]
id = 11664
name = "Follow us on Facebook"
points = 100
score = 10
[[campaign]]
id = 11665
name = "Share a photo"
points = 20
max_achievements = 0
coupon = { type = "percentage_discount", value = 10, prefix = "FB" }
"""
ADMIN_TOKEN = "admin-token-0123456789"


def settings(tmp_path: Path, extra: str = "", channels: str = CHANNELS, campaigns: str = CAMPAIGNS) -> str:
    """A configuration on free ports with its database in `tmp_path`; grants are due at once."""
    achievements = "" if "[achievements]" in extra else '[achievements]\ngrant_delay = ["0s", "0s"]\n'
    server = "" if "[server]" in extra else '[server]\nlisten = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\n'
    store = (
        ""
        if "[store]" in extra
        else f'[store]\nurl = "sqlite:///{tmp_path}/gateway.db"\nmin_free_disk = "0B"\n'
    )
    log = "" if "[log]" in extra else f'[log]\nfile = "{tmp_path}/gateway.log"\n'
    return f"{server}{store}{log}{achievements}{extra}\n{channels}\n{campaigns}\n"


@dataclass(slots=True)
class RunningGateway:
    """A gateway that serves; `call` talks to its public listener with a channel's keys, `admin` to the other one."""

    url: str
    admin_url: str
    services: Services
    client: aiohttp.ClientSession
    directory: Path

    def keys(self, channel: str) -> dict[str, str]:
        return {"apikey": f"{channel}-api-key-0123456789", "secretkey": f"{channel}-secret-key-0123456789"}

    def call(
        self, method: str, path: str, *, channel: str = "web", version: str = "v4.1", **options: object
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        headers = {**self.keys(channel), **options.pop("headers", {})}  # pyright: ignore
        url = f"{self.url}/api/{version}/integrations/{path}"
        return self.client.request(method, url, headers=headers, **options)  # pyright: ignore

    def admin(
        self, method: str, path: str, **options: object
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        return self.client.request(method, f"{self.admin_url}/admin/v1/{path}", headers=headers, **options)  # pyright: ignore

    async def rows(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        return await self.services.store.fetch(sql, parameters)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for all tests; it starts with the first that asks for it."""
    with serving_postgres() as server:
        yield server


Start = Callable[..., AbstractAsyncContextManager[RunningGateway]]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """`async with start(extra_settings) as gateway:` — may be entered again to restart on the same database."""

    @contextlib.asynccontextmanager
    async def started(extra: str = "", **parts: str) -> AsyncGenerator[RunningGateway]:
        path = tmp_path / "config.toml"
        path.write_text(settings(tmp_path, extra, **parts))
        config = load(path, {"GATEWAY_ADMIN_TOKEN": ADMIN_TOKEN})
        telemetry = Telemetry(level=config.log.level, path=config.log.file, log_requests=True)
        deaths: list[str] = []
        try:
            async with (
                app.running(config, telemetry=telemetry, on_broken=_fail) as services,
                app.listening(services, on_death=deaths.append) as (url, admin_url),
                aiohttp.ClientSession() as client,
            ):
                yield RunningGateway(url, admin_url, services, client, tmp_path)
        finally:
            telemetry.close()
        assert not deaths

    return started


def _fail(error: Exception) -> None:
    raise error


@pytest.fixture
async def gateway(start: Start) -> AsyncGenerator[RunningGateway]:
    async with start() as running:
        yield running


@pytest.fixture
async def platform() -> AsyncGenerator[Platform]:
    """The loyalty platform as a second real server; see `loyalty_platform`."""
    async with serving() as running:
        yield running


@pytest.fixture
async def forward(start: Start, platform: Platform) -> AsyncGenerator[RunningGateway]:
    """A gateway in forward mode in front of `platform`, whose quotas are off."""
    platform.limits = False
    async with forwarding(start, platform) as gateway:
        yield gateway
