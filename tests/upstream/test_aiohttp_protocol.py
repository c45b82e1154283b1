"""aiohttp's parser and flow control do for answers what the gateway builds on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import ClientPayloadError
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.aiohttp_protocol import ResponseProtocol, Unparsable

_WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
_PIECES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 99999999999 X\r\n",
            b"HTTP/9.9 200\r\n",
            b"Content-Length: 5\r\n",
            b"Content-Length: -1\r\n",
            b"Content-Length: 9999999999999999999999\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Transfer-Encoding: gzip, chunked\r\n",
            b"Content-Encoding: gzip\r\n",
            b"Upgrade: h2c\r\nConnection: upgrade\r\n",
            b"X: " + b"y" * 9000 + b"\r\n",
            b"\xff\xfe: \x00\r\n",
            b"\r\n",
            b"5\r\nhello\r\n",
            b"zz\r\n",
            b"0\r\n\r\n",
        ]
    ),
)


class Wire(asyncio.Transport):
    """A transport that notes whether it may read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = True

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def is_closing(self) -> bool:
        return False


def connected(wire: Wire) -> ResponseProtocol:
    protocol = ResponseProtocol(asyncio.get_running_loop())
    protocol.connection_made(wire)
    return protocol


async def test_an_answer_is_its_head_with_the_body_to_come() -> None:
    protocol = connected(Wire())
    assert not protocol.expects
    protocol.expect(bodiless=False)
    assert protocol.expects
    assert not protocol.parsed(_WHOLE[:30])
    ((message, body),) = protocol.parsed(_WHOLE[30:])
    assert (message.code, await body.read()) == (200, b"hello")


async def test_a_bodiless_answer_ends_with_its_head() -> None:
    protocol = connected(Wire())
    protocol.expect(bodiless=True)
    ((_, body),) = protocol.parsed(_WHOLE[:-5])
    assert body.is_eof()


async def test_an_answer_without_a_length_is_whole_at_the_end() -> None:
    protocol = connected(Wire())
    protocol.expect(bodiless=False)
    ((_, body),) = protocol.parsed(b"HTTP/1.1 200 OK\r\n\r\nhello")
    assert not body.is_eof()
    protocol.end()
    assert not protocol.expects
    assert await body.read() == b"hello"


async def test_a_truncated_answer_is_not_taken_for_a_complete_one() -> None:
    protocol = connected(Wire())
    protocol.expect(bodiless=False)
    ((_, body),) = protocol.parsed(_WHOLE[:-2])
    protocol.end()
    assert not body.is_eof() or isinstance(body.exception(), ClientPayloadError)


async def test_an_unread_body_pauses_the_transport() -> None:
    wire = Wire()
    protocol = connected(wire)
    protocol.expect(bodiless=False)
    size = 1 << 20
    ((_, body),) = protocol.parsed(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size // 2))
    assert protocol.is_paused
    assert not wire.reads
    await body.readany()
    assert not protocol.is_paused
    assert wire.reads


async def test_a_writer_waits_while_the_transport_is_full() -> None:
    protocol = connected(Wire())
    protocol.pause_writing()
    waiting = asyncio.ensure_future(protocol.drained())
    await asyncio.sleep(0)
    assert not waiting.done()
    protocol.resume_writing()
    await waiting


@given(pieces=st.lists(_PIECES, max_size=8), bodiless=st.booleans())
def test_any_bytes_are_an_answer_or_unparsable(pieces: list[bytes], bodiless: bool) -> None:
    async def take() -> None:
        protocol = connected(Wire())
        protocol.expect(bodiless=bodiless)
        try:
            for piece in pieces:
                protocol.parsed(piece)
        except Unparsable:
            return
        protocol.end()

    asyncio.run(take())


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"]
)
async def test_another_protocol_is_no_answer(answer: bytes) -> None:
    protocol: Any = connected(Wire())
    protocol.expect(bodiless=False)
    with pytest.raises(Unparsable):
        protocol.parsed(answer)
