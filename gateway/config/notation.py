"""Notations in the file for values without a TOML type: durations, sizes, addresses, instants, networks, time zones, regions. A
reader returns the value, or raises a ValueError whose text names the mistake and the remedy. It reads what a writer writes back
as the same value."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta
from phonenumbers import SUPPORTED_REGIONS

from gateway.clock import DAY, HOUR, MINUTE, SECOND


class Notation(NamedTuple):
    """A reader and a writer for one kind of value. Attach them to a type as `Annotated[int, written(read, write)]`."""

    read: Callable[[object], object]
    write: Callable[[Any], object]


class Address(NamedTuple):
    """Where to listen. `host` is without the brackets of IPv6; port 0 lets the system choose."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def written(read: Callable[[object], object], write: Callable[[Any], object] = str) -> Meta:
    return Meta(extra={"notation": Notation(read, write)})


_DURATION_UNITS = {"ms": 1, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_SIZE_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_QUANTITY = re.compile(r"(\d{1,15})([A-Za-z]+)", re.ASCII)
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[1-9]\d{0,4}))?", re.ASCII
)
_NAME = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*", re.ASCII)
_USUAL_PORTS = {"http": "80", "https": "443"}
_ADDRESS = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]+)):(?P<port>\d{1,5})", re.ASCII)


def duration(value: object) -> int:
    """Milliseconds."""
    return _quantity(value, _DURATION_UNITS, "a duration", "a whole number with ms, s, m, h or d", "300s")


def size(value: object) -> int:
    """Bytes."""
    return _quantity(value, _SIZE_UNITS, "a size", "a whole number with B, KiB, MiB or GiB", "64KiB")


def _quantity(value: object, units: dict[str, int], kind: str, form: str, example: str) -> int:
    found = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if found is None or found[2] not in units:
        raise ValueError(f'is not {kind}; write {form} in quotes, for example "{example}"')
    return int(found[1]) * units[found[2]]


def duration_text(milliseconds: int) -> str:
    return _quantity_text(milliseconds, _DURATION_UNITS, zero="0s")


def size_text(count: int) -> str:
    return _quantity_text(count, _SIZE_UNITS, zero="0B")


def _quantity_text(amount: int, units: dict[str, int], zero: str) -> str:
    if amount == 0:
        return zero
    unit, factor = next((unit, factor) for unit, factor in reversed(units.items()) if amount % factor == 0)
    return f"{amount // factor}{unit}"


def delay_range(value: object) -> tuple[int, int]:
    """Shortest and longest, in milliseconds."""
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(
            'is not a pair; write the shortest and the longest delay, for example ["20s", "180s"]'
        )
    shortest, longest = (duration(end) for end in value)
    if shortest > longest:
        raise ValueError("has its ends in the wrong order; write the shortest delay first")
    return shortest, longest


def delay_range_text(ends: tuple[int, int]) -> list[str]:
    return [duration_text(end) for end in ends]


def quota(value: object) -> tuple[int, int]:
    """Calls in any second, and in any 30 seconds."""
    if isinstance(value, list) and len(value) == 2 and all(type(end) is int and end > 0 for end in value):
        per_second, per_window = value
        if per_second <= per_window <= 1_000_000:
            return per_second, per_window
    raise ValueError("is not a quota; write the calls in a second and in 30 seconds, for example [25, 330]")


def address(value: object) -> Address:
    found = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found["port"]) > 65_535:
        raise ValueError('is not an address; write host:port, for example "127.0.0.1:8080" or "[::1]:8080"')
    if found["v6"] and not _is_ip(found["v6"]):
        raise ValueError('is not an IPv6 address; write it like "[::1]:8080"')
    return Address(found["v6"] or found["host"], int(found["port"]))


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def network(value: object) -> IPv4Network | IPv6Network:
    try:
        return ip_network(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(
            'is not a network; write an address or a CIDR block, for example "10.0.0.0/8"'
        ) from None


def host_name(value: object) -> str:
    """As it appears in `Host`, without a port."""
    if isinstance(value, str) and (_NAME.fullmatch(value.lower()) or _is_ip(value)):
        return value.lower()
    raise ValueError(
        'is not a host name; write it without scheme, port and path, for example "gateway.example.com"'
    )


def origin(value: object) -> str:
    """As a browser writes it in `Origin`."""
    if value == "*":
        raise ValueError('allows every page; name each origin, for example "https://shop.example.com"')
    if value == "null":
        raise ValueError(
            'is the origin of all sandboxed pages and local files; name origins, for example "https://shop.example.com"'
        )
    found = _ORIGIN.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found["port"] or 0) > 65_535:
        raise ValueError(
            "is not an origin; write scheme, host and a port if it is unusual, in lower case and without a path or a slash"
            ' at the end, for example "https://shop.example.com"'
        )
    if found["port"] and _USUAL_PORTS.get(found["scheme"]) == found["port"]:
        raise ValueError(f"has the usual port, which browsers leave out; remove :{found['port']}")
    return found[0]


def instant(value: object) -> int:
    """Milliseconds UTC. A time without an offset is refused, because it would be another instant in every place."""
    if not isinstance(value, datetime):
        raise ValueError("is not a date-time; write it without quotes, for example 2026-01-01T00:00:00Z")
    if value.tzinfo is None:
        raise ValueError("has no offset; add Z or one such as +02:00, for example 2026-01-01T00:00:00Z")
    return (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def instant_text(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds // 1_000, UTC).replace(
        microsecond=milliseconds % 1_000 * 1_000
    )
    return moment.isoformat(timespec="auto").replace("+00:00", "Z")


def time_zone(value: object) -> str:
    try:
        return ZoneInfo(value if isinstance(value, str) else "").key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError('is not a known time zone; write an IANA name, for example "Africa/Cairo"') from None


def region(value: object) -> str:
    if isinstance(value, str) and (not value or value in SUPPORTED_REGIONS):
        return value
    raise ValueError('is not a country with known phone numbers; write its ISO 3166 code, for example "EG"')


Duration = Annotated[int, written(duration, duration_text)]
Size = Annotated[int, written(size, size_text)]
DelayRange = Annotated[tuple[int, int], written(delay_range, delay_range_text)]
Quota = Annotated[tuple[int, int], written(quota, list)]
Listen = Annotated[Address, written(address)]
Network = Annotated[IPv4Network | IPv6Network, written(network)]
Origin = Annotated[str, written(origin)]
HostName = Annotated[str, written(host_name)]
Instant = Annotated[int, written(instant, instant_text)]
TimeZone = Annotated[str, written(time_zone)]
Region = Annotated[str, written(region)]
