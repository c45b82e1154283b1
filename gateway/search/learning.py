"""What the answers of people teach. The model's weights come from data without answers (`linkage.py`); each answer then pulls at
the weights of the levels that its pair has.

Theory: the answers are a logistic regression over levels whose coefficients have a normal prior around the model's weights. A
level that was never answered about keeps its weight; one answer moves a weight a little, a hundred move it to where they say. The
sum that is maximised is concave, so stepping along one weight after the other, each by Newton's method, ends at its one maximum.
"""

from collections.abc import Mapping, Sequence
from math import exp, log
from typing import NamedTuple

BIT = log(2)
DOUBT = 2.0
"""The standard deviation of the prior, in bits: how far a few answers may move a weight."""
_SWEEPS = 60
_STILL = 1e-4
_LONGEST_STEP = 2.0

Feature = tuple[str, str]
"""What was compared, and the level that was found."""
START: Feature = ("", "")
"""The weight that every pair has: how rare it is that two records are one person."""


class Answer(NamedTuple):
    """What a person said about two records with these levels."""

    features: tuple[Feature, ...]
    is_same: bool


def learned(weights: Mapping[Feature, float], answers: Sequence[Answer]) -> dict[Feature, float]:
    """The weights, in bits, after the answers. `START` is one of them."""
    found = dict(weights)
    having: dict[Feature, list[int]] = {}
    for place, answer in enumerate(answers):
        for feature in (START, *answer.features):
            having.setdefault(feature, []).append(place)
    sums = [found[START] + sum(found[one] for one in answer.features) for answer in answers]
    for _ in range(_SWEEPS):
        moved = 0.0
        for feature in sorted(having):
            step = _step(found[feature] - weights[feature], answers, sums, having[feature])
            found[feature] += step
            for place in having[feature]:
                sums[place] += step
            moved = max(moved, abs(step))
        if moved < _STILL:
            break
    return found


def _step(away: float, answers: Sequence[Answer], sums: Sequence[float], places: Sequence[int]) -> float:
    """One step of Newton along a weight that is this far `away` from its prior."""
    slope, bend = -away / DOUBT**2, 1 / DOUBT**2
    for place in places:
        likely = probability(sums[place])
        slope += BIT * (answers[place].is_same - likely)
        bend += BIT**2 * likely * (1 - likely)
    return max(-_LONGEST_STEP, min(_LONGEST_STEP, slope / bend))


def probability(bits: float) -> float:
    """The probability of a match whose weights add up to this many bits."""
    return 1 / (1 + exp(-BIT * max(-500.0, min(500.0, bits))))
