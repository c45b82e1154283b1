"""A whole gateway in the test's process, on real sockets and a real database; its settings, and how a test talks to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from gateway.app.opening import running
from gateway.app.reload import take_over
from gateway.app.serving import listening
from gateway.clock import SystemClock
from gateway.config import load
from gateway.http.services import Services
from gateway.store import Store
from gateway.store.sqlite import SqliteStore
from gateway.telemetry.telemetry import Telemetry
from gateway.workers.regroup_walk import regroup_some
from tests.support.in_process_gateway import tamper

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
        else f'[store]\nurl = "{url or f"sqlite:///{tmp_path}/gateway.db"}"\nmin_free_disk = "0B"\nconnections = 4\n'
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

    async def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return await self.services.store.fetch(sql, parameters)

    async def reload(self, extra: str = "", **parts: str) -> None:
        """Go by other settings, written as those of `start`. Raises ConfigError where they cannot be used or taken over."""
        path = self.directory / "config.toml"
        path.write_text(settings(self.directory, extra, url=self.services.config.store.url, **parts))
        await take_over(self.services, load(path, self.environment))

    async def regroup(self) -> None:
        """Work off every regrouping, beside the gateway's own worker."""
        services = self.services
        while await self.rows("SELECT 1 FROM regrouping WHERE finished_at IS NULL AND failed_at IS NULL"):
            if await regroup_some(services.store, services.pipeline, services.clock, "test", 100) is None:
                await asyncio.sleep(0.01)


Start = Callable[..., AbstractAsyncContextManager[RunningGateway]]


@contextlib.asynccontextmanager
async def serving_gateway(
    directory: Path, text: str, environment: Mapping[str, str], clock: SystemClock | None = None
) -> AsyncGenerator[RunningGateway]:
    """A gateway with these settings, which `directory` holds, until the block ends. Fails if a worker died."""
    path = directory / "config.toml"
    path.write_text(text)
    config = load(path, environment)
    telemetry = Telemetry(level=config.log.level, path=config.log.file, log_requests=True)
    deaths: list[str] = []
    try:
        async with (
            running(config, telemetry=telemetry, on_broken=_fail, clock=clock) as services,
            listening(services, on_death=deaths.append) as (url, admin_url),
            aiohttp.ClientSession() as client,
        ):
            yield RunningGateway(url, admin_url, services, client, directory, environment)
    finally:
        telemetry.close()
    assert not deaths


def _fail(error: Exception) -> None:
    raise error
