"""An import of ten million rows: each of them takes about as long as one of a million, in as much memory."""

import shutil
from pathlib import Path

import pytest

from gateway.bench.database import SqliteFile
from gateway.bench.imports import MEMORY, run_import, verify
from gateway.bench.sheets import write_sheets

_MILLION = 1_000_000


def _import(directory: Path, rows: int) -> tuple[float, float]:
    """Seconds for each row, and the memory in MiB."""
    directory.mkdir()
    database = SqliteFile(directory / "gateway.db")
    took = run_import(directory, database, write_sheets(directory, rows))
    verify(database, rows)
    assert database.damage() == ""
    shutil.rmtree(directory)
    return sum(each.seconds for each in took) / rows, max(each.memory for each in took)


@pytest.mark.soak
def test_ten_million_rows_take_as_long_each_as_a_million_within_a_quarter(tmp_path: Path) -> None:
    before, _ = _import(tmp_path / "before", _MILLION)
    many, memory = _import(tmp_path / "many", 10 * _MILLION)
    after, _ = _import(tmp_path / "after", _MILLION)
    told = f"µs for a row of 1M, 10M and 1M: {before * 1e6:.0f}, {many * 1e6:.0f}, {after * 1e6:.0f}"
    assert many <= 1.25 * (before + after) / 2, told
    assert memory <= MEMORY.limit
