"""The servers that a URL names, and a connection to the first of them that will do.

The driver tries all hosts within one time limit, so a machine that lost its power, or is cut off, uses it up: nothing refuses the
connection, and the hosts after it are never asked. Here each host has a limit of its own. The one that took the last connection is
asked first, unless something failed there: then it is asked last, because a primary that was replaced may not know it yet.
"""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

_SECONDS = 5
_SECONDS_OF_SEVERAL = 2
_NEXT = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.TargetServerAttributeNotMatched)
"""After these the next host is tried."""


def hosts_of(url: str) -> list[str]:
    """The same URL once for each host that it names."""
    parts = urlsplit(url)
    login, at, hosts = parts.netloc.rpartition("@")
    return [urlunsplit(parts._replace(netloc=f"{login}{at}{host}")) for host in hosts.split(",")]


class Hosts:
    """`connect` suits asyncpg's pool."""

    def __init__(self, url: str) -> None:
        self._urls = hosts_of(url)
        self._taken = ""

    async def connect(self, *_: Any, **options: Any) -> asyncpg.Connection:
        """Raises the error of the last host."""
        *others, last = list(self._urls)
        for url in others:
            try:
                return await self._connect(url, options)
            except _NEXT:
                continue
        return await self._connect(last, options)

    def prefer_others(self) -> None:
        """Something failed at the host that took the last connection."""
        self._urls.sort(key=lambda url: url == self._taken)

    async def _connect(self, url: str, options: dict[str, Any]) -> asyncpg.Connection:
        seconds = _SECONDS if len(self._urls) == 1 else _SECONDS_OF_SEVERAL
        connection = await asyncpg.connect(url, timeout=seconds, **options)
        self._taken = url
        self._urls.sort(key=lambda other: other != url)
        return connection
