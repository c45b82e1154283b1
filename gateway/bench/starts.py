"""Starts of two gateways in turns, from the process to the first 200 on /healthz."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias

from gateway.bench.figures import Figure, Target, ratios
from gateway.bench.rounds import Session
from gateway.bench.subjects import Subject

READY = Target("at most", 1.5)
Start: TypeAlias = Callable[[], AbstractContextManager[Subject]]


def compared_starts(session: Session, names: tuple[str, str], little: Start, much: Start) -> list[Figure]:
    """How much longer a start takes on a database with `much` in it than on one with `little`, under these names."""
    few: list[float] = []
    many: list[float] = []
    turns = range(session.options.rounds)
    for _ in session.progress.track(turns, description=f"start: {names[1]}"):
        for start, ready in ((little, few), (much, many)):
            with start() as subject:
                ready.append(subject.ready)
    return [
        Figure(f"start to ready, {names[1]} / {names[0]}", "ratio", ratios(many, few), READY),
        Figure(f"start to ready, {names[1]}", "s", many),
    ]
