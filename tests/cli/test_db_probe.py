"""`gateway db probe` says what held, and exits with 1 on an engine that is not serializable."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from gateway.cli import run
from gateway.probe import TRIALS
from tests.support.weak_engine import weakened

if TYPE_CHECKING:
    import pytest

    from tests.support.postgresql import PostgresServer


def test_the_races_are_shown_as_a_table_and_as_json(
    postgres: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    url = postgres.url(postgres.fresh())
    assert run(["db", "probe", "--url", url, "--rounds", "1"]) == 0
    shown = capsys.readouterr().out
    assert all(race in shown for race in TRIALS)
    assert run(["db", "probe", "--url", url, "--rounds", "1", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["sound"]
    assert [race["race"] for race in answer["races"]] == list(TRIALS)


async def test_an_engine_that_is_not_serializable_is_refused_with_what_that_means(
    postgres: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    async with weakened(postgres.directory) as socket:
        url = f"postgresql://gateway:secret@/{postgres.fresh()}?host={socket}"
        assert await asyncio.to_thread(run, ["db", "probe", "--url", url, "--rounds", "3"]) == 1
    said = capsys.readouterr().err
    assert "do not run more than one gateway on it" in said
    assert "secret" not in said


def test_another_kind_of_database_is_a_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["db", "probe", "--url", "sqlite:///gateway.db"]) == 2
    assert "postgresql://" in capsys.readouterr().err
