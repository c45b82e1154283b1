"""Bars for pictures on pages: only sizes are computed here, the template draws them. The numbers stand beside each bar as text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_WIDTH, _LABELS, _NUMBERS, _ROW = 460, 130, 80, 28


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
