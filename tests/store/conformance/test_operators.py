"""Channel keys and rule sets: stored and loaded again."""

from gateway.model import ChannelKey, StoredRuleSet
from gateway.store import Store
from tests.support.in_process_gateway import NOON
from tests.support.store_batches import (
    Do,
    look,
    run,
)


async def test_channel_keys_are_found_by_channel_and_all_together(store: Store) -> None:
    web = ChannelKey("k1", "web", b"\x00a", b"s", NOON, "operator")
    pos = ChannelKey("k2", "pos", b"b", b"s", NOON, "operator")
    revoked = ChannelKey("k1", "web", b"\x00a", b"s", NOON, "operator", NOON + 1)

    def keep(*keys: ChannelKey) -> Do:
        return lambda ws: [ws.keep_channel_key(key) for key in keys]

    await run(store, keep(web, pos))
    await run(store, keep(revoked))
    ws = await look(store, lambda ws: [ws.keys_of_channel.want(c) for c in ("web", "app", "*")])
    assert ws.keys_of_channel["web"] == [revoked]
    assert ws.keys_of_channel["app"] == []
    assert {key.key_id: key for key in ws.keys_of_channel["*"]} == {"k1": revoked, "k2": pos}


async def test_the_newest_activation_says_which_rules_are_active(store: Store) -> None:
    one, two = (StoredRuleSet(v, f"sha-{v}", "text", "operator", NOON) for v in ("1", "2"))
    await run(store, lambda ws: [ws.rule_sets.add(rules.version, rules) for rules in (one, two)])
    for version in ("1", "2", "1"):
        await run(store, lambda ws, v=version: ws.activate(v, "op"))
    ws = await look(store, lambda ws: [ws.rule_sets.want(v) for v in ("1", "2", "3")])
    assert ws.rule_sets.held == {"1": one, "2": two, "3": None}
    assert ws.active_rules == "1"
