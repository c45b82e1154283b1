"""What an upstream can do wrong, on the wire: each fault is one coroutine over a connection's transport."""

import asyncio
import gzip
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_BOMB: Final = gzip.compress(b"0" * (64 << 20))


async def dark(_: asyncio.Transport) -> None:
    """Never answers; the caller has to give up."""
    await asyncio.get_running_loop().create_future()


async def closed(wire: asyncio.Transport) -> None:
    wire.close()


async def reset(wire: asyncio.Transport) -> None:
    """RST in place of an answer."""
    wire.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.abort()


async def truncated(wire: asyncio.Transport) -> None:
    wire.write(_OK + b'Content-Length: 100\r\n\r\n{"customerId":')
    wire.close()


async def stalled(wire: asyncio.Transport) -> None:
    """Like truncated, with the connection left open."""
    wire.write(_OK + b'Content-Length: 100\r\n\r\n{"customerId":')
    await dark(wire)


async def overlong(wire: asyncio.Transport) -> None:
    """More bytes than announced: an answer without a question."""
    wire.write(_OK + b"Content-Length: 2\r\n\r\n{}")
    wire.write(b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"customerId":1}')


async def afterthought(wire: asyncio.Transport) -> None:
    """Like overlong, when the connection has already been put aside for the next question."""
    wire.write(_OK + b"Content-Length: 2\r\n\r\n{}")
    await asyncio.sleep(0.02)
    wire.write(b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"customerId":1}')


async def two_lengths(wire: asyncio.Transport) -> None:
    wire.write(_OK + b"Content-Length: 2\r\nContent-Length: 4\r\n\r\n{}{}")


async def length_and_chunks(wire: asyncio.Transport) -> None:
    wire.write(_OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")


async def endless_chunks(wire: asyncio.Transport) -> None:
    """A chunked body that never ends, and nothing more comes."""
    wire.write(_OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")
    await dark(wire)


async def broken_chunks(wire: asyncio.Transport) -> None:
    wire.write(_OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n{}\r\n")
    wire.close()


async def drip(wire: asyncio.Transport) -> None:
    """Announces a small body and sends a byte now and then, for ever."""
    wire.write(_OK + b"Content-Length: 1000000\r\n\r\n")
    while not wire.is_closing():
        wire.write(b" ")
        await asyncio.sleep(0.02)


async def huge(wire: asyncio.Transport) -> None:
    """100 MiB of JSON."""
    wire.write(_OK + b"Content-Length: 104857600\r\n\r\n")
    for _ in range(1_600):
        wire.write(b"[" * 65_536)
        await _drained(wire)


async def bomb(wire: asyncio.Transport) -> None:
    """64 MiB of zeros in 64 KiB of gzip."""
    wire.write(_OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(_BOMB) + _BOMB)


async def flood(wire: asyncio.Transport) -> None:
    """Interim answers without end."""
    while not wire.is_closing():
        wire.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
        await _drained(wire)


async def two_bytes(wire: asyncio.Transport) -> None:
    """A head that announces two bytes, as the answer to HEAD."""
    wire.write(_OK + b"Content-Length: 2\r\n\r\n")


async def unmeasured(wire: asyncio.Transport) -> None:
    """A body that ends with the connection, as HTTP/1.0 had it."""
    wire.write(_OK + b"\r\n{}")
    await asyncio.sleep(0)
    wire.close()


async def interim(wire: asyncio.Transport) -> None:
    """Interim answers, few, before the real one."""
    wire.write(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
    wire.write(_OK + b"Content-Length: 2\r\n\r\n{}")


async def elsewhere(wire: asyncio.Transport) -> None:
    wire.write(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")


async def huge_header(wire: asyncio.Transport) -> None:
    wire.write(_OK + b"X-Long: " + b"x" * 9_000 + b"\r\nContent-Length: 2\r\n\r\n{}")


async def many_headers(wire: asyncio.Transport) -> None:
    wire.write(_OK + b"X-Many: 1\r\n" * 200 + b"Content-Length: 2\r\n\r\n{}")


async def nul_in_header(wire: asyncio.Transport) -> None:
    wire.write(_OK + b"X-Nul: a\x00b\r\nContent-Length: 2\r\n\r\n{}")


async def not_http(wire: asyncio.Transport) -> None:
    wire.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


async def switching(wire: asyncio.Transport) -> None:
    wire.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n")


async def _drained(wire: asyncio.Transport) -> None:
    await asyncio.sleep(0)
    while wire.get_write_buffer_size() and not wire.is_closing():  # noqa: ASYNC110 - a transport has no event for it
        await asyncio.sleep(0.001)


Misbehaviour = Callable[[asyncio.Transport], Awaitable[None]]
FAULTS: Final[Mapping[str, Misbehaviour]] = {
    fault.__name__: fault
    for fault in (
        afterthought,
        bomb,
        broken_chunks,
        closed,
        dark,
        drip,
        elsewhere,
        endless_chunks,
        flood,
        huge,
        huge_header,
        interim,
        length_and_chunks,
        many_headers,
        not_http,
        nul_in_header,
        overlong,
        reset,
        stalled,
        switching,
        truncated,
        two_bytes,
        two_lengths,
        unmeasured,
    )
}
