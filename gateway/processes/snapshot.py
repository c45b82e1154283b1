"""How the processes that compute beside the gateway begin: what they are given, and the database at one moment."""

import os
import sys
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from gateway.store.snapshot import Snapshot
from gateway.store.sqlite import snapshot as sqlite
from rules.language.parse import parse
from rules.ruleset import RuleSet

_POLITENESS = 10


def given() -> tuple[str, RuleSet]:
    """The database's URL, which is the first line of stdin, and the rules that follow it. From now on the process gives way to the
    gateway."""
    os.nice(_POLITENESS)
    url, _, text = sys.stdin.buffer.read().decode().partition("\n")
    rules = parse(text, stored=True)
    if not isinstance(rules, RuleSet):
        raise SystemExit("the rule file has problems")
    return url, rules


def open_snapshot(
    url: str, names: Collection[str], *, with_profiles: bool = True
) -> AbstractContextManager[Snapshot]:
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///"))
        return sqlite.snapshot(path, names, with_profiles=with_profiles)
    from gateway.store.postgres.snapshot import snapshot

    return nullcontext(snapshot(url, names, with_profiles=with_profiles))
