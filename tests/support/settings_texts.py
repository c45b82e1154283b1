"""Texts of settings files, read as the gateway reads them."""

import re
from pathlib import Path

import pytest
from msgspec.structs import FieldInfo, fields

from gateway.config import (
    Campaign,
    Channel,
    Config,
    ConfigError,
    Tier,
    Webhook,
    load,
)
from gateway.config.reading import section_of

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
KEY = "a-key-of-some-length"
TABLES = {"channel": Channel, "campaign": Campaign, "tier": Tier, "webhook": Webhook}
MINIMAL = {
    "channel": '[[channel]]\nname = "x"\n',
    "campaign": '[[campaign]]\nid = 1\nname = "x"\n',
    "webhook": '[[webhook]]\nname = "x"\nurl = "https://x.example"\nsecret = "0123456789abcdef"\nevents = ["profile.created"]\n',
    "tier": '[[tier]]\norder = 1\nname = "x"\nmin_progress = 0\n',
}


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


def tables_of_the_file() -> list[tuple[str, FieldInfo]]:
    singles = [(setting.name, setting) for setting in fields(Config) if section_of(setting.type)]
    kinds = [(name, section_of(setting.type)) for name, setting in singles] + list(TABLES.items())
    return [(name, setting) for name, kind in kinds if kind for setting in fields(kind)]


# ---- secrets ----


def channel_with(setting: str) -> str:
    return f'[[channel]]\nname = "web"\n{setting}\n'
