"""The results: a table for people, JSON for programs. The JSON has every round, so that every figure can be computed again."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.table import Table

from gateway.bench.figures import Figure, Target, Verdict
from gateway.bench.machine import Machine
from gateway.bench.options import BenchOptions
from gateway.bench.rounds import Record

SCHEMA_VERSION = 1


class Results(msgspec.Struct, frozen=True):
    """`schema_version` grows when a field changes its meaning or goes; fields are added without it.

    `void` gives the reason for each part that could not be measured. Its figures are missing.
    """

    schema_version: int
    taken_at: datetime
    machine: Machine
    options: BenchOptions
    figures: list[Figure]
    void: dict[str, str]
    runs: list[Record]

    @property
    def missed(self) -> list[Figure]:
        return [figure for figure in self.figures if figure.verdict == "missed"]


def results(
    machine: Machine,
    options: BenchOptions,
    figures: list[Figure],
    void: dict[str, str],
    runs: list[Record],
) -> Results:
    return Results(SCHEMA_VERSION, datetime.now(UTC), machine, options, figures, void, runs)


def write(results: Results, path: Path) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results, enc_hook=str), indent=2) + b"\n")


def medians(path: Path) -> dict[str, float]:
    """The median of every figure of earlier results, by name."""
    earlier = msgspec.json.decode(path.read_bytes(), type=_Earlier)
    return {figure.name: figure.spread.median for figure in earlier.figures}


class _Earlier(msgspec.Struct, frozen=True):
    figures: list[Figure]


def table(figures: list[Figure], earlier: Mapping[str, float]) -> Table:
    made = Table(box=None, pad_edge=False, header_style="bold")
    made.add_column("figure")
    for column in ("median", "quartiles"):
        made.add_column(column, justify="right", no_wrap=True)
    made.add_column("unit", no_wrap=True)
    made.add_column("target", justify="right", no_wrap=True)
    made.add_column("")
    if earlier:
        made.add_column("before", justify="right", no_wrap=True)
    for figure in figures:
        before = [number(earlier[figure.name])] if figure.name in earlier else []
        made.add_row(*_row(figure), *before)
    return made


def _row(figure: Figure) -> tuple[str, ...]:
    spread = figure.spread
    return (
        figure.name,
        number(spread.median),
        f"{number(spread.lower_quartile)} – {number(spread.upper_quartile)}"
        if len(figure.values) > 1
        else "",
        figure.unit,
        _limit(figure.target) if figure.target else "",
        " ".join(filter(None, (_shown(figure.verdict), figure.note))),
    )


def _limit(target: Target) -> str:
    return f"{_SIGNS[target.sense]} {number(target.limit)}"


_SIGNS = {"at least": "≥", "at most": "≤"}
_COLOURS: Mapping[Verdict, str] = {"met": "green", "missed": "red", "too noisy to say": "yellow"}


def _shown(verdict: Verdict | None) -> str:
    return f"[{_COLOURS[verdict]}]{verdict}[/]" if verdict else ""


def number(value: float) -> str:
    """Three significant digits, whatever the size."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
