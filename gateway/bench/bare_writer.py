"""The reference for grants and imports: puts the rows that the gateway wrote into the same tables of another database, as many
in a transaction as the gateway, and decides nothing. The lines of `sheets` are normalised on the way. Run as `python -m
gateway.bench.bare_writer`."""

import asyncio
import csv
import gc
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import msgspec

from gateway.bench.normalise_rules import normalizer
from gateway.sqlite_library import sqlite3
from gateway.store.sqlite.connection import ALONE, PRAGMAS, SERVING

REGION = "EG"
_SQLITE = "sqlite:///"
_Values: TypeAlias = tuple[Any, ...]
_Batch: TypeAlias = Sequence[tuple[str, Sequence[_Values]]]


class Rows(msgspec.Struct, frozen=True):
    """What to read from the gateway's database, and the statement that takes each of these rows as its parameters. `{}` in it
    stands for as many `?` as a row has values."""

    select: str
    write: str


class Writing(msgspec.Struct, frozen=True):
    """`source` and `target` are database URLs. A transaction has `each` rows of the first kind in `rows`, with their share of the
    other kinds. `alone`: set up the file as for a command that runs alone, not as for a serving gateway."""

    source: str
    target: str
    rows: list[Rows]
    each: int
    rounds: int
    alone: bool = False
    sheets: list[str] = []


class Written(msgspec.Struct):
    """By round: rows a second, and seconds of CPU for a row, without the time to read the rows. `identifiers` is how many the
    lines of the sheets had."""

    rates: list[float]
    cpu: list[float]
    identifiers: int


class _Engine(Protocol):
    def count(self, select: str) -> int: ...

    def read(self, select: str, size: int) -> Iterator[Sequence[_Values]]: ...

    def write(self, batch: _Batch) -> None:
        """Write the whole batch in one transaction."""
        ...


class _Files:
    def __init__(self, question: Writing) -> None:
        source = Path(question.source.removeprefix(_SQLITE)).resolve().as_uri()
        self._source = sqlite3.connect(f"{source}?mode=ro", uri=True)
        self._target = sqlite3.connect(question.target.removeprefix(_SQLITE), isolation_level=None)
        for pragma in (*PRAGMAS, *(ALONE if question.alone else SERVING)):
            self._target.execute(pragma)

    def count(self, select: str) -> int:
        return self._source.execute(f"SELECT count(*) FROM ({select})").fetchone()[0]  # noqa: S608 - a query of ours

    def read(self, select: str, size: int) -> Iterator[Sequence[_Values]]:
        cursor = self._source.execute(select)
        while rows := cursor.fetchmany(size):
            yield rows

    def write(self, batch: _Batch) -> None:
        self._target.execute("BEGIN IMMEDIATE")
        for sql, rows in batch:
            self._target.executemany(sql, rows)
        self._target.execute("COMMIT")


class _Servers:
    def __init__(self, question: Writing) -> None:
        import asyncpg

        self._runner = asyncio.Runner()
        self._source: Any = self._runner.run(asyncpg.connect(question.source))
        self._target: Any = self._runner.run(asyncpg.connect(question.target))

    def count(self, select: str) -> int:
        return self._runner.run(self._source.fetchval(f"SELECT count(*) FROM ({select}) AS found"))  # noqa: S608

    def read(self, select: str, size: int) -> Iterator[Sequence[_Values]]:
        rows = self._runner.run(self._source.fetch(select))
        for start in range(0, len(rows), size):
            yield [tuple(row) for row in rows[start : start + size]]

    def write(self, batch: _Batch) -> None:
        self._runner.run(self._written(batch))

    async def _written(self, batch: _Batch) -> None:
        from gateway.store.postgres.dialect import numbered

        async with self._target.transaction():
            for sql, rows in batch:
                await self._target.executemany(numbered(sql), rows)


def write_all(question: Writing) -> Written:
    engine: _Engine = _Files(question) if question.source.startswith(_SQLITE) else _Servers(question)
    counts = [engine.count(rows.select) for rows in question.rows]
    transactions = -(-counts[0] // question.each)
    sources = [
        engine.read(rows.select, -(-count // transactions))
        for rows, count in zip(question.rows, counts, strict=True)
    ]
    lines, normalize = _lines(question.sheets), normalizer().evidence
    written = Written([], [], 0)
    for _ in range(question.rounds):
        done, wall, cpu = 0, 0.0, 0.0
        for _ in range(transactions // question.rounds):
            batch = [
                _filled(rows.write, next(source, ()))
                for rows, source in zip(question.rows, sources, strict=True)
            ]
            began, used = time.perf_counter(), time.process_time()
            for line in islice(lines, question.each):
                for kind, text in line:
                    written.identifiers += sum(
                        one.status != "invalid" for one in normalize(kind, text, REGION)
                    )
            engine.write(batch)
            wall, cpu = wall + time.perf_counter() - began, cpu + time.process_time() - used
            done += len(batch[0][1])
        written.rates.append(done / wall)
        written.cpu.append(cpu / done)
    return written


def _filled(sql: str, rows: Sequence[_Values]) -> tuple[str, Sequence[_Values]]:
    return sql.format(", ".join("?" * len(rows[0])) if rows else "NULL"), rows


def _lines(sheets: Iterable[str]) -> Iterator[list[tuple[str, str]]]:
    """The identifiers of each line."""
    for sheet in sheets:
        with Path(sheet).open(newline="", encoding="utf-8") as opened:
            for line in csv.DictReader(opened):
                yield [(kind, line[kind]) for kind in ("email", "mobile") if line[kind]]


def main() -> None:
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Writing)
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
    sys.stdout.buffer.write(msgspec.json.encode(write_all(question)))


if __name__ == "__main__":
    main()
