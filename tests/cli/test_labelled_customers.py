"""A file of customers whose true persons are known, imported under each preset: what it gives is what the rules give of the whole,
and how good that is stands in `rules/README.md`.

`labelled/CHANNEL.csv` are three systems' customers with the traps of real ones (`case`). `person` is the truth; `under PRESET` is
the profile that the preset is expected to make of the row, where that is not simply the person's."""

from __future__ import annotations

import csv
import re
import sqlite3
from collections.abc import Iterable
from importlib.resources import files
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest
from test_cli import Shell

from gateway.clock import DAY
from gateway.store.sqlite.snapshot import snapshot
from rules.partition import Partition, partition
from rules.rulefile import PRESETS, parse, preset
from rules.ruleset import RuleSet

LABELLED = Path(__file__).parent / "labelled"
CHANNELS = ("web", "app", "pos")
CONFIG = """
[server]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
[store]
url = "sqlite:///{directory}/gateway.db"
min_free_disk = "0B"
[rules]
seed = "preset:{preset}"
"""
CHANNEL = """
[[channel]]
name = "{name}"
default_region = "EG"
"""
_ROW = re.compile(r"\| `([\w-]+)` \| (.+) \|")

Place = tuple[str, str]
Group = frozenset[Place]


def rows(channel: str) -> list[dict[str, str]]:
    with (LABELLED / f"{channel}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def labelled(column: str) -> set[Group]:
    """The rows by their label; an empty one is the person."""
    found: dict[str, set[Place]] = {}
    for channel in CHANNELS:
        for row in rows(channel):
            found.setdefault(row[column] or row["person"], set()).add((channel, row["customer_id"]))
    return set(map(frozenset, found.values()))


def pairs(groups: Iterable[Group]) -> set[frozenset[Place]]:
    return set(map(frozenset, chain.from_iterable(combinations(group, 2) for group in groups)))


class Imported:
    """The database after the import, and what the rules make of all its records at once."""

    def __init__(self, database: Path, rules: RuleSet) -> None:
        with snapshot(database, ()) as state:
            records = list(state.records)
        place = {one.record_id: (one.id_space, one.customer_id) for one in records}
        whole = partition(records, (), rules, now=max(one.created_at for one in records) + DAY)
        self.canon = self._named(whole, place)
        self.asked = {
            frozenset((place[one.record_a], place[one.record_b])) for one in whole.refused if one.asks
        }
        with sqlite3.connect(database) as connection:
            self.profiles = {
                frozenset(place[int(number)] for number in members.split(","))
                for (members,) in connection.execute(
                    "SELECT GROUP_CONCAT(record_id) FROM record GROUP BY profile_id"
                )
            }
            self.generic = {
                place[record_id]
                for (record_id,) in connection.execute(
                    "SELECT record_id FROM observation JOIN identifier USING (type, value) WHERE state = 'generic'"
                )
            }

    @staticmethod
    def _named(found: Partition, place: dict[int, Place]) -> set[Group]:
        return {frozenset(place[one] for one in group) for group in found.groups}


@pytest.fixture
def imported(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Imported:
    config = tmp_path / "config.toml"
    channels = "".join(CHANNEL.format(name=channel) for channel in CHANNELS)
    config.write_text(CONFIG.format(directory=tmp_path, preset=name) + channels)
    shell = Shell(config, capsys)
    for channel in CHANNELS:
        rejects = str(tmp_path / "rejects.csv")
        answer = shell.json(
            "import", str(LABELLED / f"{channel}.csv"), "--channel", channel, "--rejects", rejects
        )
        assert sum(answer["counts"].values()) == len(rows(channel))
        assert "rejected" not in answer["counts"]
    rules = parse(preset(name))
    assert isinstance(rules, RuleSet)
    return Imported(tmp_path / "gateway.db", rules)


def measured(found: Imported) -> list[Any]:
    """Profiles; pairs of records that are joined rightly, wrongly, not at all; precision and recall in per cent; questions, and
    those of them that are to be answered yes."""
    truth, joined = pairs(labelled("person")), pairs(found.canon)
    right, wrong, missed = truth & joined, joined - truth, truth - joined
    persons = {place: group for group in labelled("person") for place in group}
    yes = sum(persons[one] is persons[other] for one, other in map(sorted, found.asked))
    return [
        len(found.canon),
        len(right),
        len(wrong),
        len(missed),
        f"{len(right) / len(joined):.1%}",
        f"{len(right) / len(truth):.1%}",
        len(found.asked),
        yes,
    ]


def documented(name: str) -> str:
    guide = files("rules").joinpath("README.md").read_text(encoding="utf-8")
    section = guide.partition("### What they make of the same customers")[2].partition("\n#")[0]
    return dict(_ROW.findall(section))[name]


@pytest.mark.parametrize("name", PRESETS)
def test_an_import_gives_what_the_rules_give_of_the_whole_and_the_labels_expect(
    name: str, imported: Imported
) -> None:
    """I8. Profiles that a value had joined before it turned generic may be wider."""
    assert imported.canon == labelled(f"under {name}")
    for profile in imported.profiles - imported.canon:
        assert profile <= imported.generic
        assert all(group <= profile for group in imported.canon if group & profile)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_as_good_as_the_guide_says(name: str, imported: Imported) -> None:
    assert " | ".join(map(str, measured(imported))) == documented(name)
