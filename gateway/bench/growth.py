"""The cost of a large database: two gateways in the same rounds, one with few profiles and one with many. Measures time to
ready, accepts and memory."""

from functools import partial

from gateway.bench.accept import client_bound, prepare, rates
from gateway.bench.figures import Figure, Target, ratios
from gateway.bench.machine import peak_memory
from gateway.bench.rounds import Lane, Session, Shape, alternate, warm
from gateway.bench.starts import compared_starts
from gateway.bench.subjects import gateway
from gateway.bench.tables import counts, verify

RATIO = Target("at least", 0.80)
MEMORY = Target("at most", 200.0)


def growth(session: Session) -> list[Figure]:
    options = session.options
    small, large = (session.directory / name for name in ("small", "large"))
    shape = Shape()
    few, little = prepare(session, small, options.profiles, [shape])
    many, much = prepare(session, large, options.large, [shape])
    before = [counts(database) for database in (little, much)]
    start_small = partial(gateway, small, little, campaigns=few.last, name="small")
    start_large = partial(gateway, large, much, campaigns=many.last, name="large")
    with start_small() as base, start_large() as subject:
        lanes = [Lane(base, few), Lane(subject, many)]
        warm(session, "growth", lanes)
        base_runs, runs = alternate(session, "growth", lanes, shape)
        memory = peak_memory(subject.pid)
    for database, then, lane in zip((little, much), before, lanes, strict=True):
        verify(database, then, lane.accepted)
    size = f"{options.large:,} profiles"
    return [
        Figure(
            f"accepts, {size} / {options.profiles:,}",
            "ratio",
            ratios(rates(runs), rates(base_runs)),
            RATIO,
            client_bound([*base_runs, *runs]),
        ),
        *compared_starts(session, (f"{options.profiles:,}", size), start_small, start_large),
        Figure(f"peak resident memory, {size}", "MiB", [memory], MEMORY),
    ]
