"""How much one channel may ask and how often one address may be wrong. Limits live in this process and forget at once
what no longer counts, so their memory is bounded by a minute of callers."""

from collections import Counter
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp import hdrs, web

from gateway.clock import MINUTE, SECOND, Clock
from gateway.config import RateLimit

_MOST_ADDRESSES = 65_536


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
        """0 when there was a token, else the milliseconds until there is one. The level is in thousandths."""
        now = self._clock.steady()
        self._level = min(self._full, self._level + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        if self._level >= SECOND:
            self._level -= SECOND
            return 0
        return -((self._level - SECOND) // self._per_second)


class FailureBudget:
    """How many unauthenticated calls of one address are treated as mistakes: `limit` in a minute, 0 for any
    number."""

    def __init__(self, limit: int, clock: Clock) -> None:
        self.limit = limit
        self._clock = clock
        self._minute = 0
        self._counts: Counter[str] = Counter()

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
    """Whom limits are for: of an IPv6 address the /64, which one customer line owns whole."""
    return network_of(nearest_address(request, trusted))


def nearest_address(request: web.BaseRequest, trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """The nearest address that is not one of our own proxies."""
    if not trusted:
        return request.remote or ""
    hops = [
        hop.strip() for value in request.headers.getall(hdrs.X_FORWARDED_FOR, ()) for hop in value.split(",")
    ]
    nearest = request.remote or ""
    while hops and _is_within(nearest, trusted):
        nearest = hops.pop()
    return nearest


def _is_within(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def network_of(address: str) -> str:
    """ "" for what is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else str(parsed)
