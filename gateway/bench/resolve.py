"""How many decisions `rules.online.resolve` makes by itself, each round in a process of its own: no store, no network, one core."""

from gateway.bench.children import SERVERS, ask
from gateway.bench.figures import Figure
from gateway.bench.resolve_rules import RECORDS_EACH, Pace, Question
from gateway.bench.rounds import Session


def resolve(session: Session) -> list[Figure]:
    question = Question(session.options.people)
    turns = range(session.options.rounds)
    paces = [
        ask("resolve_rules", question, Pace, SERVERS)
        for _ in session.progress.track(turns, description="resolve")
    ]
    return [
        Figure(
            f"decisions, a new record of a profile of {RECORDS_EACH}",
            "1/s",
            [pace.known for pace in paces],
        ),
        Figure("decisions, a new record of an unknown person", "1/s", [pace.unknown for pace in paces]),
    ]
