"""The load generator, one process on one core: `python -m gateway.bench.load`, a `Plan` as JSON on stdin, a `Run` on stdout.

Closed loop (`rate` 0): every connection sends its next request when it has the answer to the last. Open loop: requests arrive
by a Poisson schedule whatever the server does, and latency counts from the time at which a request was due, so a stall shows in
every request that had to wait (no coordinated omission). Requests are rendered before the clock starts, answers are only framed
by their Content-Length. Every request sent is waited for, also after the window: `accepted` is exact.
"""

import asyncio
import gc
import random
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from itertools import cycle
from typing import cast

import msgspec
import uvloop

from gateway.bench.figures import poisson, quantile
from gateway.bench.machine import cpu_seconds
from gateway.bench.workload import Events, Workload

LATE_SECONDS = 30.0


class Plan(msgspec.Struct, frozen=True):
    """`pid` is the server's, for its CPU time. `offset` and `count` choose the pairs. With `repeat` they are used repeatedly,
    which works only for a server without a dedup window."""

    port: int
    pid: int
    seconds: float
    connections: int
    workload: Workload | Events
    offset: int
    count: int
    rate: float = 0.0
    repeat: bool = False
    seed: int = 1


class Run(msgspec.Struct, frozen=True):
    """One measured window, `began` in milliseconds UTC. `sent` and `accepted` (2xx) count everything,
    `answered` only what came back inside the window; `refusal` is the first answer that was not 2xx.

    Latencies and `lag` (how late the open loop itself sent) are milliseconds. `busy` is this process's own
    share of a core: above 0.9 the client, not the server, was measured. `server_cpu` is the server's CPU per
    answered request, microseconds.
    """

    began: int
    sent: int
    accepted: int
    refusal: str
    answered: int
    seconds: float
    p50: float
    p90: float
    p99: float
    p999: float
    max: float
    lag: float
    busy: float
    server_cpu: float

    @property
    def per_second(self) -> float:
        return self.answered / self.seconds


class LoadConnection(asyncio.Protocol):
    """One keep-alive connection with at most one request in flight; `due` is when that request should have
    been sent."""

    __slots__ = ("buffer", "due", "load", "transport")

    transport: asyncio.Transport

    def __init__(self, load: "Load") -> None:
        self.load = load
        self.buffer = b""
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's does not inherit from it

    def connection_lost(self, exc: Exception | None) -> None:
        self.load.broken(exc)

    def send(self, request: bytes, due: float) -> None:
        self.due = due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self.buffer:
            data = self.buffer + data
        head = data.find(b"\r\n\r\n")
        if head < 0 or len(data) < head + 4 + content_length(data, head):
            self.buffer = data
            return
        self.buffer = b""
        success = data.startswith(b"HTTP/1.1 2")
        if not success and not self.load.refusal:
            self.load.refusal = data.decode(errors="replace")
        self.load.answered(self, success)


def content_length(data: bytes, head: int) -> int:
    """The Content-Length of an answer whose header ends at `head`. aiohttp always writes the name in this spelling."""
    at = data.index(b"Content-Length: ", 0, head) + 16
    return int(data[at : data.index(b"\r", at)])


class Load(ABC):
    """The common part of both loops: the connections, the counts and the window."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        rendered = plan.workload.requests(plan.offset, plan.count)
        self.requests: Iterator[bytes] = cycle(rendered) if plan.repeat else iter(rendered)
        self.latencies: list[float] = []
        self.sent = self.accepted = 0
        self.refusal = ""
        self.deadline = 0.0
        self.finished = asyncio.get_running_loop().create_future()

    async def run(self) -> Run:
        loop = asyncio.get_running_loop()
        made = [
            await loop.create_connection(lambda: LoadConnection(self), "127.0.0.1", self.plan.port)
            for _ in range(self.plan.connections)
        ]
        gc.collect()
        gc.freeze()
        gc.disable()
        return await self.measure([connection for _, connection in made])

    async def measure(self, connections: list[LoadConnection]) -> Run:
        cpu, own = cpu_seconds(self.plan.pid), time.process_time()
        self.began = time.time_ns() // 1_000_000
        began = time.perf_counter()
        self.deadline = began + self.plan.seconds
        self.begin(connections, began)
        await asyncio.sleep(self.plan.seconds)
        seconds = time.perf_counter() - began
        cpu, own = cpu_seconds(self.plan.pid) - cpu, time.process_time() - own
        answered = self.counted()
        await asyncio.wait_for(self.finished, LATE_SECONDS)
        return self.summary(answered, seconds, cpu, own)

    def summary(self, answered: int, seconds: float, cpu: float, own: float) -> Run:
        ordered = sorted(self.latencies)
        p50, p90, p99, p999 = (1e3 * quantile(ordered, q) for q in (0.5, 0.9, 0.99, 0.999))
        return Run(
            began=self.began,
            sent=self.sent,
            accepted=self.accepted,
            refusal=self.refusal,
            answered=answered,
            seconds=seconds,
            p50=p50,
            p90=p90,
            p99=p99,
            p999=p999,
            max=1e3 * ordered[-1],
            lag=self.lag(),
            busy=own / seconds,
            server_cpu=cpu / answered * 1e6,
        )

    def counted(self) -> int:
        return len(self.latencies)

    def lag(self) -> float:
        return 0.0

    def broken(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(exc or ConnectionResetError("the server closed a connection"))

    @abstractmethod
    def begin(self, connections: list[LoadConnection], began: float) -> None: ...

    @abstractmethod
    def answered(self, connection: LoadConnection, success: bool) -> None: ...


class ClosedLoop(Load):
    def begin(self, connections: list[LoadConnection], began: float) -> None:
        self.working = len(connections)
        for connection in connections:
            self.next(connection, began)

    def next(self, connection: LoadConnection, now: float) -> None:
        request = next(self.requests, None) if now < self.deadline else None
        if request is not None:
            self.sent += 1
            connection.send(request, now)
            return
        self.working -= 1
        if not self.working:
            self.finished.set_result(None)

    def answered(self, connection: LoadConnection, success: bool) -> None:
        now = time.perf_counter()
        self.latencies.append(now - connection.due)
        self.accepted += success
        self.next(connection, now)


class OpenLoop(Load):
    """A thread sleeps until the next arrival, because the event loops' timers have a resolution of a millisecond."""

    def begin(self, connections: list[LoadConnection], began: float) -> None:
        rng = random.Random(self.plan.seed)  # noqa: S311
        self.arrivals = [began + at for at in poisson(self.plan.rate, self.plan.seconds, rng)]
        self.lags: list[float] = []
        self.idle = connections
        self.waiting: deque[float] = deque()
        threading.Thread(target=self.pace, args=(asyncio.get_running_loop(),), daemon=True).start()

    def pace(self, loop: asyncio.AbstractEventLoop) -> None:
        for at in self.arrivals:
            time.sleep(max(0.0, at - time.perf_counter()))
            loop.call_soon_threadsafe(self.arrive, at)

    def arrive(self, due: float) -> None:
        self.lags.append(time.perf_counter() - due)
        if self.idle:
            self.dispatch(self.idle.pop(), due)
        else:
            self.waiting.append(due)

    def dispatch(self, connection: LoadConnection, due: float) -> None:
        self.sent += 1
        connection.send(next(self.requests), due)

    def answered(self, connection: LoadConnection, success: bool) -> None:
        self.latencies.append(time.perf_counter() - connection.due)
        self.accepted += success
        if self.waiting:
            self.dispatch(connection, self.waiting.popleft())
        else:
            self.idle.append(connection)
        if len(self.latencies) == len(self.arrivals):
            self.finished.set_result(None)

    def lag(self) -> float:
        return 1e3 * quantile(sorted(self.lags), 0.99)


async def perform(plan: Plan) -> Run:
    return await (OpenLoop(plan) if plan.rate else ClosedLoop(plan)).run()


def main() -> None:
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(perform(plan))))


if __name__ == "__main__":
    main()
