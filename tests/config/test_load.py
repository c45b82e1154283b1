"""The settings file: the example, the defaults, and what single values mean."""

import re
import tomllib
from collections import defaultdict
from typing import Any

import pytest
from msgspec import NODEFAULT
from msgspec.structs import FieldInfo, fields

from gateway.config import (
    Config,
    load,
    warnings,
)
from gateway.config.reading import forms, section_of
from tests.support.settings_texts import EXAMPLE, MINIMAL, TABLES, tables_of_the_file

# ---- the example ----


def shown_settings() -> dict[str, list[tuple[str, Any, str]]]:
    """By table: key, value and line of every setting that the example shows, commented out or not."""
    shown: defaultdict[str, list[tuple[str, Any, str]]] = defaultdict(list)
    table = ""
    for line in EXAMPLE.read_text().splitlines():
        if header := re.match(r"#?\[+(\w+)\]", line):
            table = header[1]
        elif re.match(r"#?\w+ = ", line):
            ((key, value),) = tomllib.loads(line.lstrip("#")).items()
            shown[table].append((key, value, line))
    return shown


def test_the_example_loads_in_an_empty_environment_without_a_warning():
    config = load(EXAMPLE, {})
    assert [channel.name for channel in config.channels] == ["web", "mobile", "pos", "callcenter"]
    assert len({channel.id_space for channel in config.channels}) == 4
    assert config.campaigns[0].points == 100
    assert warnings(config) == []


@pytest.mark.parametrize(
    ("table", "setting"), tables_of_the_file(), ids=lambda part: getattr(part, "encode_name", part)
)
def test_the_example_shows_every_setting(table: str, setting: FieldInfo):
    values = [value for key, value, _ in shown_settings()[table] if key in forms(setting)]
    assert values
    if nested := section_of(setting.type):
        assert {key for value in values for key in value} == {part.encode_name for part in fields(nested)}


@pytest.mark.parametrize("setting", [s for s in fields(Config) if section_of(s.type)], ids=lambda s: s.name)
def test_a_table_of_the_example_holds_the_defaults(setting: FieldInfo):
    assert getattr(load(EXAMPLE, {}), setting.name) == getattr(Config(), setting.name)


@pytest.mark.parametrize("table", TABLES)
def test_a_setting_commented_out_in_a_list_of_the_example_is_the_default(read, table: str):
    by_key = {setting.encode_name: setting for setting in fields(TABLES[table])}
    for key, _, line in shown_settings()[table]:
        if line.startswith("#") and key in by_key and by_key[key].default not in (None, NODEFAULT):
            assert read(MINIMAL[table] + line.lstrip("#")) == read(MINIMAL[table])


def test_an_empty_file_is_all_defaults(read):
    assert read("") == Config()


# ---- what values mean ----


def test_a_channel_hands_out_its_own_ids_unless_it_shares_an_id_space(read):
    config = read('[[channel]]\nname = "web"\n[[channel]]\nname = "mobile"\nid_space = "web"')
    assert [channel.id_space for channel in config.channels] == ["web", "web"]


def test_a_database_file_is_known_by_its_path(read):
    assert read('[store]\nurl = "sqlite:////var/lib/gateway.db"').store.sqlite_path == "/var/lib/gateway.db"
    assert read('[store]\nurl = "postgresql://u@h/db"').store.sqlite_path is None


def test_a_tier_lock_that_no_tier_opens_is_a_warning(read):
    text = MINIMAL["channel"] + MINIMAL["campaign"] + "audience = { min_tier = 1 }\n"
    assert [line.partition(":")[0] for line in warnings(read(text))] == ["campaign[0].audience.min_tier"]
    assert warnings(read(text + MINIMAL["tier"])) == []
