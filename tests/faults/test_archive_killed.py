"""An archiving that is killed: nothing is lost, nothing is there twice, and the next run finishes it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.audit.archive import Archive
from gateway.audit.segment import name_of
from gateway.clock import DAY, HOUR
from gateway.store.queries.audit import links
from gateway.store.queries.verification import verify
from gateway.store.sqlite import SqliteStore
from gateway.workers.archive import Archiver
from tests.support.in_process_gateway import CHECKPOINT_KEY, NOON, ManualClock
from tests.support.store_batches import log, run

EVENTS = 1_200
LATER = NOON + DAY
KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from gateway.workers import archive
from tests.faults.test_archive_killed import archive_old, opened

where, call = sys.argv[2], int(sys.argv[3])

def dying(real):
    calls = iter(range(1_000))
    def called(*given, **named):
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **named)
    return called

async def main():
    directory = Path(sys.argv[1])
    store = await opened(directory)
    if where == "link":
        os.link = dying(os.link)
    else:
        setattr(store, where, dying(getattr(store, where)))
    await archive_old(store, directory)
    os._exit(1)  # it was not killed, and its threads would keep it alive

archive.MOST_EVENTS = 100
asyncio.run(main())
"""


async def opened(directory: Path, at: int = LATER) -> SqliteStore:
    store = SqliteStore(directory / "gateway.db", ManualClock(at), checkpoint_key=CHECKPOINT_KEY)
    await store.open()
    return store


async def archive_old(store: SqliteStore, directory: Path) -> None:
    archiver = Archiver(store, CHECKPOINT_KEY, directory / "archive", "operator:ann", 200)
    await archiver.archive(LATER - HOUR)


@pytest.mark.parametrize(
    ("where", "call"), [("link", 1), ("cut", 0), ("cut", 1), ("prune", 2), ("move_checkpoints", 0)]
)
async def test_a_killed_run_is_finished_by_the_next(tmp_path: Path, where: str, call: int) -> None:
    (tmp_path / "archive").mkdir()
    store = await opened(tmp_path, NOON)
    await run(store, lambda ws: log(ws, EVENTS))
    whole = [link async for chunk in links(store) for link in chunk]
    await store.close()
    killed = subprocess.run(  # noqa: ASYNC221 - there is nothing else to wait for
        [sys.executable, "-c", KILLED, str(tmp_path), where, str(call)], check=False, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    store = await opened(tmp_path, LATER + HOUR)
    directory = tmp_path / "archive"
    assert (await verify(store, CHECKPOINT_KEY, directory=directory)).breaches == []
    await archive_old(store, tmp_path)
    verdict = await verify(store, CHECKPOINT_KEY, directory=directory)
    archive = Archive(directory, CHECKPOINT_KEY)
    moved = [link for found in archive.links() for link in found]
    left = [link async for chunk in links(store) for link in chunk]
    await store.close()
    assert verdict.breaches == []
    assert moved == whole
    assert not set(left) & set(whole)
    names = {name_of(n + 1) for n in range(archive.segments)}
    assert {path.name for path in directory.iterdir() if path.suffix != ".checkpoints"} == names
