"""A gateway that delivers achievements to the platform."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.support.in_process_gateway import (
    InProcessGateway,
    environment,
)


@pytest.fixture
async def core(tmp_path: Path) -> AsyncGenerator[InProcessGateway]:
    async with InProcessGateway(tmp_path, environment(delivers=True)) as built:
        yield built
