"""Runs the gateway's commands as processes to their end, on all CPUs. Returns their output, duration and peak memory."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from gateway.bench.children import CPUS
from gateway.bench.config import ENVIRONMENT
from gateway.bench.errors import BenchError


class CommandRun(NamedTuple):
    """Elapsed seconds and CPU seconds; the largest resident set of one process in MiB."""

    seconds: float
    cpu: float
    memory: float
    output: bytes


def run(module: list[str], directory: Path, text: str = "") -> CommandRun:
    """`python -m` of `module` with `text` on its stdin, its own files in `directory`. Raises BenchError if it fails."""
    files = {name: directory / f"command.{name}" for name in ("in", "out", "err")}
    files["in"].write_text(text)
    with (
        files["in"].open("rb") as given,
        files["out"].open("wb") as output,
        files["err"].open("wb") as errors,
    ):
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
            [sys.executable, "-m", *module],
            env=os.environ | ENVIRONMENT,
            stdin=given,
            stdout=output,
            stderr=errors,
        )
        os.sched_setaffinity(process.pid, CPUS)
        _, status, used = os.wait4(process.pid, 0)
        took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BenchError(f"{' '.join(module[:2])} failed: {files['err'].read_text()[-2000:]}")
    return CommandRun(took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, files["out"].read_bytes())
