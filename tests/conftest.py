"""What the tests start: a whole gateway in this process, on real sockets and a real database."""

from __future__ import annotations

import signal
from collections.abc import AsyncGenerator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.forwarding import forwarding
from tests.support.loyalty_platform import Platform, serving
from tests.support.postgresql import PostgresServer, serving_postgres
from tests.support.running_gateway import (
    ADMIN_TOKEN,
    MASTER_SECRET,
    RunningGateway,
    Start,
    serving_gateway,
    settings,
)

if TYPE_CHECKING:
    from playwright.async_api import Browser

signal.signal(signal.SIGINT, signal.default_int_handler)
"""The shell ignores Ctrl-C in what it runs in the background, as `make test` does, and every child would inherit that."""

ON_EVERY_ENGINE = ("http/", "store/conformance/")
ON_ONE_ENGINE = tuple(
    f"http/proxy/test_{name}.py"
    for name in ("cors", "failures", "headers", "keys", "paths", "smuggling", "http_variants")
)
"""What is decided before a store is asked, or after."""


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


@pytest.fixture
def start(tmp_path: Path, database_url: str) -> Start:
    """`async with start(extra_settings) as gateway:` — may be entered again to restart on the same database."""

    secret = {} if database_url.startswith("sqlite:") else {"GATEWAY_SECRET": MASTER_SECRET}
    environment = {"GATEWAY_ADMIN_TOKEN": ADMIN_TOKEN, **secret}

    def started(extra: str = "", **parts: str) -> AbstractAsyncContextManager[RunningGateway]:
        text = settings(tmp_path, extra, url=database_url, **parts)
        return serving_gateway(tmp_path, text, environment)

    return started


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
    from tests.support.chromium import browsing

    async with browsing() as running:
        yield running


@pytest.fixture
async def forward(start: Start, platform: Platform) -> AsyncGenerator[RunningGateway]:
    """A gateway in forward mode in front of `platform`, whose quotas are off."""
    platform.limits = False
    async with forwarding(start, platform) as gateway:
        yield gateway
