"""What several tests of the upstream start."""

from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest

from gateway.upstream.client import Upstream
from tests.support.in_process_gateway import (
    InProcessGateway,
    ManualClock,
    environment,
)
from tests.support.loyalty_platform import Platform, serving
from tests.support.outbox import Outbox, settings
from tests.support.upstream_client import connected
from tests.support.webhook_listener import Listener, listening


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncGenerator[Outbox]:
    clock = ManualClock()
    async with (
        InProcessGateway(tmp_path, environment(delivers=True), clock=clock) as core,
        serving(clock) as platform,
        Outbox(core, platform, settings(platform)) as built,
    ):
        platform.ensure("ann")
        yield built


@pytest.fixture
async def upstream(platform: Platform) -> AsyncIterator[Upstream]:
    platform.limits = False
    async with connected(platform.url) as upstream:
        yield upstream


@pytest.fixture
async def listener() -> AsyncGenerator[Listener]:
    async with listening() as found:
        yield found
