"""`gateway bench`: runs the parts one after another, prints the table and writes the JSON. Its exit code says whether the
figures can be trusted."""

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from gateway.bench.accept import accept
from gateway.bench.children import CLIENTS, CPUS
from gateway.bench.console import pages
from gateway.bench.database import databases
from gateway.bench.errors import BenchError
from gateway.bench.figures import Figure
from gateway.bench.forward import forward
from gateway.bench.grants import grants
from gateway.bench.growth import growth
from gateway.bench.idle import idle
from gateway.bench.imports import imports
from gateway.bench.machine import Machine, describe
from gateway.bench.normalise import normalise
from gateway.bench.options import BenchOptions, Part
from gateway.bench.outbox import outbox
from gateway.bench.peers import peers
from gateway.bench.plan_and_search import duplicates, plan
from gateway.bench.processes import processes
from gateway.bench.resolve import resolve
from gateway.bench.results import Results, medians, results, table, write
from gateway.bench.rounds import Session
from gateway.bench.sizes import sizes
from gateway.bench.weight import weight

_PARTS: Mapping[Part, Callable[[Session], list[Figure]]] = {
    "normalise": normalise,
    "resolve": resolve,
    "idle": idle,
    "accept": accept,
    "processes": processes,
    "forward": forward,
    "outbox": outbox,
    "growth": growth,
    "grants": grants,
    "import": imports,
    "console": pages,
    "plan": plan,
    "duplicates": duplicates,
    "weight": weight,
    "sizes": sizes,
    "peers": peers,
}
_PERSISTENT = Path("/var/tmp")  # noqa: S108 - a private directory is made inside


def run(options: BenchOptions) -> int:
    """Returns the exit code. 0: everything was measured. 1: a part is void (lost rows, failed requests), or a target was missed
    and `gate` is set."""
    signal.signal(signal.SIGTERM, _terminate)
    console = Console()
    made = _measure(options, console)
    console.print(table(made.figures, medians(options.baseline) if options.baseline else {}))
    _print_machine(console, made.machine)
    for part, reason in made.void.items():
        console.print(f"[red]{part} is void:[/] {escape(reason)}", highlight=False)
    if options.json:
        write(made, options.json)
    return int(bool(made.void or (options.gate and made.missed)))


def _terminate(signum: int, _: FrameType | None) -> None:
    """Raises SystemExit, so that every measured process is stopped and every file removed."""
    sys.exit(128 + signum)


def _measure(options: BenchOptions, console: Console) -> Results:
    os.sched_setaffinity(0, CLIENTS)  # progress bars must not take CPU from the measured servers
    home = options.directory or (_PERSISTENT if _PERSISTENT.is_dir() else None)
    figures: list[Figure] = []
    void: dict[str, str] = {}
    with (
        tempfile.TemporaryDirectory(prefix="gateway-bench-", dir=home) as directory,
        databases(options.db) as made,
        Progress(console=console, transient=True) as progress,
    ):
        session = Session(options, Path(directory), made, progress)
        machine = describe(session.directory)
        for part in options.parts:
            try:
                figures += _PARTS[part](session)
            except BenchError as reason:
                void[part] = str(reason)
    return results(machine, options, figures, void, session.records)


def _print_machine(console: Console, machine: Machine) -> None:
    shared = " [yellow]servers and load share one CPU[/]" if len(CPUS) == 1 else ""
    console.print(
        f"\n{machine.cpu}, {machine.cpus} CPUs, {machine.kernel}, {machine.filesystem} "
        f"(fsync p50 {machine.fsync_p50_ms} ms, p99 {machine.fsync_p99_ms} ms), "
        f"Python {machine.python}, SQLite {machine.sqlite}, load average {machine.load_average:.1f}{shared}",
        highlight=False,
    )
