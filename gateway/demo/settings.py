"""The shop's settings and its merge rules: those in use, and those that joined too eagerly."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from gateway.demo.visits import CAMPAIGNS, CHANNELS
from rules.language.parse import preset

USUAL, EAGER = "shop-1", "shop-2"
WEBHOOK = "crm"
_VERSION: Final = 'version = "preset-email-or-mobile-1"'
_DEVICE: Final = """
[identifier.device]
kind = "opaque"
merge = {merges}
strength = 60
fanout_limit = 5
[conflict]
resplit = "off"                 # what has been joined stays until a person undoes it
"""
_JOINS_BY_DEVICE: Final = """
[[rule]]
name = "device"                 # a family's tablet is one device of several people: this is the mistake
all_of = ["device"]
"""
_SETTINGS: Final = """\
[server]
listen = "127.0.0.1:{public}"
admin_listen = "127.0.0.1:{admin}"
[store]
url = "sqlite:///{directory}/gateway.db"
min_free_disk = "0B"
[rules]
seed = "{directory}/{usual}.toml"
[log]
file = "{directory}/gateway.log"
[[tier]]
order = 1
name = "Basic"
min_progress = 0
[[tier]]
order = 2
name = "Silver"
min_progress = 100
"""
_CAMPAIGN: Final = """\
[[campaign]]
id = {id}
name = "{name}"
points = {points}
score = {points}
"""
_CHANNEL: Final = """\
[[channel]]
name = "{name}"
kind = "{kind}"
default_region = "EG"
api_key = "{api_key}"
secret_key = "{secret_key}"
"""
_WEBHOOK: Final = """\
[[webhook]]
name = "{name}"
url = "http://127.0.0.1:{port}/"
secret = "{secret}"
events = ["profile.created", "profile.merged", "achievement.granted"]
allow_private = true
"""
_OFFERS: Final = (("Follow us", 100), ("Share a photo", 20), ("Review us", 50))


class Ports(NamedTuple):
    public: int
    admin: int
    crm: int


class Keys(NamedTuple):
    """The pairs of the channels, and the secret of the webhook."""

    channels: Mapping[str, tuple[str, str]]
    webhook: str

    @classmethod
    def new(cls) -> "Keys":
        pairs = {name: (secrets.token_hex(16), secrets.token_hex(16)) for name in CHANNELS}
        return cls(pairs, secrets.token_hex(16))


def rules_in_use() -> str:
    return _versioned(f'version = "{USUAL}"') + _DEVICE.format(merges="false")


def eager_rules() -> str:
    heading = f'version = "{EAGER}"\nactivation = "immediate"'
    return _versioned(heading) + _DEVICE.format(merges="true") + _JOINS_BY_DEVICE


def _versioned(heading: str) -> str:
    return preset("email-or-mobile").replace(_VERSION, heading)


def write_settings(directory: Path, ports: Ports, keys: Keys, *, with_webhook: bool) -> Path:
    """The settings file, for its owner only, and the rules beside it."""
    (directory / f"{USUAL}.toml").write_text(rules_in_use(), "utf-8")
    parts = [
        _SETTINGS.format(public=ports.public, admin=ports.admin, directory=directory, usual=USUAL),
        *(
            _CAMPAIGN.format(id=campaign, name=name, points=points)
            for campaign, (name, points) in zip(CAMPAIGNS, _OFFERS, strict=True)
        ),
        *(
            _CHANNEL.format(
                name=name,
                kind="offline" if name in ("pos", "callcenter") else "online",
                api_key=api_key,
                secret_key=secret_key,
            )
            for name, (api_key, secret_key) in keys.channels.items()
        ),
    ]
    if with_webhook:
        parts.append(_WEBHOOK.format(name=WEBHOOK, port=ports.crm, secret=keys.webhook))
    path = directory / "config.toml"
    path.touch(0o600)
    path.write_text("".join(parts), "utf-8")
    return path
