"""Texts of settings files, read as the gateway reads them."""

from pathlib import Path

from msgspec.structs import FieldInfo, fields

from gateway.config import (
    Campaign,
    Channel,
    Config,
    Tier,
    Webhook,
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


def tables_of_the_file() -> list[tuple[str, FieldInfo]]:
    singles = [(setting.name, setting) for setting in fields(Config) if section_of(setting.type)]
    kinds = [(name, section_of(setting.type)) for name, setting in singles] + list(TABLES.items())
    return [(name, setting) for name, kind in kinds if kind for setting in fields(kind)]


def channel_with(setting: str) -> str:
    return f'[[channel]]\nname = "web"\n{setting}\n'
