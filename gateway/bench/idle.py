"""The cost of a gateway that gets no calls, over a time long enough for its periodic work."""

import time

from gateway.bench.figures import Figure, Target
from gateway.bench.machine import exact_cpu_seconds
from gateway.bench.rounds import Session
from gateway.bench.subjects import gateway

SHARE = Target("at most", 0.5)
SETTLE_SECONDS = 5.0
"""Seconds to wait after the start, because starting is not idling."""
LEAST_SECONDS = 10.0


def idle(session: Session) -> list[Figure]:
    directory = session.directory / "idle"
    directory.mkdir()
    database = session.databases.new(directory)
    with gateway(directory, database, campaigns=1, name="idle") as subject, session.step("idle"):
        time.sleep(SETTLE_SECONDS)
        began, used = time.perf_counter(), exact_cpu_seconds(subject.pid)
        time.sleep(max(LEAST_SECONDS, session.options.rounds * session.options.seconds))
        used = exact_cpu_seconds(subject.pid) - used
        share = 100 * used / (time.perf_counter() - began)
    return [Figure("idle gateway", "% of a core", [share], SHARE)]
