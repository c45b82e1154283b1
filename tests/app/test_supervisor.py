"""The process that starts several serving processes: when it starts one again, and when it gives one up."""

import asyncio
import sys
from pathlib import Path

import pytest

from gateway.app.child import Child
from gateway.app.inherited import Inherited
from gateway.app.supervisor import pause_after

_READY_THEN_SILENT = """
import os, socket, time
line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
line.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
time.sleep(600)
"""


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0.0), (1, 0.0), (2, 0.5), (3, 1.0), (5, 4.0), (8, 30.0), (10_000, 30.0)]
)
def test_the_first_restart_is_immediate_and_later_ones_are_delayed_longer_each_time(
    failures: int, seconds: float
) -> None:
    assert pause_after(failures) == seconds


def test_inherited_settings_are_read_as_they_were_written() -> None:
    given = Inherited(2, 5, 6, 7)
    assert Inherited.read(given.text()) == given


@pytest.mark.parametrize("text", ["", "1:2:3", "1:2:3:4:5", "1:2:3:x", "-1:2:3:4", "1:2:3:４"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^.*$"):
        Inherited.read(text)


async def test_a_process_that_hangs_is_killed_after_four_silent_ticks(tmp_path: Path) -> None:
    child = await Child.start([sys.executable, "-c", _READY_THEN_SILENT], (), tmp_path / "notices")
    assert await child.is_ready()
    for _ in range(3):
        child.tick()
    assert not child.has_ended
    child.tick()
    async with asyncio.timeout(30):
        assert await child.ended() == -9


async def test_a_process_that_ends_before_it_is_ready_says_so_by_its_code(tmp_path: Path) -> None:
    child = await Child.start([sys.executable, "-c", "raise SystemExit(3)"], (), tmp_path / "notices")
    assert not await child.is_ready()
    assert await child.ended() == 3
    child.terminate()
