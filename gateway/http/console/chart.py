"""Bars for pictures on pages: only sizes are computed here, the template draws them. The numbers stand beside each bar as text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_WIDTH, _LABELS, _NUMBERS, _ROW = 460, 130, 80, 28
_WIDE, _SENTENCES = 720, 250


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    value: int
    tone: str = ""


@dataclass(frozen=True, slots=True)
class PlacedBar:
    bar: Bar
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a waterfall: it begins where the one before ended."""

    label: str
    number: str
    tone: str
    x: float
    y: float
    width: float


@dataclass(frozen=True, slots=True)
class Waterfall:
    """`zero` is where the two sides are even."""

    width: int
    height: int
    zero: float
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class Chart:
    width: int
    height: int
    bars: list[PlacedBar]


def rows(bars: Sequence[Bar]) -> Chart:
    """One bar in each row, to the right of its label."""
    most = max((bar.value for bar in bars), default=0) or 1
    room = _WIDTH - _LABELS - _NUMBERS
    placed = [
        PlacedBar(bar, _LABELS, n * _ROW + 6, max(room * bar.value / most, 1 if bar.value else 0), _ROW - 12)
        for n, bar in enumerate(bars)
    ]
    return Chart(_WIDTH, len(bars) * _ROW, placed)


def columns(stacks: Iterable[Sequence[Bar]], height: int = 120) -> Chart:
    """One column for each stack of bars, from the left to the right."""
    stacks = list(stacks)
    most = max((sum(bar.value for bar in stack) for stack in stacks), default=0) or 1
    step = _WIDTH / max(len(stacks), 1)
    placed: list[PlacedBar] = []
    for n, stack in enumerate(stacks):
        top = float(height)
        for bar in (one for one in stack if one.value):
            tall = height * bar.value / most
            top -= tall
            placed.append(
                PlacedBar(bar, round(n * step + 1, 2), round(top, 2), round(step - 2, 2), round(tall, 2))
            )
    return Chart(_WIDTH, height, placed)


def waterfall(weights: Sequence[tuple[str, float]], total: str) -> Waterfall:
    """What speaks for one thing (to the right) and against it, step by step, and at the end the sum."""
    sums = [0.0]
    for _, weight in weights:
        sums.append(sums[-1] + weight)
    low, high = min(sums), max(sums)
    room = _WIDE - _SENTENCES - _NUMBERS
    scale = room / ((high - low) or 1)
    spans = [
        (label, before, after) for (label, _), before, after in zip(weights, sums, sums[1:], strict=False)
    ]
    spans.append((total, 0.0, sums[-1]))
    steps = [
        Step(
            label,
            f"{after - before:+.1f}",
            "good" if after >= before else "bad",
            round(_SENTENCES + scale * (min(before, after) - low), 1),
            n * _ROW + 6,
            round(max(scale * abs(after - before), 1), 1),
        )
        for n, (label, before, after) in enumerate(spans)
    ]
    return Waterfall(_WIDE, len(steps) * _ROW, round(_SENTENCES - scale * low, 1), steps)
