"""A gateway's inside to send commands to, on a database of its own."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from manual import House


@pytest.fixture
async def house(tmp_path: Path, database_url: str) -> AsyncGenerator[House]:
    async with House(tmp_path, url=database_url) as built:
        yield built
