"""A file of customers whose true persons are known, imported under each preset: what it gives is what the rules give of the whole,
and how good that is stands in `docs/guides/presets.md`.

`labelled/CHANNEL.csv` are three systems' customers with the traps of real ones (`case`). `person` is the truth; `under PRESET` is
the profile that the preset is expected to make of the row, where that is not simply the person's."""

from __future__ import annotations

import asyncio
import csv
import json
import re
import shutil
from collections.abc import Iterable
from itertools import chain, combinations
from pathlib import Path

import pytest

from gateway.clock import DAY, SystemClock
from gateway.sqlite_library import sqlite3
from gateway.store.sqlite.snapshot import snapshot
from rules.batch.partition import partition
from rules.language.parse import PRESETS, preset
from rules.policy import Policy
from rules.ruleset import RuleSet
from tests.support.in_process_gateway import InProcessGateway, ManualClock, environment, rule_set_of
from tests.support.shell import Shell

LABELLED = Path(__file__).parent / "labelled"
PRESETS_PAGE = Path(__file__).parents[2] / "docs/guides/presets.md"
CHANNELS = ("web", "app", "pos")
CONFIG = """
[server]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
[store]
url = "sqlite:///{directory}/gateway.db"
min_free_disk = "0B"
[rules]
seed = "{rules}"
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
    """The database after the import, and what the rules make of all its records at once. `leaving` are the parts of each profile
    about which a person is asked whether they should leave it."""

    def __init__(self, database: Path, rules: RuleSet) -> None:
        with snapshot(database, ()) as state:
            records = list(state.records)
        place = {one.record_id: (one.id_space, one.customer_id) for one in records}
        whole = partition(records, (), Policy(rules), now=max(one.created_at for one in records) + DAY)
        self.canon = {frozenset(place[one] for one in group) for group in whole.groups}
        self.asked = {
            frozenset((place[one.record_a], place[one.record_b])) for one in whole.refused if one.asks
        }
        members: dict[int, set[Place]] = {}
        for one in records:
            members.setdefault(one.profile_id, set()).add(place[one.record_id])
        self.profiles = set(map(frozenset, members.values()))
        self.leaving: dict[Group, list[Group]] = {}
        with sqlite3.connect(database) as connection:
            for profile_id, part in connection.execute(
                "SELECT profile_a, records FROM review WHERE state = 'open' AND reason LIKE 'resplit:%'"
            ):
                parts = self.leaving.setdefault(frozenset(members[profile_id]), [])
                parts.append(frozenset(place[number] for number in json.loads(part)))


@pytest.fixture
def imported(name: str, resplit: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Imported:
    """The three files through `gateway import`, one after the other, and then what the gateway does on its own."""
    rules = tmp_path / "rules.toml"
    rules.write_text(f'{preset(name)}\n[conflict]\nresplit = "{resplit}"\n')
    channels = "".join(CHANNEL.format(name=channel) for channel in CHANNELS)
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(directory=tmp_path, rules=rules) + channels)
    shell = Shell(config, capsys)
    for channel in CHANNELS:
        file = str(shutil.copy(LABELLED / f"{channel}.csv", tmp_path))
        answer = shell.json("import", file, "--channel", channel)
        assert sum(answer["counts"].values()) == len(rows(channel))
        assert "rejected" not in answer["counts"]
    parsed = rule_set_of(rules.read_text())
    asyncio.run(_regroup(tmp_path, parsed))
    return Imported(tmp_path / "gateway.db", parsed)


async def _regroup(directory: Path, rules: RuleSet) -> None:
    async with InProcessGateway(
        directory, environment(rules=rules), clock=ManualClock(SystemClock().now())
    ) as core:
        await core.regroup()


def measured(found: Imported) -> str:
    """Profiles; pairs of records that are joined rightly, wrongly, not at all; precision and recall; questions, and those of them
    that are to be answered yes."""
    truth, joined = pairs(labelled("person")), pairs(found.canon)
    right, wrong, missed = truth & joined, joined - truth, truth - joined
    yes = len(found.asked & truth)
    quality = f"{len(right) / len(joined):.1%} | {len(right) / len(truth):.1%}"
    return f"{len(found.canon)} | {len(right)} | {len(wrong)} | {len(missed)} | {quality} | {len(found.asked)} | {yes}"


def documented(name: str) -> str:
    return dict(_ROW.findall(PRESETS_PAGE.read_text(encoding="utf-8")))[name]


@pytest.mark.parametrize("resplit", ["auto"])
@pytest.mark.parametrize("name", PRESETS)
def test_an_import_gives_what_the_rules_give_of_the_whole_as_labelled_and_as_good_as_the_guide_says(
    name: str, imported: Imported
) -> None:
    """I8."""
    assert imported.profiles == imported.canon == labelled(f"under {name}")
    assert measured(imported) == documented(name)


@pytest.mark.parametrize("resplit", ["review"])
@pytest.mark.parametrize("name", [name for name in PRESETS if name != "retail"])
def test_where_a_person_decides_about_earlier_joins_the_open_questions_are_the_difference(
    name: str, imported: Imported
) -> None:
    """I8. The shop's number, the counter's address and the taped card had joined people before they turned generic. `retail` asks
    about each of these instead, because these customers have no names."""
    assert imported.profiles != imported.canon
    parts = imported.profiles - imported.leaving.keys()
    for profile, leaving in imported.leaving.items():
        parts |= {*leaving, profile.difference(*leaving)}
    assert parts == imported.canon
