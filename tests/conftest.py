"""What the tests start: a whole gateway in this process, on real sockets and a real database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
from forwarding import forwarding
from loyalty_platform import Platform, serving
from manual import tamper
from postgresql import PostgresServer, serving_postgres

from gateway import app
from gateway.config import load
from gateway.http.services import Services
from gateway.regroup_walk import regroup_some
from gateway.reload import take_over
from gateway.store import Store
from gateway.store.sqlite import SqliteStore
from gateway.telemetry import Telemetry

if TYPE_CHECKING:
    from playwright.async_api import Browser

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
ON_EVERY_ENGINE = ("http/", "store/test_conformance.py")
ON_ONE_ENGINE = tuple(
    f"http/proxy/test_proxy_{name}.py"
    for name in ("cors", "failures", "headers", "keys", "paths", "smuggling", "spoken")
)
"""What is decided before a store is asked, or after."""
MASTER_SECRET = "a-master-secret-of-32-characters"


def settings(
    tmp_path: Path, extra: str = "", channels: str = CHANNELS, campaigns: str = CAMPAIGNS, url: str = ""
) -> str:
    """A configuration on free ports with its database in `tmp_path`; grants are due at once."""
    achievements = "" if "[achievements]" in extra else '[achievements]\ngrant_delay = ["0s", "0s"]\n'
    server = "" if "[server]" in extra else '[server]\nlisten = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\n'
    store = (
        ""
        if "[store]" in extra
        else f'[store]\nurl = "{url or f"sqlite:///{tmp_path}/gateway.db"}"\nmin_free_disk = "0B"\n'
    )
    log = "" if "[log]" in extra else f'[log]\nfile = "{tmp_path}/gateway.log"\n'
    return f"{server}{store}{log}{achievements}{extra}\n{channels}\n{campaigns}\n"


async def tables_of(store: Store) -> list[str]:
    if isinstance(store, SqliteStore):
        rows = await store.fetch("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    else:
        rows = await store.fetch("SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()")
    return sorted(name for (name,) in rows)


@dataclass(slots=True)
class RunningGateway:
    """A gateway that serves; `call` talks to its public listener with a channel's keys, `admin` to the other one."""

    url: str
    admin_url: str
    services: Services
    client: aiohttp.ClientSession
    directory: Path
    environment: Mapping[str, str]

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

    async def tables(self) -> list[str]:
        return await tables_of(self.services.store)

    async def tamper(self, statement: str) -> None:
        """Change the database behind the gateway's back."""
        await tamper(self.services.config.store.url, statement)

    async def rows(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        return await self.services.store.fetch(sql, parameters)

    async def reload(self, extra: str = "", **parts: str) -> None:
        """Go by other settings, written as those of `start`. Raises ConfigError where they cannot be used or taken over."""
        path = self.directory / "config.toml"
        path.write_text(settings(self.directory, extra, url=self.services.config.store.url, **parts))
        await take_over(self.services, load(path, self.environment))

    async def regroup(self) -> None:
        """Work off every regrouping, beside the gateway's own worker."""
        services = self.services
        while await self.rows("SELECT 1 FROM regrouping WHERE finished_at IS NULL"):
            if await regroup_some(services.store, services.pipeline, "test", 100) is None:
                await asyncio.sleep(0.01)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for all tests; it starts with the first that asks for it."""
    with serving_postgres() as server:
        yield server


@pytest.fixture
def engine() -> str:
    """What the test's database runs on: SQLite, or one after the other in what is for every engine. `strict` is PostgreSQL
    with nothing that an engine of its protocol may lack."""
    return "sqlite"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    place = metafunc.definition.path.relative_to(Path(__file__).parent).as_posix()
    if "engine" in metafunc.fixturenames and place.startswith(ON_EVERY_ENGINE) and place not in ON_ONE_ENGINE:
        strict = ["strict"] if place.startswith("store/") else []
        metafunc.parametrize("engine", ["sqlite", "postgres", *strict])


@pytest.fixture
async def database_url(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> str:
    if engine == "sqlite":
        return f"sqlite:///{tmp_path}/gateway.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return ("strict:" if engine == "strict" else "") + server.url(await server.empty())


Start = Callable[..., AbstractAsyncContextManager[RunningGateway]]


@pytest.fixture
def start(tmp_path: Path, database_url: str) -> Start:
    """`async with start(extra_settings) as gateway:` — may be entered again to restart on the same database."""

    secret = {} if database_url.startswith("sqlite:") else {"GATEWAY_SECRET": MASTER_SECRET}
    environment = {"GATEWAY_ADMIN_TOKEN": ADMIN_TOKEN, **secret}

    @contextlib.asynccontextmanager
    async def started(extra: str = "", **parts: str) -> AsyncGenerator[RunningGateway]:
        path = tmp_path / "config.toml"
        path.write_text(settings(tmp_path, extra, url=database_url, **parts))
        config = load(path, environment)
        telemetry = Telemetry(level=config.log.level, path=config.log.file, log_requests=True)
        deaths: list[str] = []
        try:
            async with (
                app.running(config, telemetry=telemetry, on_broken=_fail) as services,
                app.listening(services, on_death=deaths.append) as (url, admin_url),
                aiohttp.ClientSession() as client,
            ):
                yield RunningGateway(url, admin_url, services, client, tmp_path, environment)
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
async def browser() -> AsyncGenerator[Browser]:
    """A real Chromium; see `chromium`, which only tests with a browser load."""
    from chromium import browsing

    async with browsing() as running:
        yield running


@pytest.fixture
async def forward(start: Start, platform: Platform) -> AsyncGenerator[RunningGateway]:
    """A gateway in forward mode in front of `platform`, whose quotas are off."""
    platform.limits = False
    async with forwarding(start, platform) as gateway:
        yield gateway
