"""Two serving processes on one PostgreSQL, compared with one. Both may use all CPUs, which the databases and the load share."""

from gateway.bench.accept import prepare, rates
from gateway.bench.children import CPUS
from gateway.bench.figures import Figure, Target, ratios
from gateway.bench.rounds import Lane, Session, Shape, alternate, warm
from gateway.bench.subjects import gateway
from gateway.bench.tables import counts, verify

RATIO = Target("at least", 1.25)


def processes(session: Session) -> list[Figure]:
    """No figures on SQLite, which serves one process only."""
    if not session.options.db:
        return []
    one, two = (session.directory / name for name in ("one", "two"))
    shape, cpus = Shape(), set(CPUS)
    load, database = prepare(session, one, session.options.profiles, [shape])
    other_load, other_database = prepare(session, two, session.options.profiles, [shape])
    before = [counts(each) for each in (database, other_database)]
    with (
        gateway(one, database, campaigns=load.last, cpus=cpus) as base,
        gateway(two, other_database, campaigns=other_load.last, processes=2, cpus=cpus) as subject,
    ):
        lanes = [Lane(base, load), Lane(subject, other_load)]
        warm(session, "processes", lanes)
        base_runs, runs = alternate(session, "processes", lanes, shape)
    for each, then, lane in zip((database, other_database), before, lanes, strict=True):
        verify(each, then, lane.accepted)
    return [
        Figure(f"accepts, 2 processes / 1, {shape}", "ratio", ratios(rates(runs), rates(base_runs)), RATIO),
        Figure(f"accepts, 2 processes, {shape}", "1/s", rates(runs)),
        Figure(f"accepts, 1 process, {shape}", "1/s", rates(base_runs)),
    ]
