"""What operations cost as the number of customers grows, in CPU of the gateway, because that travels better than seconds. Three in
ten people have two records."""

from collections.abc import Callable, Sequence

from gateway.bench.admin import Admin
from gateway.bench.commands import run
from gateway.bench.database import Database
from gateway.bench.figures import Figure
from gateway.bench.machine import exact_cpu_seconds, peak_memory
from gateway.bench.plan_and_search import CANDIDATE, populated
from gateway.bench.rounds import Lane, Session, Shape, alternate
from gateway.bench.subjects import Subject, gateway
from gateway.bench.workload import FIRST_CAMPAIGN, Workload, person
from gateway.clock import SystemClock
from rules.language.parse import preset

_EACH = 40
"""How often each operation of an operator is repeated."""
_CAMPAIGNS = 4


def sizes(session: Session) -> list[Figure]:
    return [figure for records in session.options.sizes for figure in _at(session, records)]


def _at(session: Session, records: int) -> list[Figure]:
    directory, database, people = populated(session, f"sizes-{records}", records)
    pairs = Shape().most(session.options.seconds) * session.options.rounds
    callers = people // 2
    campaigns = max(_CAMPAIGNS, -(-pairs // callers))
    workload = Workload.shuffled(callers, callers * campaigns, directory / "pairs.bin", FIRST_CAMPAIGN)
    with gateway(directory, database, campaigns=workload.last) as subject:
        operators = _operators(subject, records, range(callers, people))
        (runs,) = alternate(session, f"sizes, {records:,}", [Lane(subject, workload)], Shape())
        figures = [
            Figure(f"an accept, {records:,} records", "µs", [run.server_cpu for run in runs]),
            *operators,
            Figure(f"memory of the gateway, {records:,} records", "MiB", [peak_memory(subject.pid)]),
            Figure(f"start to ready, {records:,} records", "s", [subject.ready]),
        ]
    now = str(SystemClock().now())
    with session.step(f"plan over {records:,} records"):
        took = run(["gateway.processes.plan", now], directory, f"{database.url}\n{preset(CANDIDATE)}")
    return [
        *figures,
        Figure(f"a plan, {records:,} records", "s", [took.cpu]),
        Figure(f"memory of the plan, {records:,} records", "MiB", [took.memory]),
        Figure(f"the database, {records:,} records", "MiB", [_size(database)]),
    ]


def _size(database: Database) -> float:
    return database.size() / (1 << 20)


def _operators(subject: Subject, records: int, people: range) -> list[Figure]:
    """Each on customers who are spread over the database and do not call, because some are erased."""
    admin = Admin(subject)
    chosen = [people[len(people) * place // (2 * _EACH)] for place in range(2 * _EACH)]
    found = [_find(admin, number) for number in chosen]
    pairs = list(zip(found[::2], found[1::2], strict=True))

    def find(number: int) -> None:
        _find(admin, number)

    def history(profile: str) -> None:
        admin.ask("GET", f"/profiles/{profile}/history?limit=20")

    def merge(pair: tuple[str, str]) -> None:
        admin.ask("POST", "/merges", {"profiles": list(pair), "reason": "bench"})

    def erase(profile: str) -> None:
        admin.ask("DELETE", f"/profiles/{profile}")

    return [
        _cost(f"a search by e-mail, {records:,} records", subject, chosen, find),
        _cost(
            f"a page of history, {records:,} records",
            subject,
            found,
            history,
        ),
        _cost(f"a merge, {records:,} records", subject, pairs, merge),
        _cost(f"an erasure, {records:,} records", subject, [one for one, _ in pairs], erase),
    ]


def _find(admin: Admin, number: int) -> str:
    return admin.ask("GET", f"/profiles?email={person(number).email}")["items"][0]["id"]


def _cost(name: str, subject: Subject, of: Sequence[object], operation: Callable[..., object]) -> Figure:
    """The CPU of one, in milliseconds."""
    used = exact_cpu_seconds(subject.pid)
    for one in of:
        operation(one)
    return Figure(name, "ms", [(exact_cpu_seconds(subject.pid) - used) / len(of) * 1e3])
