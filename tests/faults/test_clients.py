"""Clients that are slow, greedy, rude or all at once. Each gets its refusal or a closed connection; all others are still
served."""

import asyncio
import contextlib
import json
import select
import socket
import struct
from collections import Counter
from collections.abc import Callable

import pytest

from tests.support.processes.client import (
    ACHIEVE,
    Answer,
    HttpConnection,
    achieve_request,
    call,
    customer_request,
    read_answer,
    request,
)
from tests.support.processes.evidence import stored_pairs
from tests.support.processes.gateway_process import Launch, Process
from tests.support.processes.load import Attempt, perform, until

_IMPATIENT = {"server": {"header_timeout": "3s", "body_timeout": "3s", "max_connections_per_ip": 400}}
_SLOW, _SOME = 100, 10
_GIVEN_UP_SECONDS = 40.0
_MANY = 200_000
"""Requests whose answers fill the buffers of any system."""
_RACERS, _RACES = 64, 50
_ABORTS = 50
_FILES_MORE = 5
_BODY = json.dumps({"customerId": "hasty", "challengeId": 1}).encode()


async def introduce(process: Process, customer_id: str) -> None:
    assert (await call(process.port, customer_request(customer_id))).status == 200


# ---- all at once ----


async def test_exactly_one_of_many_identical_simultaneous_calls_is_accepted(steady: Process) -> None:
    await introduce(steady, "racer")
    async with contextlib.AsyncExitStack() as stack:
        lanes = [await stack.enter_async_context(HttpConnection(steady.port)) for _ in range(_RACERS)]
        for campaign_id in range(1, _RACES + 1):
            attempts = [Attempt("racer", campaign_id) for _ in lanes]
            await asyncio.gather(*map(perform, lanes, attempts))
            assert Counter(a.verdict for a in attempts) == {"accepted": 1, "duplicate": _RACERS - 1}
    stored = stored_pairs(steady.database)
    assert [stored["racer", campaign_id] for campaign_id in range(1, _RACES + 1)] == [1] * _RACES


# ---- slow ----


async def _drip(port: int, at_once: bytes) -> None:
    """Go on byte by byte for ever, until the other side has had enough."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(at_once)
    closed = asyncio.create_task(reader.read())
    while not (await asyncio.wait({closed}, timeout=0.3))[0]:
        writer.write(b"x")
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await closed


async def test_slow_clients_are_cut_off_while_others_are_served(prepare: Launch) -> None:
    process = prepare(_IMPATIENT).start()
    await introduce(process, "patient")
    whole = request("POST", ACHIEVE, bytes(1_000))
    starts = (whole[:40], whole[:-1_000], whole[:-500])
    served = 0
    async with (
        asyncio.timeout(_GIVEN_UP_SECONDS),
        asyncio.TaskGroup() as group,
        HttpConnection(process.port) as connection,
    ):
        slow = [group.create_task(_drip(process.port, start)) for start in starts for _ in range(_SLOW)]
        while not all(task.done() for task in slow):
            served += 1
            answer = await connection.call(achieve_request("patient", served))
            assert answer is not None
            assert answer.status == 202


def _wait_for_end(connection: socket.socket) -> bool:
    """Until the other side resets the connection, without reading a byte of it."""
    watched = select.poll()
    watched.register(connection, 0)
    return bool(watched.poll(_GIVEN_UP_SECONDS * 1_000))


async def test_a_client_that_does_not_read_its_answers_is_cut_off(prepare: Launch) -> None:
    process = prepare(_IMPATIENT).start()
    loop = asyncio.get_running_loop()
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.connect(("127.0.0.1", process.port))
        deaf.setblocking(False)
        asking = asyncio.create_task(loop.sock_sendall(deaf, request("GET", "/healthz", keys=False) * _MANY))
        assert await asyncio.to_thread(_wait_for_end, deaf)
        with pytest.raises(ConnectionError):
            await asking
    assert (await call(process.port, request("GET", "/healthz", keys=False))).status == 200


# ---- greedy ----


def _padded(size: int) -> bytes:
    """A body of exactly `size` bytes that would be accepted, were it shorter."""
    body = json.dumps({"customerId": "greedy", "challengeId": 1}).encode()
    return body + b" " * (size - len(body))


_DEEP = b'{"customerId": "greedy", "challengeId": ' + b"[" * 1_000 + b"]" * 1_000 + b"}"


@pytest.mark.parametrize(
    ("greed", "status", "code"),
    [
        pytest.param(
            request("POST", ACHIEVE, _padded((64 << 10) + 1)), 413, 2000, id="a body of 64 KiB and 1 byte"
        ),
        pytest.param(
            request("POST", ACHIEVE, _padded(64 << 10)), 404, 4004, id="a body of 64 KiB is no greed"
        ),
        pytest.param(request("POST", ACHIEVE, _DEEP), 400, 3016, id="JSON of a thousand levels"),
    ],
)
async def test_oversized_requests_are_refused_in_the_envelope(
    steady: Process, greed: bytes, status: int, code: int
) -> None:
    answer = await call(steady.port, greed)
    assert (answer.status, answer.code) == (status, code)
    assert {"code", "type", "message", "documentationUrl", "requestId"} <= json.loads(answer.body).keys()


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({f"X-Flood-{n}": "1" for n in range(200)}, id="two hundred headers"),
        pytest.param({"X-Long": "x" * 9_000}, id="one long header"),
    ],
)
async def test_a_flood_of_headers_is_refused(steady: Process, headers: dict[str, str]) -> None:
    answer = await call(steady.port, request("POST", ACHIEVE, _BODY, headers))
    assert answer.status in {400, 431}
    assert "requestId" in json.loads(answer.body)


async def test_a_body_without_end_is_refused_when_it_is_too_large(steady: Process) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", steady.port)
    writer.write(
        request("POST", ACHIEVE, headers={"Transfer-Encoding": "chunked", "Content-Type": "application/json"})
    )
    answer = asyncio.create_task(read_answer(reader))
    async with asyncio.timeout(_GIVEN_UP_SECONDS):
        while not answer.done():
            writer.write(b"1000\r\n" + bytes(0x1000) + b"\r\n")
            await asyncio.sleep(0.001)
    refused: Answer = answer.result()
    writer.transport.abort()
    assert (refused.status, refused.code) == (413, 2000)


async def test_one_address_cannot_take_all_connections(prepare: Launch) -> None:
    process = prepare({"server": {"max_connections_per_ip": _SOME}}).start()
    greedy = [await asyncio.open_connection("127.0.0.1", process.port) for _ in range(2 * _SOME)]
    async with asyncio.timeout(_GIVEN_UP_SECONDS):
        assert [await reader.read() for reader, _ in greedy[_SOME:]] == [b""] * _SOME
        reader, writer = await asyncio.open_connection("127.0.0.1", process.port, local_addr=("127.0.0.2", 0))
        writer.write(request("GET", "/healthz", keys=False))
        assert (await read_answer(reader)).status == 200
    for _, taken in (*greedy, (reader, writer)):
        taken.transport.abort()


# ---- rude ----


def _reset(connection: socket.socket) -> None:
    """Close with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


_BEFORE_THE_ANSWER = 4
_PHASES: tuple[Callable[[bytes], bytes], ...] = (
    lambda whole: b"",
    lambda whole: whole[:60],
    lambda whole: whole[: whole.index(b"\r\n\r\n") + 4],
    lambda whole: whole[:-5],
    lambda whole: whole,
)
"""What a client has sent when it goes away: nothing, half the headers, all of them, half the body, everything."""


@pytest.mark.parametrize(
    "leave", [pytest.param(socket.socket.close, id="close"), pytest.param(_reset, id="reset")]
)
async def test_a_client_that_goes_away_leaves_a_whole_achievement_or_none_and_no_open_file(
    steady: Process, leave: Callable[[socket.socket], None]
) -> None:
    customer_id = f"hasty-{leave.__name__}"
    await introduce(steady, customer_id)
    before = steady.open_files()
    for number in range(len(_PHASES) * _ABORTS):
        connection = socket.create_connection(("127.0.0.1", steady.port))
        connection.sendall(_PHASES[number // _ABORTS](achieve_request(customer_id, number + 1)))
        leave(connection)
    await call(steady.port, achieve_request(customer_id, 1_000))
    await until(lambda: steady.open_files() <= before + _FILES_MORE)
    stored = {pair: count for pair, count in stored_pairs(steady.database).items() if pair[0] == customer_id}
    assert set(stored.values()) == {1}
    assert all(campaign_id > _BEFORE_THE_ANSWER * _ABORTS for _, campaign_id in stored)
