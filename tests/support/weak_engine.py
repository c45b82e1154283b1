"""An engine that accepts "SERIALIZABLE" and ignores it: PostgreSQL behind a proxy that removes the word."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

_ASKED = b"BEGIN ISOLATION LEVEL SERIALIZABLE"
_GIVEN = b"BEGIN".ljust(len(_ASKED))
_SOCKET = ".s.PGSQL.5432"


@contextlib.asynccontextmanager
async def weakened(directory: Path) -> AsyncGenerator[Path]:
    """The directory of a socket that leads to the server whose socket is in `directory`."""
    links: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside = await asyncio.open_unix_connection(str(directory / _SOCKET))
        both = (_copy(reader, inside[1], weaken=True), _copy(inside[0], writer, weaken=False))
        links.update(asyncio.create_task(one) for one in both)

    with tempfile.TemporaryDirectory(prefix="gw-weak-") as place:
        server = await asyncio.start_unix_server(serve, f"{place}/{_SOCKET}")
        try:
            yield Path(place)
        finally:
            server.close()
            for link in links:
                link.cancel()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, weaken: bool) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data.replace(_ASKED, _GIVEN) if weaken else data)
            await writer.drain()
    writer.close()
