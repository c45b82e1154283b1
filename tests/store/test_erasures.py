"""The file of erasures beside a SQLite database: each is added at its cost alone, however many there were, and whatever touched
the file meanwhile."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import ErasuresUnreadable
from gateway.model import Erasure
from gateway.sqlite_library import sqlite3
from gateway.store.erasures import ErasureFile
from gateway.store.sqlite import erasing
from tests.support.in_process_gateway import CHECKPOINT_KEY, InProcessGateway, achieve, customer, erase

MANY = 500


def erasures(first: int, count: int = 1) -> list[Erasure]:
    return [Erasure(number, number, (number,), 0) for number in range(first, first + count)]


@pytest.fixture
def file(tmp_path: Path) -> ErasureFile:
    return ErasureFile(tmp_path / "gateway.db", b"key")


async def test_one_more_erasure_does_not_read_the_earlier_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with InProcessGateway(tmp_path) as core:
        for name in ("web:ann", "web:bob", "web:cleo"):
            await core.send(customer(name))
        await core.send(erase("web:ann"))
        reads: list[int] = []
        read = ErasureFile.read
        monkeypatch.setattr(ErasureFile, "read", lambda own: reads.append(1) or read(own))
        await core.send(erase("web:bob"))
        assert reads == []
        kept = core.path.with_name("gateway.db.erased")
        kept.unlink()
        await core.send(erase("web:cleo"))
        assert reads == [1]
        assert len(ErasureFile(core.path, CHECKPOINT_KEY).read()) == 3


def test_a_change_of_the_file_by_another_process_is_noticed(file: ErasureFile) -> None:
    assert not file.is_as_left()
    file.add(erasures(1))
    assert file.is_as_left()
    content = file.path.read_bytes()
    file.path.write_bytes(content)
    assert not file.is_as_left()
    file.add(erasures(2))
    assert file.is_as_left()
    file.path.unlink()
    assert not file.is_as_left()


@pytest.mark.parametrize("torn", [b"{", b"x" * 4095, b"x" * 4096, b"x" * 10_000])
@pytest.mark.parametrize("before", [0, 1, MANY])
def test_a_line_without_its_end_makes_room_for_the_next(file: ErasureFile, before: int, torn: bytes) -> None:
    file.add(erasures(1, before))
    with file.path.open("ab") as whole:
        whole.write(torn)
    file.add(erasures(before + 1))
    assert list(file.read()) == list(range(1, before + 2))


def test_a_foreign_line_is_refused_with_its_number(file: ErasureFile) -> None:
    file.add(erasures(1, MANY))
    ErasureFile(file.path.with_name("gateway.db"), b"another key").add(erasures(MANY + 1))
    with pytest.raises(ErasuresUnreadable, match=f"line {MANY + 1} is not signed"):
        file.read()


@contextlib.contextmanager
def an_earlier_state_read(path: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM record").fetchone()
        yield


async def test_calls_do_not_wait_for_whoever_reads_an_earlier_state_of_an_erased_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[bool] = []
    wipe = erasing.wipe

    def noted(*arguments: object) -> bool:
        tried.append(wipe(*arguments))  # pyright: ignore
        return tried[-1]

    monkeypatch.setattr(erasing, "wipe", noted)
    async with InProcessGateway(tmp_path) as core:
        await core.send(customer("web:ann"))
        with an_earlier_state_read(core.path):
            await core.send(erase("web:ann"))
            for number in range(3):
                await core.send(achieve(f"web:{number}"))
            assert tried == [False]
            await core.store.maintain(100)
            assert tried == [False, False]
        await core.store.maintain(100)
        await core.store.maintain(100)
        assert tried == [False, False, True]
