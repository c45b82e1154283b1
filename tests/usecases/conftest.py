"""A gateway's inside to send commands to, on a database of its own."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.support.in_process_gateway import InProcessGateway


@pytest.fixture
async def core(tmp_path: Path, database_url: str) -> AsyncGenerator[InProcessGateway]:
    async with InProcessGateway(tmp_path, url=database_url) as built:
        yield built
