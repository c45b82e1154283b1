"""Forwarded calls with a resolved identity, compared with a bare aiohttp reverse proxy and with nginx in the same rounds. The
calls are small JSON POSTs of known customers, with one more nginx as the upstream of all. Also measures how much memory an
answer of 100 MiB adds."""

import http.client
import time

from gateway.bench.accept import client_bound, rates
from gateway.bench.errors import BenchError
from gateway.bench.figures import Figure, Target, differences, ratios
from gateway.bench.machine import memory, peak_memory
from gateway.bench.nginx import LARGE, LARGE_BYTES
from gateway.bench.population import build
from gateway.bench.rounds import Lane, Session, Shape, alternate, warm
from gateway.bench.subjects import Subject, bare_proxy, gateway, nginx_proxy, platform
from gateway.bench.workload import API_KEY, Events

RATIO = Target("at least", 1.5, goal=2.0)
NGINX_BY_CPU = Target("at least", 0.20)
ADDED_MEMORY = Target("at most", 5.0)
CLOSED = Shape(32)
OPEN = Shape(rate=500)
PEOPLE = 1_000
"""Customers of the calls. Each was created and looked up before the measurement."""
_SLOW_READ = 256 << 10


def forward(session: Session) -> list[Figure]:
    directory = session.directory / "forward"
    directory.mkdir()
    database = session.databases.new(directory)
    with gateway(directory, database, campaigns=1, name="migrate"):
        pass
    build(database, PEOPLE, seen_at=time.time_ns() // 1_000_000)
    with (
        platform(directory) as upstream,
        bare_proxy(directory, upstream) as yardstick,
        nginx_proxy(directory, upstream) as nginx,
        gateway(directory, database, campaigns=1, upstream=upstream.port) as subject,
    ):
        events = Events(PEOPLE)
        lanes = [Lane(each, events, repeat=True) for each in (yardstick, nginx, subject)]
        warm(session, "forward", lanes)
        return [
            *_throughput(session, lanes),
            *_latency(session, lanes),
            Figure("memory added by a 100 MiB answer", "MiB", [_streamed(subject)], ADDED_MEMORY),
        ]


def _throughput(session: Session, lanes: list[Lane]) -> list[Figure]:
    base, of_nginx, runs = alternate(session, "forward", lanes, CLOSED)
    note = client_bound([*base, *runs])
    return [
        Figure(f"forward / bare proxy, {CLOSED}", "ratio", ratios(rates(runs), rates(base)), RATIO, note),
        Figure(
            f"forward / bare proxy by CPU, {CLOSED}",
            "ratio",
            ratios([run.server_cpu for run in base], [run.server_cpu for run in runs]),
        ),
        Figure(
            f"forward / nginx by CPU, {CLOSED}",
            "ratio",
            ratios([run.server_cpu for run in of_nginx], [run.server_cpu for run in runs]),
            NGINX_BY_CPU,
        ),
        Figure(f"forwards, {CLOSED}", "1/s", rates(runs)),
        Figure(f"bare proxy, {CLOSED}", "1/s", rates(base)),
        Figure(f"CPU per forward, {CLOSED}", "µs", [run.server_cpu for run in runs]),
        Figure(f"CPU per bare proxied request, {CLOSED}", "µs", [run.server_cpu for run in base]),
        Figure(f"CPU per request of nginx, {CLOSED}", "µs", [run.server_cpu for run in of_nginx]),
    ]


def _latency(session: Session, lanes: list[Lane]) -> list[Figure]:
    base, _, runs = alternate(session, "forward", lanes, OPEN)
    added = differences([run.p99 for run in runs], [run.p99 for run in base])
    return [
        Figure(f"forward, added p99, {OPEN}", "ms", added),
        Figure(f"forward p99, {OPEN}", "ms", [run.p99 for run in runs]),
    ]


def _streamed(subject: Subject) -> float:
    """The peak of additional memory, in MiB, while a client reads a large answer in pieces."""
    connection = http.client.HTTPConnection("127.0.0.1", subject.port, timeout=60)
    before = memory(subject.pid)
    connection.request("GET", LARGE, headers={"apikey": API_KEY})
    answer = connection.getresponse()
    received = 0
    while piece := answer.read(_SLOW_READ):
        received += len(piece)
        if received % (8 << 20) == 0:
            time.sleep(0.01)
    connection.close()
    if answer.status != 200 or received != LARGE_BYTES:
        raise BenchError(f"only {received:,} bytes of the large answer arrived, with status {answer.status}")
    return peak_memory(subject.pid) - before
