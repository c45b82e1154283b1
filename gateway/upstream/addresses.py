"""Whom the gateway may call when somebody else wrote down where: public addresses only. What was checked is what is connected
to, so a name that leads elsewhere a moment later leads nowhere."""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult

_NAT64 = IPv6Network("64:ff9b::/96")


class PrivateAddress(OSError):
    """A name or address leads into a private, loopback, link-local or otherwise unroutable network."""


def is_public(address: str) -> bool:
    """Whether an address, with or without a zone, is one of the open internet."""
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        if parsed.is_site_local:
            return False
        parsed = _inside(parsed) or parsed
    return parsed.is_global and not parsed.is_multicast


def _inside(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a translator would make of it."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


def check_literal(host: str) -> None:
    """Raises PrivateAddress for an address, which nobody would resolve. A name is left to `PublicResolver`."""
    try:
        public = is_public(host)
    except ValueError:
        return
    if not public:
        raise PrivateAddress


class PublicResolver(AbstractResolver):
    """Resolves as `inner` does, and refuses a name as soon as one of its addresses is not public."""

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if not all(is_public(one["host"]) for one in found):
            raise PrivateAddress
        return found

    async def close(self) -> None:
        await self._inner.close()
