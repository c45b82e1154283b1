"""Channel keys, rule sets and lists: how they are stored."""

from collections.abc import Iterator
from typing import Any

from gateway.model import Activation, ChannelKey, ListedValue, Regrouping, RulePlan, StoredRuleSet
from gateway.store.statement import Query, Write
from gateway.store.tables.columns import Columns
from gateway.store.tables.regrouping import OPEN_WALKS, REGROUPING
from gateway.store.tables.table import Loading, Table, rows_of, stored
from gateway.workingset import WorkingSet, Written
from gateway.workingset.operators import EVERY_CHANNEL

CHANNEL_KEY = Columns("channel_key", ChannelKey, "key_id text")
RULE_SET = Columns("rule_set", StoredRuleSet, "version text")
ACTIVATION = Columns("rule_activation", Activation, "activation_id bigint")
PLAN = Columns("rule_plan", RulePlan, "sha256 text")
_LISTED = Columns("own_list", ListedValue, "name text, value text")
_CHANNEL_KEYS = f"SELECT {', '.join(CHANNEL_KEY.all)} FROM channel_key"
_ACTIVE_RULES = "SELECT version FROM rule_activation ORDER BY activation_id DESC LIMIT 1"
_LISTS = """SELECT l.name, l.value FROM keys(name text) AS k CROSS JOIN own_list AS l ON l.name = k.name"""


def _load_channel_keys(ws: WorkingSet, channels: list[str]) -> Loading:
    """They are few: all are read."""
    [rows] = yield [Query(_CHANNEL_KEYS)]
    keys = [CHANNEL_KEY.read(row) for row in rows]
    for channel in channels:
        ws.keys_of_channel.put(channel, [key for key in keys if channel in (EVERY_CHANNEL, key.channel)])


def _load_rule_sets(ws: WorkingSet, versions: list[str]) -> Loading:
    for version in versions:
        ws.rule_sets.put(version, None)
    rule_sets, active, walks = yield [
        Query(RULE_SET.by_key, versions),
        Query(_ACTIVE_RULES),
        Query(OPEN_WALKS),
    ]
    for row in rule_sets:
        found = RULE_SET.read(row)
        ws.rule_sets.put(found.version, found)
    ws.active_rules = active[0][0] if active else ""
    for row in walks:
        run: Regrouping = REGROUPING.read(row)
        if run.regrouping_id not in ws.regroupings:
            ws.regroupings.put(run.regrouping_id, run)


def _load_lists(ws: WorkingSet, names: list[str]) -> Loading:
    held: dict[str, set[str]] = {name: set() for name in names}
    [rows] = yield [Query(_LISTS, names)]
    for name, value in rows:
        held[name].add(value)
    for name, values in held.items():
        ws.lists.put(name, frozenset(values))


def _save_listed(ws: WorkingSet, values: Written[Any, Any]) -> Iterator[Write]:
    """A value that another gateway listed in the meantime stays as it is."""
    if values.dropped:
        yield Write(_LISTED.delete, list(values.dropped))
    if values.added:
        yield Write(_LISTED.insert_new, stored(_LISTED, values.added))


TABLES = (
    Table("keys_of_channel", _load_channel_keys),
    Table("channel_keys", None, rows_of(CHANNEL_KEY)),
    Table("rule_sets", _load_rule_sets, rows_of(RULE_SET)),
    Table("activations", None, rows_of(ACTIVATION)),
    Table("plans", None, rows_of(PLAN)),
    Table("lists", _load_lists),
    Table("listed", None, _save_listed),
)
