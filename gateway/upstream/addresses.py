"""The addresses that the gateway may call if a setting names them: public ones only. The address that was checked is the one that
is connected to, so a name cannot lead elsewhere a moment later."""

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult

_SPECIAL = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
            "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
            "224.0.0.0/3",
        ),
    )
)  # fmt: skip
"""IANA's IPv4 special-purpose registry, with the whole of 192.0.0.0/24, multicast and reserved addresses."""
_UNICAST = IPv6Network("2000::/3")
_SPECIAL_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))
"""Parts of the global unicast addresses that IANA's registry reserves: protocols, Teredo, documentation."""
_TRANSLATED = tuple(
    (IPv6Network(network), shift)
    for network, shift in (("64:ff9b::/96", 0), ("::ffff:0:0/96", 0), ("2002::/16", 80))
)
"""IPv6 networks with addresses that hold an IPv4 address and lead to it, and how many bits follow it."""


class PrivateAddress(OSError):
    """A name or address leads into a private, loopback, link-local or otherwise unroutable network."""


def is_public(address: str) -> bool:
    """Whether an address, with or without a zone, belongs to the open internet: in IANA's registries it is neither special nor
    multicast nor reserved. One that holds an IPv4 address is public if that one is."""
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        inside = _inside(parsed)
        if inside is None:
            return parsed in _UNICAST and not any(parsed in network for network in _SPECIAL_6)
        parsed = inside
    return not any(parsed in network for network in _SPECIAL)


def _inside(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a translator would make of it."""
    return next(
        (
            IPv4Address(int(address) >> shift & 0xFFFF_FFFF)
            for network, shift in _TRANSLATED
            if address in network
        ),
        None,
    )


def check_literal(host: str) -> None:
    """Raises PrivateAddress for an address, which needs no resolving. `PublicResolver` checks names."""
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
