"""asyncpg's connection tells which socket it is on, as the store builds on."""

from __future__ import annotations

import socket

import pytest

from gateway.store.postgres.connection import Server
from gateway.store.postgres.socket_of import socket_of


@pytest.fixture
def engine() -> str:
    return "postgres"


async def test_the_socket_of_a_connection_is_the_one_that_leads_to_the_server(database_url: str) -> None:
    server = Server(database_url, 1)
    await server.open()
    try:
        async with server.connection() as connection:
            found = socket_of(connection)
            assert found is not None
            port = await connection.fetchval("SELECT inet_client_port()")
            assert found.family == socket.AF_UNIX or found.getsockname()[1] == port
            kept = found.family == socket.AF_UNIX or found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert kept
    finally:
        await server.close()
