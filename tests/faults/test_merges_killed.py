"""`kill -9` while people merge, split and undo, while a rule set is planned, and while all profiles are regrouped: each of these is
done whole or not at all, and what was begun is finished after the restart."""

import http.client
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.sqlite_library import sqlite3
from rules.language.parse import preset
from tests.support.processes.evidence import breaches
from tests.support.processes.gateway_process import ADMIN_TOKEN, Process

_FAMILIES = 400
_ROUNDS = 2
_LONG_ROUNDS = 100
_PATIENCE = 90.0
_WHY = {"reason": "they said so"}


def _rules(version: str, fanout_limit: int) -> str:
    """With a limit of 1 the families' common number is generic; with 5 it joins them."""
    text = preset("email-or-mobile").replace("preset-email-or-mobile-1", version)
    text = text.replace("[rules]", '[rules]\nactivation = "immediate"')
    text = text.replace("fanout_limit = 5 ", f"fanout_limit = {fanout_limit} ", 1)
    return f'{text}\n[conflict]\nresplit = "auto"\n'


@dataclass
class Ordeal:
    """`mixed`: families that were not whole after a kill; `broken`: decisions that were half done; `lost`: acknowledged ones
    that are not there; `torn`: kills in the middle of a walk."""

    process: Process
    chance: random.Random
    mixed: list[Any] = field(default_factory=list[Any])
    broken: list[Any] = field(default_factory=list[Any])
    lost: list[Any] = field(default_factory=list[Any])
    answered: int = 0
    decided: int = 0
    torn: int = 0
    version: int = 0
    joined: bool = True

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's body; None for a refusal. Raises OSError or HTTPException when the gateway died meanwhile."""
        connection = http.client.HTTPConnection("127.0.0.1", self.process.admin_port, timeout=30)
        with closing(connection):
            headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json"}
            connection.request(method, f"/admin/v1{path}", json.dumps(body or {}), headers)
            answer = connection.getresponse()
            told = answer.read()
            return json.loads(told) if answer.status < 300 else None

    def rows(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.process.database}?mode=ro", uri=True)) as connection:
            return connection.execute(sql).fetchall()

    # ---- regrouping ----

    def activate(self) -> None:
        """The other kind of rules: they split the families, or join them again."""
        self.version += 1
        self.joined = not self.joined
        text = _rules(f"v{self.version}", 5 if self.joined else 1)
        assert self.ask("POST", "/rules?activate=true", {"text": text}) is not None

    def families(self) -> dict[int, frozenset[frozenset[str]]]:
        groups: dict[int, set[str]] = {}
        for profile_id, customer_id in self.rows("SELECT profile_id, customer_id FROM record"):
            groups.setdefault(profile_id, set()).add(customer_id)
        families: dict[int, set[frozenset[str]]] = {}
        for group in groups.values():
            for number in {int(one[1:]) for one in group if one[0] in "abc"}:
                families.setdefault(number, set()).add(frozenset(one[0] for one in group))
        return {number: frozenset(parts) for number, parts in families.items()}

    def is_regrouped(self) -> bool:
        return not self.rows("SELECT 1 FROM regrouping WHERE finished_at IS NULL")

    def wait_until_regrouped(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not self.is_regrouped():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def regroup_and_kill(self) -> None:
        """Activate, kill in the middle of the walk, look, start again."""
        self.activate()
        cursors = "SELECT regrouping_id, cursor FROM regrouping ORDER BY 1"
        before, deadline = self.rows(cursors), time.monotonic() + _PATIENCE
        while self.rows(cursors) == before and time.monotonic() < deadline:
            time.sleep(self.chance.uniform(0, 0.02))
        time.sleep(self.chance.uniform(0, 0.1))
        self.process.kill()
        self.torn += not self.is_regrouped()
        whole = {_TOGETHER, _APART}
        self.mixed += [(number, parts) for number, parts in self.families().items() if parts not in whole]
        self.process.start()

    # ---- decisions of operators ----

    def decide_and_kill(self) -> None:
        """Merge and undo, or merge and split, one pair after the other, until the gateway dies under it."""
        acknowledged: list[tuple[str, str]] = []
        deciding = threading.Thread(target=self._decide, args=(acknowledged,))
        deciding.start()
        deadline = time.monotonic() + _PATIENCE
        while not acknowledged and deciding.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(self.chance.uniform(0, 0.3))
        self.process.kill()
        deciding.join()
        self.answered += len(acknowledged)
        self._look_for_halves()
        merges = {
            f"mrg_{number:016x}": undone
            for number, undone in self.rows("SELECT merge_id, undone_at FROM merge")
        }
        for what, merge in acknowledged:
            if merge not in merges or (what == "undone" and merges[merge] is None):
                self.lost.append((what, merge))
        self.process.start()

    def _decide(self, acknowledged: list[tuple[str, str]]) -> None:
        pairs = self.rows(
            "SELECT a.profile_id, b.profile_id, b.record_id FROM record a JOIN record b"
            " ON a.customer_id = 'x' || substr(b.customer_id, 2) WHERE b.customer_id LIKE 'y%' ORDER BY a.record_id"
        )
        try:
            for one, other, record in pairs[self.decided :]:
                self.decided += 1
                named = [f"prf_{number:016x}" for number in (one, other)]
                if (
                    one == other
                    or (merged := self.ask("POST", "/merges", {"profiles": named, **_WHY})) is None
                ):
                    continue
                acknowledged.append(("merged", merged["merge"]))
                if self.chance.random() < 0.5:
                    if self.ask("POST", f"/merges/{merged['merge']}/undo", _WHY) is not None:
                        acknowledged.append(("undone", merged["merge"]))
                else:
                    leaving = {"records": [f"rec_{record:016x}"], "mode": "plain", **_WHY}
                    self.ask("POST", f"/profiles/{merged['profile']}/split", leaving)
        except (OSError, http.client.HTTPException):
            return

    def _look_for_halves(self) -> None:
        """By hand, a merge has its row, its redirect, its pin and its event; a merge that was taken back, or split, none of
        the first three, and the two are pinned apart."""
        found = self.rows(
            """
            SELECT m.merge_id, m.undone_at IS NULL, p.redirect_to IS m.survivor_id,
              (SELECT n.kind FROM pin n WHERE n.record_a = MIN(m.survivor_records ->> 0, m.absorbed_records ->> 0)
               AND n.record_b = MAX(m.survivor_records ->> 0, m.absorbed_records ->> 0)),
              (SELECT COUNT(*) FROM audit e WHERE e.action = 'identity.merged' AND e.object = format('mrg_%016x', m.merge_id)),
              (SELECT COUNT(*) FROM record r WHERE r.profile_id = m.absorbed_id)
            FROM merge m JOIN profile p ON p.profile_id = m.absorbed_id WHERE m.rule = 'operator'
            """
        )
        standing, taken_back = (1, 1, "must", 1, 0), (0, 0, "cannot", 1, 1)
        self.broken += [row for row in found if row[1:] not in (standing, taken_back)]


_TOGETHER = frozenset({frozenset("abc")})
_APART = frozenset({frozenset("ac"), frozenset("b")})


def _write(file: Path) -> None:
    """Families of three records, a and b by their number, a and c by an address; and pairs of strangers for decisions."""
    lines = ["customer_id,email,mobile"]
    for n in range(_FAMILIES):
        mobile = f"+2010{21_000_000 + 7 * n:08d}"
        lines += [
            f"a{n},a{n}@example.com,{mobile}",
            f"b{n},b{n}@example.com,{mobile}",
            f"c{n},a{n}@example.com,",
        ]
        lines += [f"x{n},x{n}@example.com,", f"y{n},y{n}@example.com,"]
    file.write_text("\n".join(lines) + "\n")


def _import(process: Process, file: Path) -> None:
    words = ("import", str(file), "--channel", "web", "--config", str(process.config))
    subprocess.run(
        [sys.executable, "-m", "gateway", *words],
        check=True,
        capture_output=True,
        env={"GATEWAY_ADMIN_TOKEN": ADMIN_TOKEN, "PYTHONPATH": ":".join(sys.path)},
        timeout=_PATIENCE,
    )


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(_ROUNDS, id=f"{_ROUNDS} rounds"),
        pytest.param(_LONG_ROUNDS, id=f"{_LONG_ROUNDS} rounds", marks=pytest.mark.soak),
    ],
)
def ordeal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ordeal]:
    directory = tmp_path_factory.mktemp("merges")
    _write(directory / "families.csv")
    suffered = Ordeal(Process(directory), random.Random(1))
    try:
        _import(suffered.process, directory / "families.csv")
        suffered.process.start()
        for _ in range(request.param):
            suffered.regroup_and_kill()
            suffered.decide_and_kill()
        suffered.wait_until_regrouped()
        yield suffered
    finally:
        suffered.process.kill()


def test_i15_no_family_was_ever_half_regrouped(ordeal: Ordeal) -> None:
    assert ordeal.torn > 0
    assert ordeal.mixed == []


def test_a_walk_that_was_killed_is_finished_after_the_start(ordeal: Ordeal) -> None:
    assert set(ordeal.families().values()) == {_TOGETHER if ordeal.joined else _APART}


def test_i15_every_merge_split_and_undo_is_whole_or_not_there(ordeal: Ordeal) -> None:
    assert ordeal.answered > 0
    assert ordeal.broken == []
    assert ordeal.lost == []


def test_a_plan_that_was_killed_leaves_nothing(ordeal: Ordeal) -> None:
    asking = threading.Thread(target=_plan, args=(ordeal,))
    asking.start()
    time.sleep(0.2)
    ordeal.process.kill()
    asking.join()
    assert ordeal.rows("SELECT COUNT(*) FROM rule_plan") == [(0,)]
    ordeal.process.start()
    assert ordeal.ask("POST", "/rules/plan", {"text": _rules("planned", 5)}) is not None
    assert ordeal.rows("SELECT COUNT(*) FROM rule_plan") == [(1,)]


def _plan(ordeal: Ordeal) -> None:
    try:
        ordeal.ask("POST", "/rules/plan", {"text": _rules("planned", 5)})
    except (OSError, http.client.HTTPException):
        return


def test_the_audit_chains_and_the_file_are_whole(ordeal: Ordeal) -> None:
    assert breaches(ordeal.process) == []
