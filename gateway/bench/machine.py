"""The measured machine: CPU time and memory of processes from /proc, the disk's fsync, library versions."""

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

import msgspec

from gateway.bench.figures import quantile
from gateway.sqlite_library import sqlite3

LIBRARIES = ("aiohttp", "aiosqlite", "email-validator", "msgspec", "phonenumbers", "uvloop")
TICKS = os.sysconf("SC_CLK_TCK")


class Machine(msgspec.Struct, frozen=True):
    cpu: str
    cpus: int
    kernel: str
    filesystem: str
    fsync_p50_ms: float
    fsync_p99_ms: float
    load_average: float
    python: str
    sqlite: str
    libraries: dict[str, str]


def describe(directory: Path) -> Machine:
    syncs = sorted(sync_times(directory, 200))
    return Machine(
        cpu=_cpu_model(),
        cpus=os.cpu_count() or 1,
        kernel=f"{platform.system()} {platform.release()}",
        filesystem=_filesystem(directory),
        fsync_p50_ms=round(quantile(syncs, 0.5), 3),
        fsync_p99_ms=round(quantile(syncs, 0.99), 3),
        load_average=os.getloadavg()[0],
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        libraries={name: version(name) for name in LIBRARIES},
    )


def sync_times(directory: Path, count: int) -> list[float]:
    """Milliseconds of `count` appends of one page, each followed by an fsync, in a file of their own."""
    path = directory / "fsync.probe"
    page = bytes(4096)
    took: list[float] = []
    with path.open("wb", buffering=0) as file:
        for _ in range(count):
            began = time.perf_counter()
            file.write(page)
            os.fsync(file.fileno())
            took.append((time.perf_counter() - began) * 1e3)
    path.unlink()
    return took


def cpu_seconds(pid: int) -> float:
    """User and system time that a process and all its threads have used, in steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def exact_cpu_seconds(pid: int) -> float:
    """User and system time of the threads that a process has now."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def peak_memory(pid: int) -> float:
    """The largest resident set so far, in MiB."""
    return _status_kib(pid, "VmHWM:") / 1024


def memory(pid: int) -> float:
    """The resident set now, in MiB; `peak_memory` counts from here."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return _status_kib(pid, "VmRSS:") / 1024


def _status_kib(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _filesystem(directory: Path) -> str:
    """The type of the mount that holds the directory: the longest mount point that is a prefix of it wins."""
    path = directory.resolve()
    mounts = (line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines())
    holding = [(len(point), kind) for point, kind in mounts if path.is_relative_to(point)]
    return max(holding)[1]
