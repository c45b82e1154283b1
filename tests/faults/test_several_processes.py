"""`gateway serve --processes 2`: a process that is killed is replaced, all of them are exchanged without a refused connection, and
none outlives the one that started them."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.collector import Collector, collecting
from tests.support.postgresql import PostgresServer
from tests.support.processes.client import HttpConnection, call, customer_request
from tests.support.processes.gateway_process import Process
from tests.support.processes.load import until

_SENDERS = 3
_PATIENCE = 120.0


@pytest.fixture
def pair(tmp_path: Path, postgres: PostgresServer) -> Iterator[Process]:
    url = postgres.url(postgres.fresh())
    process = Process(tmp_path / "pair", {"store": {"url": url}}, options=("--processes", "2"))
    process.start()
    yield process
    process.kill()


def said(process: Process, event: str) -> list[dict[str, Any]]:
    written = process.log.read_text().rpartition("\n")[0].splitlines()
    return [line for line in map(json.loads, written) if line["event"] == event]


def is_gone(pid: int) -> bool:
    """Whether it ended, though the one that started it may not have noticed yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


async def status_on_a_new_connection(port: int, customer_id: str) -> int | None:
    async with HttpConnection(port) as connection:
        answer = await connection.call(customer_request(customer_id))
    return answer.status if answer else None


async def test_all_processes_are_replaced_and_no_connection_is_refused(pair: Process) -> None:
    await until(lambda: len(said(pair, "gateway_started")) == 2)
    over = asyncio.Event()
    statuses: list[int | None] = []

    async def send(sender: int) -> None:
        number = 0
        while not over.is_set():
            number += 1
            statuses.append(await status_on_a_new_connection(pair.port, f"{sender}-{number}"))

    async with asyncio.TaskGroup() as group:
        for sender in range(_SENDERS):
            group.create_task(send(sender))
        first = [line["pid"] for line in said(pair, "child_started")]
        os.kill(pair.pid, signal.SIGHUP)
        await until(lambda: len(said(pair, "gateway_started")) == 4 and all(map(is_gone, first)), _PATIENCE)
        before = len(statuses)
        await until(lambda: len(statuses) > before + 20)
        over.set()
    assert set(statuses) == {200}, f"{len(statuses)} calls"
    assert pair.stop() == 0


async def test_a_killed_process_is_replaced_and_the_other_serves_meanwhile(pair: Process) -> None:
    victim = said(pair, "child_started")[0]
    os.kill(victim["pid"], signal.SIGKILL)
    await until(lambda: len(said(pair, "child_started")) == 3)
    (ended,) = said(pair, "child_ended")
    assert (ended["process"], ended["code"]) == (victim["process"], "-9")
    for number in range(20):
        assert await status_on_a_new_connection(pair.port, f"after-{number}") == 200
    await until(lambda: len(said(pair, "gateway_started")) == 3)
    for port in (pair.admin_port, pair.admin_port + 1):
        assert (await call(port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")).status == 200


async def test_spans_say_which_process_they_are_of_and_a_stop_sends_the_last(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    async with collecting(Collector()) as collector:
        settings = {
            "store": {"url": postgres.url(postgres.fresh())},
            "tracing": {"endpoint": f"http://127.0.0.1:{collector.port}"},
        }
        process = Process(tmp_path / "pair", settings, options=("--processes", "2"))
        await asyncio.to_thread(process.start)
        try:
            calls = [await status_on_a_new_connection(process.port, f"ann-{number}") for number in range(40)]
            await asyncio.to_thread(process.stop)
        finally:
            process.kill()
    assert set(calls) == {200}
    served = [one for one in collector.spans if one.name == "POST /customers"]
    assert len(served) == len({one.trace_id for one in served}) == 40
    resources = [one.resource for one in collector.spans]
    assert {one["gateway.process"] for one in resources} == {1, 2}
    assert len({(one["service.instance.id"], one["process.pid"]) for one in resources}) == 2


async def test_no_process_outlives_the_one_that_started_them(pair: Process) -> None:
    children = [line["pid"] for line in said(pair, "child_started")]
    assert len(children) == 2
    pair.kill()
    await until(lambda: all(map(is_gone, children)))


def test_a_sqlite_file_serves_one_process(tmp_path: Path) -> None:
    process = Process(tmp_path / "file", options=("--processes", "2"))
    process.launch()
    assert process.wait() == 2
    assert "--processes 1" in process.output.read_text()


def test_settings_that_no_process_can_start_with_end_the_supervisor(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    process = Process(
        tmp_path / "wrong",
        {"store": {"url": postgres.url("no_such_database")}},
        options=("--processes", "2"),
    )
    process.launch()
    assert process.wait() > 0
    assert "InvalidCatalogNameError" in process.output.read_text() + process.log.read_text()
