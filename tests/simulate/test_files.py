"""An invented shop as files: they are read as they were meant, by the score and by an import."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.program import run
from gateway.simulate.labelled import as_labelled
from gateway.simulate.registrations import registrations
from gateway.simulate.score import score
from gateway.simulate.shapes import SHAPES
from rules.language.parse import parse, preset
from rules.ruleset import RuleSet
from tests.support.shell import Shell

CONFIG = """
[server]
admin_listen = "127.0.0.1:0"
[store]
url = "sqlite:///{directory}/gateway.db"
min_free_disk = "0B"
"""
PEOPLE = 60


def simulate(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(["simulate", *words]) == 0
    return capsys.readouterr().out


def invented_shop(capsys: pytest.CaptureFixture[str], directory: Path, shape: str = "retail") -> Path:
    simulate(capsys, "shop", str(directory), "--shape", shape, "--people", str(PEOPLE))
    return directory


def scored(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    return json.loads(simulate(capsys, "score", *words, "--json"))


@pytest.mark.parametrize("shape", SHAPES)
def test_files_are_scored_as_the_shop_that_was_invented(
    shape: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = parse(preset("email-or-mobile"))
    assert isinstance(rules, RuleSet)
    meant = score(as_labelled(registrations(SHAPES[shape], PEOPLE, 1)), rules)
    found = scored(capsys, str(invented_shop(capsys, tmp_path / "shop", shape)))
    assert found["rows"] == meant.rows
    assert found["unattended"]["f1"] == round(meant.unattended.f1, 4)
    assert found["missed"] == meant.missed


def test_the_same_words_write_the_same_files_and_say_that_all_is_invented(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = (invented_shop(capsys, tmp_path / name) for name in ("one", "other"))
    assert {file.name: file.read_bytes() for file in one.iterdir()} == {
        file.name: file.read_bytes() for file in other.iterdir()
    }
    assert "invented" in (one / "INVENTED.txt").read_text()


def test_a_shop_that_is_there_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop = invented_shop(capsys, tmp_path / "shop")
    before = (shop / "web.csv").read_bytes()
    assert run(["simulate", "shop", str(shop), "--seed", "2"]) == 1
    assert (shop / "web.csv").read_bytes() == before


def test_a_gateway_imports_each_file_without_a_refused_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = invented_shop(capsys, tmp_path / "shop")
    channels = "".join(
        f'[[channel]]\nname = "{name}"\ndefault_region = "EG"\n' for name in SHAPES["retail"].channels
    )
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(directory=tmp_path) + channels)
    shell = Shell(config, capsys)
    for name, channel in SHAPES["retail"].channels.items():
        file = shop / f"{name}.{'ndjson' if channel.ndjson else 'csv'}"
        words = ("import", str(file), "--channel", name, "--mapping", str(shop / "mapping.toml"))
        counts = shell.json(*words)["counts"]
        assert "rejected" not in counts
        assert sum(counts.values()) > 0


def _labelled(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def test_a_list_that_others_labelled_is_read_by_its_own_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        ("rec", "cluster", "source", "mail", "surname"),
        ("1", "a", "shop", "ann@example.com", "Smith"),
        ("1", "a", "till", "ann@example.com", "Smyth"),
        ("2", "b", "till", "bob@example.com", "Jones"),
        ("3", "", "till", "bob@example.com", "Jones"),
    ]
    file = _labelled(tmp_path / "people.csv", rows)
    columns = ("--map", "customer_id=rec", "--map", "email=mail", "--map", "lastName=surname")
    found = scored(capsys, str(file), "--person", "cluster", "--channel", "source", *columns)
    assert (found["rows"], found["persons"], found["profiles"]) == (4, 3, 2)
    assert found["unattended"] == {"precision": 0.5, "recall": 1.0, "f1": 0.6667}


def test_a_table_tells_the_figures_and_what_is_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = simulate(capsys, "score", str(invented_shop(capsys, tmp_path / "shop")), "--preset", "strict")
    assert "questions for 100 customers" in text
    assert "asked: review" in text


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["shop", "x", "--shape", "bazaar"], "bazaar is not a shape"),
        (["score", "x.csv", "--preset", "lucky"], "lucky is not a preset"),
        (["score", "x.csv"], "cannot be read"),
    ],
)
def test_what_is_not_there_is_named(
    words: list[str],
    complaint: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["simulate", *words]) == 2
    assert complaint in capsys.readouterr().err
