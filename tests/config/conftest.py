"""Reads a settings file as the gateway does, and names its mistakes."""

import re
from pathlib import Path

import pytest

from gateway.config import (
    Config,
    ConfigError,
    load,
)


@pytest.fixture
def read(tmp_path: Path):
    def read(text: str, env: dict[str, str] | None = None) -> Config:
        path = tmp_path / "gateway.toml"
        path.write_text(text)
        return load(path, env or {})

    return read


@pytest.fixture
def problems(read):
    def problems(text: str, env: dict[str, str] | None = None) -> tuple[str, ...]:
        with pytest.raises(ConfigError) as caught:
            read(text, env)
        return tuple(re.sub(r"^.*?gateway\.toml(, line \d+)?: ", "", one) for one in caught.value.problems)

    return problems


@pytest.fixture
def lines(read):
    """The line of each problem; 0 where it has none."""

    def lines(text: str, env: dict[str, str] | None = None) -> list[int]:
        with pytest.raises(ConfigError) as caught:
            read(text, env)
        found = [re.match(r".*?gateway\.toml(?:, line (\d+))?: ", one) for one in caught.value.problems]
        return [int(one[1] or 0) for one in found if one]

    return lines
