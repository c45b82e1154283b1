"""How many decisions `rules.online.resolve` makes by itself, and what it costs to compare two people, each round in a process of
its own: no store, no network, one core."""

from gateway.bench.children import SERVERS, ask
from gateway.bench.compare_rules import Cost, Pairs
from gateway.bench.figures import Figure, Target, ratios
from gateway.bench.resolve_rules import RECORDS_EACH, Pace, Question
from gateway.bench.rounds import Session

RATIO = Target("at most", 12.0)


def resolve(session: Session) -> list[Figure]:
    question = Question(session.options.people)
    turns = range(session.options.rounds)
    paces = [
        ask("resolve_rules", question, Pace, SERVERS)
        for _ in session.progress.track(turns, description="resolve")
    ]
    pairs = Pairs(session.options.people)
    costs = [
        ask("compare_rules", pairs, Cost, SERVERS)
        for _ in session.progress.track(turns, description="compare")
    ]
    levels, plain = [cost.levels for cost in costs], [cost.plain for cost in costs]
    return [
        Figure(
            f"decisions, a new record of a profile of {RECORDS_EACH}",
            "1/s",
            [pace.known for pace in paces],
        ),
        Figure("decisions, a new record of an unknown person", "1/s", [pace.unknown for pace in paces]),
        Figure("two people compared by names and birthday", "µs", levels),
        Figure("two people compared / by plain calls of the library", "", ratios(levels, plain), RATIO),
    ]
