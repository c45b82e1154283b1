"""The socket below an asyncpg connection. asyncpg has no public name for it; its own is used here and nowhere else. A test holds
this module against the versions that pyproject.toml allows."""

import socket

from asyncpg.pool import PoolConnectionProxy


def socket_of(connection: PoolConnectionProxy) -> socket.socket | None:
    """None where the connection is over something else."""
    return connection._transport.get_extra_info("socket")
