"""A state machine over a real gateway: after each step the invariants of `docs/contributing/invariants.md` are checked against the
tables, by their numbers."""

import asyncio
import contextlib
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.audit.verify import verifier_of
from gateway.clock import HOUR, SECOND
from gateway.ids import show
from gateway.model import (
    FEW_HOLDERS,
    Command,
    Done,
    DropPin,
    MergeProfiles,
    Refused,
    SaveCustomer,
    SetPin,
    Shaped,
    StoredRuleSet,
    StoreRules,
)
from gateway.processes.plan import planned
from gateway.store.queries.audit import checkpoints, links
from gateway.store.queries.record_history import steps
from gateway.store.queries.verification import verify
from gateway.store.sqlite.snapshot import snapshot
from gateway.store.tables.identity import OF_KEY
from rules.batch.partition import Partition, partition
from rules.explain import replay as built
from rules.identifier import Identifier
from rules.policy import Policy
from rules.ruleset import RuleSet
from tests.support import replay
from tests.support.in_process_gateway import (
    CHECKPOINT_KEY,
    SHARE,
    VERSIONS,
    InProcessGateway,
    achieve,
    environment,
    erase,
)
from tests.support.invariant_rules import EMAILS, MOBILES, RULES, SAM, calls, claiming, numbers, places, words

ONLY_ASKED_BY_REQUESTS = """
SELECT review_id FROM review WHERE state = 'open'
AND (reason LIKE 'conflict:max_profiles_at_once%' OR reason LIKE 'conflict:cannot%' OR reason LIKE 'conflict:never%')
"""
_OF_SPLITS = """
SELECT a.record_id AS record_a, b.record_id AS record_b FROM split AS x JOIN split_side AS a ON a.split_id = x.split_id
JOIN split_side AS b ON b.split_id = a.split_id AND b.side <> a.side AND b.record_id > a.record_id
"""
SIDES = (
    "SELECT s.split_id, s.record_id, s.side FROM split_side AS s JOIN split AS x ON x.split_id = s.split_id"
)
PINNED_APART = f"SELECT record_a, record_b FROM pin WHERE kind = 'cannot' UNION {_OF_SPLITS} ORDER BY 1, 2"
PINS = f"SELECT record_a, record_b FROM pin UNION {_OF_SPLITS} ORDER BY 1, 2"
"""Pairs of records with a pin, or for which a split stands."""


def _holding(record_id: int, groups: Iterable[frozenset[int]]) -> frozenset[int]:
    return next(group for group in groups if record_id in group)


class Machine(RuleBasedStateMachine):
    """What every sequence may do, and what holds after each step of any."""

    versions = tuple(sorted(RULES))

    @initialize(data=st.data())
    def start(self, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(self.versions))
        self.cleanup = contextlib.ExitStack()
        directory = Path(self.cleanup.enter_context(tempfile.TemporaryDirectory()))
        pairs = data.draw(st.sampled_from([0, 2, 20]))
        self.cleanup.enter_context(patch("gateway.usecases.split.MOST_PAIRS", pairs))
        self.runner = self.cleanup.enter_context(asyncio.Runner())
        self.core = InProcessGateway(directory, environment(rules=RULES[version]))
        self.run(self.core.__aenter__())
        self.replay = replay.Replay()
        self.followed = 0
        self.said: list[SaveCustomer] = []
        self.excused: set[int] = set()
        self.versions_seen: dict[int, tuple[int, frozenset[int]]] = {}
        self.named: dict[int, tuple[str, int]] = {}
        self._use(version)
        for command in data.draw(st.lists(calls, min_size=3, max_size=9)):
            self.send(command)
            self.said.append(command)

    def run(self, awaitable: Any) -> Any:
        return self.runner.run(awaitable)

    def send(self, command: Command) -> Any:
        self.core.clock.advance(SECOND)
        return self.run(self.core.send(command))

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.run(self.core.rows(sql, *parameters))

    def column(self, sql: str, *parameters: object) -> list[Any]:
        return self.run(self.core.column(sql, *parameters))

    def live(self) -> list[int]:
        return self.column("SELECT profile_id FROM profile WHERE redirect_to IS NULL ORDER BY 1")

    def chosen(self, *places: int) -> list[int]:
        live = self.live()
        return [live[place % len(live)] for place in places] if live else []

    def members(self) -> dict[int, frozenset[int]]:
        found: dict[int, frozenset[int]] = {}
        for record_id, profile_id in self.rows("SELECT record_id, profile_id FROM record"):
            found[profile_id] = found.get(profile_id, frozenset()) | {record_id}
        return found

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        tables = self.column(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        return {table: sorted(self.rows(f"SELECT * FROM {table}"), key=repr) for table in tables}

    def canon(self, rules: RuleSet | None = None) -> Partition:
        with snapshot(self.core.path, ()) as state:
            return partition(
                list(state.records),
                state.pins,
                Policy(rules or self.core.env.rules),
                now=self.core.clock.now(),
                balances=state.balances,
                generic=self._powerless(),
            )

    def _powerless(self) -> list[Identifier]:
        return [
            Identifier(*row)
            for row in self.rows("SELECT type, value FROM identifier_owner WHERE state <> 'normal'")
        ]

    def _use(self, version: str) -> None:
        rules = RULES[version]
        stored = StoredRuleSet(version, rules.sha256, rules.text, "operator", self.core.clock.now())
        self.send(StoreRules(SAM, stored, activate=True))
        self.core.env.use(rules)
        self.excused |= set(self.column("SELECT record_id FROM record"))

    # ---- calls ----

    @rule(batch=st.lists(calls, min_size=1, max_size=4))
    def call(self, batch: list[SaveCustomer]) -> None:
        """Several at once are one transaction, and end as if one by one (I14)."""
        self.core.clock.advance(SECOND)

        async def together() -> None:
            await asyncio.gather(*map(self.core.send, batch))

        self.run(together())
        self.said += batch

    @rule(command=calls)
    def i6_i9_the_same_call_again_is_no_news(self, command: SaveCustomer) -> None:
        first = self.send(command)
        self.said.append(command)
        before = self._news()
        second = self.send(command)
        assert self._news() == before
        assert second.resolution.profile_id == first.resolution.profile_id

    def _news(self) -> list[list[tuple[Any, ...]]]:
        return [
            self.rows(f"SELECT {what} ORDER BY 1, 2")
            for what in (
                "profile_id, changes, redirect_to FROM profile",
                "COUNT(*), 0 FROM audit WHERE action LIKE 'identity.%'",
                "type, value, state, owner_id FROM identifier_owner",
                "profile_a, profile_b, state FROM review",
            )
        ]

    @rule(command=st.builds(claiming, places, words))
    def i24_a_claim_moves_nobody_and_takes_no_key(self, command: SaveCustomer) -> None:
        keys = "SELECT type, value, state, owner_id, holders FROM identifier_owner ORDER BY 1, 2"
        before = set(self.members().values()), self.rows(keys)
        resolution = self.send(command).resolution
        arrived = {frozenset([resolution.record_id])} if resolution.decision == "created" else set()
        assert (set(self.members().values()) - arrived, self.rows(keys)) == before

    @rule(place=places)
    def earn(self, place: str) -> None:
        self.send(achieve(place, SHARE.id))
        self.run(self.core.grant_later(HOUR))

    @rule(place=places)
    def forget(self, place: str) -> None:
        gone = {
            f"{space}:{customer_id}"
            for space, customer_id in self.rows(
                "SELECT id_space, customer_id FROM record WHERE profile_id = ?",
                self.run(self.core.profile_of(place)),
            )
        }
        self.send(erase(place))
        self.run(self.core.regroup())
        self.said = [one for one in self.said if f"{one.caller.channel}:{one.customer_id}" not in gone]

    # ---- people ----

    @rule(pair=st.tuples(numbers, numbers))
    def join_by_hand(self, pair: tuple[int, int]) -> None:
        if chosen := self.chosen(*pair):
            self._decide(MergeProfiles(SAM, (chosen[0], chosen[1]), "they said so"))

    @rule(pair=st.tuples(numbers, numbers))
    def pin_together(self, pair: tuple[int, int]) -> None:
        self._pin(pair, "must")

    @rule(which=numbers)
    def i8_lift_a_pin_and_regroup(self, which: int) -> None:
        """Whom it concerned are with whom the definition has them with."""
        self.run(self.core.regroup())
        pins = self.rows(PINS)
        if pins:
            self._lift([pins[which % len(pins)]])

    def _lift(self, pins: Iterable[tuple[Any, ...]]) -> None:
        for one, other in pins:
            self._decide(DropPin(SAM, one, other))
        self.run(self.core.regroup())
        if self.core.env.rules.conflict.resplit == "auto" and not self.rows(ONLY_ASKED_BY_REQUESTS):
            groups, profiles = self.canon().groups, self.members().values()
            for record_id in {one for pin in pins for one in pin}:
                assert _holding(record_id, profiles) == _holding(record_id, groups)

    def _pin(self, pair: tuple[int, int], kind: Any) -> None:
        records = self.column("SELECT record_id FROM record ORDER BY 1")
        if len(records) > 1:
            one, other = (records[place % len(records)] for place in pair)
            outcome = self._decide(SetPin(SAM, one, other, kind, "seen both"))
            if kind == "must" and outcome == Done():
                self.excused |= next(each for each in self.members().values() if one in each)

    def _decide(self, command: Command) -> Any:
        """Whatever people decide, no point appears or vanishes, and every entry stays where it was earned (I15)."""
        before = self.rows("SELECT * FROM ledger ORDER BY entry_id")
        outcome = self.send(command)
        assert isinstance(outcome, Shaped | Done | Refused)
        assert self.rows("SELECT * FROM ledger ORDER BY entry_id") == before
        if isinstance(outcome, Shaped):
            self.excused |= self.members().get(outcome.profile_id, frozenset())
        return outcome

    @rule(version=st.sampled_from(sorted(RULES)))
    def i21_a_plan_changes_nothing(self, version: str) -> None:
        before = self.everything()
        plan = planned(self.core.url, RULES[version], self.core.clock.now())
        assert self.everything() == before
        assert plan.profiles_before == len(self.members())

    @rule()
    def start_again(self) -> None:
        self.run(self.core.restart())

    # ---- what always holds ----

    @invariant()
    def i1_a_normal_key_has_at_most_one_live_owner_and_every_other_none(self) -> None:
        live = set(self.live())
        for state, owner in self.rows(
            "SELECT state, owner_id FROM identifier_owner WHERE owner_id IS NOT NULL"
        ):
            assert state == "normal"
            assert owner in live

    @invariant()
    def i1_an_owner_holds_its_key_and_many_holders_are_counted(self) -> None:
        holders = Counter(self.rows("SELECT type, value FROM observation"))
        held = set(
            self.rows(
                "SELECT o.type, o.value, r.profile_id FROM observation o JOIN record r USING (record_id)"
            )
        )
        for owned in self.rows(
            "SELECT type, value, owner_id FROM identifier_owner WHERE owner_id IS NOT NULL"
        ):
            assert owned in held
        for kind, value, state, count in self.rows(
            "SELECT type, value, state, holders FROM identifier_state"
        ):
            assert count == (holders[kind, value] if holders[kind, value] > FEW_HOLDERS else None)
            assert holders[kind, value]
            assert count or state != "normal"

    @invariant()
    def all_few_holders_of_a_key_name_the_same_owner(self) -> None:
        assert not self.rows(
            f"SELECT o.type, o.value FROM observation AS o {OF_KEY} WHERE s.holders IS NULL"
            " GROUP BY 1, 2 HAVING COUNT(DISTINCT COALESCE(o.owner_id, 0)) > 1"
        )

    @invariant()
    def a_version_only_rises_and_does_with_every_change_of_the_records(self) -> None:
        members = self.members()
        for profile_id, version in self.rows(VERSIONS):
            records = members.get(profile_id, frozenset())
            before, then = self.versions_seen.get(profile_id, (0, records))
            assert version > before if records != then else version >= before
            self.versions_seen[profile_id] = version, records

    @invariant()
    def i2_i4_every_record_is_on_one_live_profile_and_every_live_profile_has_one(self) -> None:
        assert set(self.members()) == set(self.live())

    @invariant()
    def i3_redirects_end_at_a_live_profile_in_one_hop(self) -> None:
        targets = self.column("SELECT redirect_to FROM profile WHERE redirect_to IS NOT NULL")
        assert set(targets) <= set(self.live())

    @invariant()
    def i5_no_profile_is_over_a_limit_unless_a_person_or_other_rules_made_it_so(self) -> None:
        limits = self.core.env.rules
        for profile_id, records in self.members().items():
            if records & self.excused:
                continue
            assert len(records) <= limits.merge.max_records
            spaces = Counter(self.column("SELECT id_space FROM record WHERE profile_id = ?", profile_id))
            for space, count in spaces.items():
                bound = limits.id_space(space)
                assert bound.on_many_ids == "allow" or count <= bound.ids_per_profile
            owned = Counter(self.column("SELECT type FROM identifier_owner WHERE owner_id = ?", profile_id))
            for kind, count in owned.items():
                most = limits.identifiers[kind].max_per_profile
                assert not most or count <= most

    @invariant()
    def i12_the_log_rebuilds_homes_redirects_pins_and_rules(self) -> None:
        """After every step, so the log cut off anywhere gives the state of that moment."""
        events = replay.read(self.rows(replay.SQL))
        self.replay.follow(events[self.followed :])
        self.followed = len(events)
        homes = self.rows("SELECT record_id, profile_id FROM record")
        redirects = self.rows("SELECT profile_id, redirect_to FROM profile WHERE redirect_to IS NOT NULL")
        pins = self.rows("SELECT record_a, record_b, kind FROM pin")
        assert self.replay.homes == {show("rec", one): show("prf", home) for one, home in homes}
        assert self.replay.redirects == {show("prf", one): show("prf", to) for one, to in redirects}
        assert self.replay.pins == {frozenset((show("rec", a), show("rec", b))): kind for a, b, kind in pins}
        splits: dict[str, list[tuple[str, int]]] = {}
        for split_id, record_id, side in self.rows(SIDES):
            splits.setdefault(show("spl", split_id), []).append((show("rec", record_id), side))
        assert self.replay.kept_apart() == {name: replay.grouped(sides) for name, sides in splits.items()}
        assert self.replay.rules == self.core.env.rules.version

    @invariant()
    def i17_records_pinned_apart_are_never_on_one_profile(self) -> None:
        homes = dict(self.rows("SELECT record_id, profile_id FROM record"))
        for a, b in self.rows(PINNED_APART):
            assert homes[a] != homes[b]

    @invariant()
    def i23_a_name_leads_to_the_record_it_was_given_for(self) -> None:
        self.named = self.run(self.core.names_lead_home(self.named))

    def teardown(self) -> None:
        if not hasattr(self, "core"):
            return
        with self.cleanup:
            try:
                self.run(self._i13_i18_the_chain_verifies_and_holds_no_personal_data())
                self._i20_the_steps_of_an_explanation_build_the_profile()
            finally:
                self.run(self.core.__aexit__())

    async def _i13_i18_the_chain_verifies_and_holds_no_personal_data(self) -> None:
        await self.core.store.maintain(10_000)
        points = await checkpoints(self.core.store)
        verifier = verifier_of(CHECKPOINT_KEY, points)
        async for chunk in links(self.core.store):
            assert list(verifier.feed(chunk)) == []
            text = repr(chunk)
            assert not [value for value in EMAILS + MOBILES if value in text]
        assert list(verifier.check()) == []
        assert (await verify(self.core.store, CHECKPOINT_KEY, state=True)).breaches == []

    def _i20_the_steps_of_an_explanation_build_the_profile(self) -> None:
        for profile_id, records in self.members().items():
            assert built(profile_id, self.run(steps(self.core.store, profile_id))) == records
