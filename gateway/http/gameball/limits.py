"""How many calls a channel may make, and how often an address may fail. Limits live in this process and drop at once what no longer
counts, so a minute of callers bounds their memory."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp import hdrs, web

from gateway.clock import MINUTE, SECOND, Clock
from gateway.config import RateLimit

_MOST_ADDRESSES = 65_536
_HOP = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<v4>[0-9.]+))(?::[0-9]{1,5})?|(?P<bare>[0-9A-Fa-f:.]+)", re.ASCII
)
"""An address as proxies write it: bare, in brackets, or with a port."""


class TokenBucket:
    """`burst` calls at once, `per_second` on average."""

    def __init__(self, limit: RateLimit, clock: Clock) -> None:
        self.limit = limit
        self._clock = clock
        self._per_second = limit.per_second
        self._full = limit.burst * SECOND
        self._level = self._full
        self._filled_at = clock.steady()

    def take(self) -> int:
        """0 if there was a token, else the milliseconds until there is one. The level is in thousandths."""
        now = self._clock.steady()
        self._level = min(self._full, self._level + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        if self._level >= SECOND:
            self._level -= SECOND
            return 0
        return -((self._level - SECOND) // self._per_second)


class FailureBudget:
    """How many unauthenticated calls from one address are treated as mistakes: `limit` in a minute, 0 for any number."""

    def __init__(self, limit: int, clock: Clock) -> None:
        self.limit = limit
        self._clock = clock
        self._minute = 0
        self._counts: Counter[str] = Counter()

    def wait(self, address: str) -> int:
        """The milliseconds until an address without budget has a new one; else 0."""
        now = self._clock.steady()
        is_spent = now // MINUTE == self._minute and 0 < self.limit <= self._counts[address]
        return MINUTE - now % MINUTE if is_spent else 0

    def spend(self, address: str) -> int:
        """0 while the budget lasts, else the milliseconds until there is a new one."""
        if not self.limit:
            return 0
        now = self._clock.steady()
        if now // MINUTE != self._minute or len(self._counts) >= _MOST_ADDRESSES:
            self._minute = now // MINUTE
            self._counts.clear()
        self._counts[address] += 1
        return 0 if self._counts[address] <= self.limit else MINUTE - now % MINUTE


def client_address(request: web.BaseRequest, trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """The address that limits count: for IPv6 its /64, which belongs to one customer line as a whole."""
    return network_of(nearest_address(request, trusted))


def nearest_address(request: web.BaseRequest, trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """The nearest address that is not one of our own proxies. If the outermost of them names none, its own."""
    if not trusted:
        return request.remote or ""
    hops = [
        hop.strip() for value in request.headers.getall(hdrs.X_FORWARDED_FOR, ()) for hop in value.split(",")
    ]
    nearest = request.remote or ""
    while hops and is_within(nearest, trusted) and (address := _address_in(hops.pop())):
        nearest = address
    return nearest


def is_within(address: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in networks)


def _address_in(hop: str) -> str:
    """Without port and brackets; "" if it is no address."""
    found = _HOP.fullmatch(hop)
    text = (found["v6"] or found["v4"] or found["bare"]) if found else ""
    return text if _parsed(text) else ""


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    """An IPv4 address that a dual-stack listener writes as IPv6 counts as IPv4."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return (isinstance(parsed, IPv6Address) and parsed.ipv4_mapped) or parsed


def network_of(address: str) -> str:
    """ "" for what is no address."""
    parsed = _parsed(address)
    if parsed is None:
        return ""
    return str(IPv6Network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else str(parsed)
