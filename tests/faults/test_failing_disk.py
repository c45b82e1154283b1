"""A disk that is full, and a disk that does not keep what it is given. The first is waited out, the second is the end of the
process: what is on it is decided at the next start."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import faulty_disk
from tests.support.processes.client import CUSTOMERS, call, request
from tests.support.processes.evidence import all_decided, findings
from tests.support.processes.gateway_process import GATEWAY, Launch
from tests.support.processes.load import introduce_customers, load, pairs, send_all, told, unanswered, until

_SOME, _MANY = 100, 2_000
_EXIT_BROKEN = 70


class OrderedDisk:
    """Says «no space left» to every write while it is full."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._order = directory / "order"
        self.launcher = (faulty_disk.__file__, str(self._order))

    def fill(self) -> None:
        self._order.write_text("ENOSPC pwrite64 ftruncate fallocate")

    def free(self) -> None:
        self._order.unlink()

    def remove(self) -> None:
        pass


class SmallDisk:
    """A file system in memory with room for a few thousand achievements, and a file that takes what is left."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "disk"
        self.directory.mkdir()
        self.launcher = GATEWAY
        self._ballast = self.directory / "ballast"
        mount = ("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(self.directory))
        subprocess.run(mount, check=True)

    def fill(self) -> None:
        with self._ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                return

    def free(self) -> None:
        self._ballast.unlink()

    def remove(self) -> None:
        subprocess.run(("umount", "--lazy", str(self.directory)), check=True)


Disk = OrderedDisk | SmallDisk


def _may_mount() -> bool:
    """Tried in a mount namespace of its own, which is gone at once."""
    attempt = ("unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt")
    return shutil.which("unshare") is not None and not subprocess.run(attempt, capture_output=True).returncode


@pytest.fixture(params=[OrderedDisk, SmallDisk] if _may_mount() else [OrderedDisk])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    made = request.param(tmp_path)
    yield made
    made.remove()


async def test_a_full_disk_refuses_loses_nothing_and_is_over_when_there_is_space(
    disk: Disk, prepare: Launch
) -> None:
    process = prepare(directory=disk.directory, launcher=disk.launcher).start()
    await introduce_customers(process)
    async with load(process, pairs()) as history:
        await until(lambda: told(history, "accepted") > _SOME)
        disk.fill()
        await until(lambda: told(history, "unavailable") > _MANY)
        assert (await call(process.port, request("GET", f"{CUSTOMERS}/customer-1"))).status == 200
        disk.free()
        accepted = told(history, "accepted")
        await until(lambda: told(history, "accepted") > accepted + _SOME)
    await all_decided(process)
    assert process.stop() == 0
    assert findings(process, history) == []


async def test_a_first_start_on_a_full_disk_is_refused_and_can_be_repeated(
    disk: Disk, prepare: Launch
) -> None:
    process = prepare(directory=disk.directory, launcher=disk.launcher)
    disk.fill()
    process.launch()
    assert await asyncio.to_thread(process.wait) == 1
    disk.free()
    process.start()
    assert process.stop() == 0


async def test_after_an_input_output_error_nothing_is_accepted_and_the_process_ends(
    prepare: Launch, tmp_path: Path
) -> None:
    order = tmp_path / "order"
    process = prepare(launcher=(faulty_disk.__file__, str(order))).start()
    await introduce_customers(process)
    async with load(process, pairs()) as history:
        await until(lambda: told(history, "accepted") > _SOME)
        order.write_text("EIO fsync fdatasync")
        failed_at = time.monotonic()
        assert await asyncio.to_thread(process.wait) == _EXIT_BROKEN
    assert [
        attempt for attempt in history if attempt.sent_at > failed_at and attempt.verdict == "accepted"
    ] == []
    order.unlink()
    process.start()
    history += await send_all(process, [attempt.again() for attempt in unanswered(history)])
    await all_decided(process)
    assert process.stop() == 0
    assert findings(process, history) == []


async def test_an_input_output_error_in_housekeeping_ends_the_process_too(
    prepare: Launch, tmp_path: Path
) -> None:
    """Nothing else writes then: the look-up rows of what was just stored, and a signature."""
    order = tmp_path / "order"
    process = prepare(launcher=(faulty_disk.__file__, str(order))).start()
    await introduce_customers(process)
    order.write_text("EIO fsync fdatasync")
    assert await asyncio.to_thread(process.wait) == _EXIT_BROKEN
    order.unlink()
    process.start()
    assert process.stop() == 0
    assert findings(process, []) == []


async def test_a_second_process_on_the_same_file_is_refused(prepare: Launch) -> None:
    first = prepare().start()
    second = prepare({"store": {"url": f"sqlite:///{first.database}"}})
    second.launch()
    assert await asyncio.to_thread(second.wait) == 1
    said = second.output.read_text()
    assert said.count("\n") == 1
    assert f"Another gateway process holds {first.database}" in said
    await introduce_customers(first)
    history = await send_all(first, [next(pairs())])
    await all_decided(first)
    assert first.stop() == 0
    assert findings(first, history) == []
