"""The socket of an asyncpg connection. asyncpg has no public name for it; its private one is used here only. A test checks this
module against the versions that pyproject.toml allows."""

import socket

from asyncpg.pool import PoolConnectionProxy


def socket_of(connection: PoolConnectionProxy) -> socket.socket | None:
    """None if the connection is not over a socket."""
    return connection._transport.get_extra_info("socket")
