"""A gateway's inside to send commands to, on a SQLite file of its own."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from manual import House


@pytest.fixture
async def house(tmp_path: Path) -> AsyncGenerator[House]:
    async with House(tmp_path) as built:
        yield built
