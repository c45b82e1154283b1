"""The differences between two versions of the settings, by dotted name, and whether a running gateway can apply them."""

import hmac
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple, cast

import msgspec
from msgspec.structs import fields

from gateway.config.check import masked
from gateway.config.secret import Key, Secret
from gateway.config.section import Section
from gateway.config.settings import Config

_LIVE: Final = frozenset(
    {
        "achievements.dedup_window",
        "achievements.grant_delay",
        "achievements.idempotency_ttl",
        "campaign",
        "channel",
        "limits",
        "log.level",
        "log.requests",
        "operator",
        "program",
        "server.allowed_hosts",
        "server.cors_origins",
        "server.identity_headers",
        "server.operator_header",
        "server.trusted_proxies",
        "tier",
        "tracing.compression",
        "tracing.sample_ratio",
        "tracing.token",
        "tracing.token_header",
        "trust",
        "webhook",
    }
)
"""Tables and settings that a reload applies. All others stay until the next start."""
_NAMED_BY: Final = {
    "channel": "name",
    "campaign": "id",
    "tier": "order",
    "webhook": "name",
    "operator": "user",
}
"""The settings that identify a table of a list, whatever its position."""
_MARK_DIGITS: Final = 8
_encode = msgspec.json.Encoder(order="deterministic").encode
_Kind = Literal["changed", "added", "removed", "reordered"]


class Change(NamedTuple):
    """One setting that differs, or one table of a list. Secrets are masked in both values."""

    setting: str
    kind: _Kind
    before: Any = None
    after: Any = None

    @property
    def is_live(self) -> bool:
        table = self.setting.partition("[")[0]
        return table in _LIVE or table.partition(".")[0] in _LIVE


def comparable(config: Config, key: bytes) -> dict[str, Any]:
    """The settings as plain values. A secret becomes a short mark under `key`, which tells two values apart and reveals
    neither."""

    def mark(value: str) -> str:
        return hmac.digest(key, value.encode(), "sha256").hex()[:_MARK_DIGITS]

    return msgspec.json.decode(msgspec.json.encode(masked(config, mark)))


def sources(config: Config) -> dict[str, str]:
    """Where the value of each setting comes from, by dotted name: `default`, `file` (the settings file), or for a secret the
    file, the variable or the digest that it was read from."""
    return dict(_sources(config, ""))


def _sources(section: Section, path: str) -> Iterator[tuple[str, str]]:
    for setting in fields(section):
        value, name = getattr(section, setting.name), f"{path}{setting.encode_name}"
        match value:
            case Section():
                yield from _sources(value, f"{name}.")
            case Secret() | Key():
                yield name, "file" if value.source == "inline" else value.source
            case tuple() if name in _NAMED_BY and value:
                for row in value:
                    yield from _sources(row, f"{name}[{getattr(row, _NAMED_BY[name])}].")
            case _:
                yield name, "file" if setting.name in section.given else "default"


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The differences between two `comparable` settings, whose marks must use the same key."""
    found: list[Change] = []
    for table in (*before, *(name for name in after if name not in before)):
        old, new = before.get(table), after.get(table)
        if table in _NAMED_BY:
            found += _of_list(table, _by_name(table, old), _by_name(table, new))
        else:
            found += _of_table(table, old or {}, new or {})
    return found


def _by_name(table: str, rows: Any) -> dict[str, Mapping[str, Any]]:
    return {str(row[_NAMED_BY[table]]): row for row in cast("list[Mapping[str, Any]]", rows or [])}


def _of_list(
    table: str, before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> Iterator[Change]:
    for name in before:
        if name not in after:
            yield Change(f"{table}[{name}]", "removed")
    for name, row in after.items():
        if name in before:
            yield from _of_table(f"{table}[{name}]", before[name], row)
        else:
            yield Change(f"{table}[{name}]", "added")
    if [name for name in before if name in after] != [name for name in after if name in before]:
        yield Change(table, "reordered")


def _of_table(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in (*before, *(name for name in after if name not in before)):
        old, new = before.get(name), after.get(name)
        if _encode(old) != _encode(new):
            yield Change(f"{path}.{name}", "changed", old, new)
