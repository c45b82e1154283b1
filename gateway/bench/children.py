"""Runs a module as a child process on given CPUs, with JSON on its stdin and JSON on its stdout."""

import os
import subprocess
import sys
from typing import TypeVar

import msgspec

from gateway.bench.errors import BenchError

CPUS = sorted(os.sched_getaffinity(0))
SERVERS, CLIENTS = {CPUS[0]}, {CPUS[-1]}
"""Servers on one CPU, the load on another: on a machine with one CPU they share it, and the results say so."""

Answer = TypeVar("Answer")


def ask(module: str, question: msgspec.Struct, answer: type[Answer], cpus: set[int]) -> Answer:
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and a module of this package
        [sys.executable, "-m", f"gateway.bench.{module}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    os.sched_setaffinity(process.pid, cpus)
    output, errors = process.communicate(msgspec.json.encode(question))
    if process.returncode:
        raise BenchError(f"{module} failed: {errors.decode()[-2000:]}")
    return msgspec.json.decode(output, type=answer)
