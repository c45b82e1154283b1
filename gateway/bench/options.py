"""The options of one run. `FULL` is used for the published figures; `QUICK` is a smaller version of a few minutes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

Part = Literal[
    "normalise",
    "resolve",
    "idle",
    "accept",
    "processes",
    "forward",
    "outbox",
    "growth",
    "grants",
    "import",
    "console",
    "plan",
    "duplicates",
    "weight",
    "sizes",
    "peers",
]
PARTS: tuple[Part, ...] = get_args(Part)
USUAL: tuple[Part, ...] = tuple(part for part in PARTS if part != "peers")
"""What runs by default. `peers` needs more packages (`requirements/peers.txt`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """Counts are rows, and `seconds` is the length of one measured window. The target is for 64 connections; those in `connections`
    are measured as well.

    `directory` holds the databases (default: the system's persistent temporary directory, because a RAM disk
    would make `fsync` free); `db` is the URL of a PostgreSQL server on which databases are created instead. With
    `gate`, a missed target makes the exit code 1; lost rows and failed requests always do. `baseline` is the JSON of
    an earlier run, which is printed beside this one.
    """

    parts: tuple[Part, ...] = USUAL
    rounds: int = 7
    seconds: float = 3.0
    connections: tuple[int, ...] = (16,)
    profiles: int = 10_000
    large: int = 1_000_000
    backlog: int = 1_000_000
    texts: int = 20_000
    people: int = 20_000
    rows: int = 1_000_000
    records: int = 1_000_000
    sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    directory: Path | None = None
    db: str = ""
    json: Path | None = None
    baseline: Path | None = None
    gate: bool = False


FULL = BenchOptions()
QUICK = BenchOptions(
    rounds=3,
    seconds=1.0,
    large=50_000,
    backlog=400_000,
    texts=4_000,
    people=5_000,
    rows=40_000,
    records=50_000,
    sizes=(10_000, 50_000),
)
