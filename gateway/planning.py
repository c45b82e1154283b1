"""`python -m gateway.planning DATABASE NOW`: what a rule file (on stdin) would make of the whole database, as JSON on stdout.

A process of its own, as it thinks for seconds about all records: the one that serves goes on. It writes nothing (I21).
"""

import os
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from gateway.store.sqlite.snapshot import Snapshot, snapshot
from rules.groups import GroupAttributes
from rules.partition import partition
from rules.plan import Plan, plan
from rules.rulefile import parse
from rules.ruleset import RuleSet

_POLITENESS = 10


def planned(database: Path, rules: RuleSet, now: int) -> Plan:
    names = {name for rule in rules.rules for name in rule.confirm_any}
    with snapshot(database, names) as state:
        after = partition(
            state.records(),
            state.pins,
            rules,
            now=now,
            balances=state.balances,
            attributes=_last_words(state) if names else None,
        )
        return plan(state.profiles, after, state.balances)


def _last_words(state: Snapshot) -> GroupAttributes:
    """The texts that are known of a group, the youngest record's last, as a call compares them."""

    def texts(records: Collection[int]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for record_id in sorted(records):
            found |= state.attributes.get(record_id, {})
        return found

    return texts


def main(database: str, now: str) -> None:
    os.nice(_POLITENESS)
    rules = parse(sys.stdin.buffer.read().decode())
    if not isinstance(rules, RuleSet):
        raise SystemExit("the rule file has problems")
    sys.stdout.buffer.write(msgspec.json.encode(planned(Path(database), rules, int(now))))


if __name__ == "__main__":
    main(*sys.argv[1:])
