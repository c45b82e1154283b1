"""Normalisation against plain library calls on the same corpus, each side in processes of its own, in alternating rounds. Keys
that differ in more than case make the measurement void."""

import random

from gateway.bench.children import SERVERS, ask
from gateway.bench.corpus import WARM_UP, Corpus, Timing, corpus
from gateway.bench.errors import BenchError
from gateway.bench.figures import Figure, Target, ratios
from gateway.bench.rounds import Session

RATIO = Target("at least", 50.0, goal=100.0)


def normalise(session: Session) -> list[Figure]:
    texts = corpus(session.options.texts, random.Random(1))  # noqa: S311
    plain: list[Timing] = []
    ours: list[Timing] = []
    for _ in session.progress.track(range(session.options.rounds), description="normalise"):
        plain.append(ask("normalise_plain", texts, Timing, SERVERS))
        ours.append(ask("normalise_rules", texts, Timing, SERVERS))
    _compare(texts, plain[0], ours[0])
    count = len(texts.mobiles) - WARM_UP
    return [
        Figure(
            "normalise / plain library calls",
            "×",
            ratios([t.mobiles + t.emails for t in plain], [t.mobiles + t.emails for t in ours]),
            RATIO,
        ),
        Figure("mobile, plain", "µs", [t.mobiles / count * 1e6 for t in plain]),
        Figure("mobile, ours", "µs", [t.mobiles / count * 1e6 for t in ours]),
        Figure("e-mail, plain", "µs", [t.emails / count * 1e6 for t in plain]),
        Figure("e-mail, ours", "µs", [t.emails / count * 1e6 for t in ours]),
    ]


def _compare(texts: Corpus, plain: Timing, ours: Timing) -> None:
    differing = sum(one.casefold() != other for one, other in zip(plain.keys, ours.keys, strict=True))
    if differing:
        raise BenchError(f"{differing:,} of {len(ours.keys):,} keys differ from the library's")
