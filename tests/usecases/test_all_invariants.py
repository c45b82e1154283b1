"""Calls, merges, pins, new rules, erasure and plans in any order, through the pipeline and on a real SQLite file; after each
step the invariants of `docs/contributing/invariants.md` are held against the tables, by their numbers."""

import asyncio
import contextlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from gateway.audit.verify import Verifier
from gateway.clock import HOUR, SECOND
from gateway.ids import show
from gateway.model import (
    FEW_HOLDERS,
    AnswerReview,
    Caller,
    Command,
    Done,
    DropPin,
    Explained,
    ExplainPair,
    MergeProfiles,
    Refused,
    Regrouped,
    SaveCustomer,
    SetPin,
    Shaped,
    SplitProfile,
    StoredRuleSet,
    StoreRules,
    UndoAnswer,
    UndoMerge,
)
from gateway.processes.plan import planned
from gateway.store.queries.audit import checkpoints, links
from gateway.store.queries.past import steps
from gateway.store.queries.verification import verify
from gateway.store.sqlite.snapshot import snapshot
from gateway.store.tables.identity import OF_KEY
from rules.batch.partition import Partition, partition
from rules.explain import replay as built
from rules.identifier import Evidence, Identifier
from rules.plan import Plan
from rules.policy import Policy
from rules.ruleset import RuleSet
from tests.support import replay
from tests.support.in_process_gateway import (
    CHECKPOINT_KEY,
    SHARE,
    VERSIONS,
    InProcessGateway,
    achieve,
    caller,
    environment,
    erase,
    rule_set_of,
)

SAM = Caller("", "", "operator:sam", "req_sam")
EMAILS = [f"person{n}@example.com" for n in range(3)]
MOBILES = [f"+20100123450{n}" for n in range(3)]
PLACES = [f"{channel}:{n}" for channel in ("web", "pos", "app") for n in range(3)]

_TYPES = """
[rules]
schema = 1
version = "{version}"
[identifier.mobile]
kind = "phone"
strength = 80
fanout_limit = {fanout}
{mobile}
[identifier.email]
kind = "email"
strength = 70
fanout_limit = {fanout}
"""
FREE = (
    _TYPES.format(version="free", fanout=50, mobile="")
    + """
[[rule]]
name = "mobile"
all_of = ["mobile"]
[[rule]]
name = "email"
all_of = ["email"]
"""
)
"""Either key joins, and nothing binds."""
STRICTER = (
    _TYPES.format(version="stricter", fanout=50, mobile="")
    + """
[[rule]]
name = "both"
all_of = ["mobile", "email"]
[[rule]]
name = "mobile"
all_of = ["mobile"]
"""
)
"""An address alone joins no records; nothing binds."""
GUARDED = (
    _TYPES.format(version="guarded", fanout=4, mobile="max_per_profile = 2")
    + """
[id_space.web]
ids_per_profile = 2
[id_space.pos]
[id_space.app]
[[rule]]
name = "mobile"
all_of = ["mobile"]
[[rule]]
name = "email"
all_of = ["email"]
unless_differs = ["mobile"]
[merge]
max_records = 3
"""
)
CAUTIOUS = (
    _TYPES.format(version="cautious", fanout=4, mobile="")
    + """
[[rule]]
name = "mobile"
all_of = ["mobile"]
[[rule]]
name = "email"
all_of = ["email"]
needs_verified = true
[[rule]]
name = "both"
all_of = ["mobile", "email"]
outcome = "review"
"""
)
_UNBOUND = "[merge]\nmax_records = 1000\nmax_profiles_at_once = 1000\n"
_MANY_IDS = "".join(f'[id_space.{space}]\non_many_ids = "allow"\n' for space in ("web", "pos", "app"))


SETTLED = {
    rules.version: rules
    for rules in map(
        rule_set_of,
        (
            FREE + _MANY_IDS + _UNBOUND,
            STRICTER + _MANY_IDS + _UNBOUND,
            GUARDED,
            CAUTIOUS + _MANY_IDS + _UNBOUND,
        ),
    )
}

RULES = SETTLED | {
    rules.version: rules
    for rules in (
        rule_set_of(one.text.replace(f'"{name}"', f'"{name}, {how}"') + f'[conflict]\nresplit = "{how}"\n')
        for name, one in SETTLED.items()
        for how in ("auto", "review")
    )
}
"""Each of them also with an answer to what is to be done where an earlier join was wrong."""

words = st.lists(st.sampled_from(EMAILS + MOBILES), min_size=1, max_size=2, unique=True)
places = st.sampled_from(PLACES)
numbers = st.integers(0, 9)


def saying(place: str, values: Iterable[str], *, verified: bool = False) -> SaveCustomer:
    channel, _, customer_id = place.partition(":")
    evidence = (Identifier("email" if "@" in value else "mobile", value) for value in values)
    return SaveCustomer(
        caller(channel), customer_id, tuple(Evidence(one, verified=verified) for one in evidence)
    )


calls = st.builds(saying, places, words, verified=st.sampled_from([False, False, True]))


def claiming(place: str, values: Iterable[str]) -> SaveCustomer:
    said = saying(place, values)
    claims = tuple(item.identifier for item in said.evidence)
    return replace(
        said, caller=replace(said.caller, source="public", trust="claim"), evidence=(), claims=claims
    )


_ONLY_ASKED_BY_REQUESTS = """
SELECT review_id FROM review WHERE state = 'open'
AND (reason LIKE 'conflict:max_profiles_at_once%' OR reason LIKE 'conflict:cannot%' OR reason LIKE 'conflict:never%')
"""


_OF_SPLITS = """
SELECT a.record_id AS record_a, b.record_id AS record_b FROM split AS x JOIN split_side AS a ON a.split_id = x.split_id
JOIN split_side AS b ON b.split_id = a.split_id AND b.side <> a.side AND b.record_id > a.record_id
"""
_SIDES = (
    "SELECT s.split_id, s.record_id, s.side FROM split_side AS s JOIN split AS x ON x.split_id = s.split_id"
)
_APART = f"SELECT record_a, record_b FROM pin WHERE kind = 'cannot' UNION {_OF_SPLITS} ORDER BY 1, 2"
_PINS = f"SELECT record_a, record_b FROM pin UNION {_OF_SPLITS} ORDER BY 1, 2"
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
        pins = self.rows(_PINS)
        if pins:
            self._lift([pins[which % len(pins)]])

    def _lift(self, pins: Iterable[tuple[Any, ...]]) -> None:
        for one, other in pins:
            self._decide(DropPin(SAM, one, other))
        self.run(self.core.regroup())
        if self.core.env.rules.conflict.resplit == "auto" and not self.rows(_ONLY_ASKED_BY_REQUESTS):
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
        for split_id, record_id, side in self.rows(_SIDES):
            splits.setdefault(show("spl", split_id), []).append((show("rec", record_id), side))
        assert self.replay.kept_apart() == {name: replay.grouped(sides) for name, sides in splits.items()}
        assert self.replay.rules == self.core.env.rules.version

    @invariant()
    def i17_records_pinned_apart_are_never_on_one_profile(self) -> None:
        homes = dict(self.rows("SELECT record_id, profile_id FROM record"))
        for a, b in self.rows(_APART):
            assert homes[a] != homes[b]

    @invariant()
    def i23_a_name_leads_to_the_record_it_was_given_for(self) -> None:
        self.named = self.run(self.core.names_lead_home(self.named))

    def teardown(self) -> None:
        if not hasattr(self, "core"):
            return
        with self.cleanup:
            try:
                self.run(self._i13_i18_the_chain_verifies_and_names_nobody())
                self._i20_the_steps_of_an_explanation_build_the_profile()
            finally:
                self.run(self.core.__aexit__())

    async def _i13_i18_the_chain_verifies_and_names_nobody(self) -> None:
        await self.core.store.maintain(10_000)
        points = await checkpoints(self.core.store)
        verifier = Verifier(points)
        async for chunk in links(self.core.store):
            assert list(verifier.feed(chunk)) == []
            text = repr(chunk)
            assert not [value for value in EMAILS + MOBILES if value in text]
        assert list(verifier.check(CHECKPOINT_KEY, points)) == []
        assert (await verify(self.core.store, CHECKPOINT_KEY, state=True)).breaches == []

    def _i20_the_steps_of_an_explanation_build_the_profile(self) -> None:
        for profile_id, records in self.members().items():
            assert built(profile_id, self.run(steps(self.core.store, profile_id))) == records


# ---- the order of calls ----

sequences = st.lists(calls, max_size=10)


async def ending(directory: Path, version: str, sent: Sequence[SaveCustomer], *, at_once: bool) -> list[Any]:
    """Who is with whom, whose the keys are, and what is asked, without the ids that depend on the order."""
    async with InProcessGateway(directory, environment(rules=RULES[version])) as core:
        if at_once:
            await asyncio.gather(*map(core.send, sent))
        for command in () if at_once else sent:
            await core.send(command)
        rows = await core.rows("SELECT profile_id, id_space || ':' || customer_id FROM record ORDER BY 2")
        found: dict[int, list[str]] = {}
        for profile_id, place in rows:
            found.setdefault(profile_id, []).append(place)
        keys = await core.rows("SELECT type, value, state, owner_id FROM identifier_owner ORDER BY 1, 2")
        asked = await core.rows("SELECT profile_a, profile_b FROM review WHERE state = 'open'")
        return [
            sorted(found.values()),
            [(*key, found.get(owner)) for *key, owner in keys],
            sorted(sorted(found[one] for one in pair) for pair in asked),
        ]


@settings(max_examples=15, deadline=None)
@given(sequences, st.randoms(use_true_random=False))
def test_i7_where_nothing_binds_the_order_of_calls_decides_nothing(
    sent: list[SaveCustomer], random: Any
) -> None:
    endings: list[list[Any]] = []
    for order in (sent, random.sample(sent, len(sent))):
        with tempfile.TemporaryDirectory() as directory:
            endings.append(asyncio.run(ending(Path(directory), "free", order, at_once=False)))
    assert endings[0] == endings[1]


@settings(max_examples=15, deadline=None)
@given(sequences, st.sampled_from(sorted(RULES)))
def test_i14_calls_at_once_end_as_if_one_by_one(sent: list[SaveCustomer], version: str) -> None:
    endings: list[list[Any]] = []
    for at_once in (True, False):
        with tempfile.TemporaryDirectory() as directory:
            endings.append(asyncio.run(ending(Path(directory), version, sent, at_once=at_once)))
    assert endings[0] == endings[1]


# ---- where nothing binds ----


class Joining(Machine):
    """Calls, merges by hand, pins together and their end, erasure and a change between rules without a guard: at any time the
    profiles are the partition of everything (I8), and who says something again changes nothing (I9)."""

    versions = ("free, auto",)

    @invariant()
    def i8_the_profiles_are_the_partition_of_everything(self) -> None:
        found = self.canon()
        assert set(self.members().values()) == set(found.groups)
        assert found.refused == ()

    @rule(data=st.data())
    def i9_saying_it_all_again_changes_nothing(self, data: st.DataObject) -> None:
        again = data.draw(st.lists(st.sampled_from(self.said), max_size=4)) if self.said else []
        before = self._news()
        for command in again:
            self.send(command)
        assert self._news() == before

    @rule(version=st.sampled_from(["free, auto", "stricter, auto"]))
    def change_the_rules(self, version: str) -> None:
        self._use(version)
        self.run(self.core.regroup())

    @rule()
    def i21_the_plan_of_the_rules_in_use_is_to_change_nothing(self) -> None:
        plan = planned(self.core.url, self.core.env.rules, self.core.clock.now())
        assert (plan.merged, plan.split, plan.reviews, plan.points) == (0, 0, 0, 0)
        assert plan.profiles_after == plan.profiles_before


# ---- where everything binds ----


class Judging(Machine):
    """Guards and doubts, splits, undos, pins apart and answered questions as well."""

    @rule(version=st.sampled_from(sorted(RULES)))
    def change_the_rules(self, version: str) -> None:
        self._use(version)

    @rule()
    def work_off(self) -> None:
        self.run(self.core.regroup())

    @rule(name=st.sampled_from(sorted(SETTLED)))
    def i8_i21_new_rules_make_of_everybody_what_the_plan_says(self, name: str) -> None:
        plan, steps = self._walk(f"{name}, auto")
        done = [step.run for step in steps if step.run.scope == "rules"][-1]
        assert (done.merged, done.split, done.points) == (plan.merged, plan.split, plan.points)
        assert set(self.members().values()) == set(self.canon().groups)
        assert len(self.members()) == plan.profiles_after

    @rule(name=st.sampled_from(sorted(SETTLED)))
    def i8_where_people_are_asked_the_open_questions_are_the_difference(self, name: str) -> None:
        self._walk(f"{name}, review")
        groups, profiles = set(self.canon().groups), self.members()
        waiting = self._waiting(profiles)
        parts = [part for one, records in profiles.items() for part in _parts(records, waiting.get(one, ()))]
        assert all(any(part <= group for group in groups) for part in parts)
        held = {record for one in waiting for record in profiles[one]}
        assert all(group in profiles.values() or group & held for group in groups)

    def _walk(self, version: str) -> tuple[Plan, list[Regrouped]]:
        """Put rules in force over all profiles: what their plan says, and what is done."""
        self.run(self.core.regroup())
        if self.core.env.rules.version == version:
            self._use("free")
        self._use(version)
        plan = planned(self.core.url, RULES[version], self.core.clock.now())
        return plan, self.run(self.core.regroup())

    def _waiting(self, profiles: Mapping[int, frozenset[int]]) -> dict[int, list[frozenset[int]]]:
        """The parts of profiles about which it is open whether they should leave."""
        found: dict[int, list[frozenset[int]]] = {}
        sql = "SELECT profile_a, records FROM review WHERE state = 'open' AND reason LIKE 'resplit:%'"
        for profile_id, records in self.rows(sql):
            found.setdefault(profile_id, []).append(frozenset(json.loads(records)))
        assert found.keys() <= profiles.keys()
        return found

    @rule(
        who=numbers,
        mode=st.sampled_from(["plain", "tree", "all"]),
        which=st.sets(numbers, min_size=1, max_size=3),
    )
    def i11_split(self, who: int, mode: Any, which: set[int]) -> None:
        """The two sides stay apart whatever comes: i17 watches the pins that this sets."""
        members = {one: records for one, records in self.members().items() if len(records) > 1}
        if not members:
            return
        profile_id = sorted(members)[who % len(members)]
        records = sorted(members[profile_id])
        leaving = tuple({records[place % len(records)] for place in which})
        outcome = self._decide(SplitProfile(SAM, profile_id, leaving, mode, "not them"))
        if isinstance(outcome, Shaped):
            parts = [self.members()[part] for part in (profile_id, *outcome.parts)]
            pinned = {frozenset(pair) for pair in self.rows(_APART)}
            assert all(
                frozenset((a, b)) in pinned
                for one, other in combinations(parts, 2)
                for a in one
                for b in other
            )

    @rule(which=numbers, tree=st.booleans())
    def undo(self, which: int, tree: bool) -> None:
        merges = self.column("SELECT merge_id FROM merge ORDER BY 1")
        if merges:
            self._decide(UndoMerge(SAM, merges[which % len(merges)], "a mistake", tree))

    @rule(pair=st.tuples(numbers, numbers))
    def i10_undo_right_after_a_merge_gives_everything_back(self, pair: tuple[int, int]) -> None:
        chosen = self.chosen(*pair)
        before, pins = self._identity(), set(self.rows(_PINS))
        outcome = self._decide(MergeProfiles(SAM, (chosen[0], chosen[1]), "they said so")) if chosen else None
        if not isinstance(outcome, Shaped) or outcome.merge_id is None:
            return
        self._decide(UndoMerge(SAM, outcome.merge_id, "a mistake"))
        assert self._identity() == before
        for one, other in set(self.rows(_PINS)) - pins:
            self.send(DropPin(SAM, one, other))

    def _identity(self) -> list[list[tuple[Any, ...]]]:
        return [
            self.rows(f"SELECT {what} ORDER BY 1, 2")
            for what in (
                "record_id, profile_id FROM record",
                "profile_id, redirect_to FROM profile",
                "type, value, state FROM identifier_owner",
                "record_id, type, value, verified, blocked, retired FROM observation",
            )
        ]

    @rule(pair=st.tuples(numbers, numbers))
    def pin_apart(self, pair: tuple[int, int]) -> None:
        self._pin(pair, "cannot")

    @rule(which=numbers)
    def lift_a_pin(self, which: int) -> None:
        if pins := self.rows(_PINS):
            self._decide(DropPin(SAM, *pins[which % len(pins)]))

    @rule()
    def i8_lift_every_pin_and_regroup(self) -> None:
        """Where nothing binds, the profiles are the partition of everything then."""
        self.run(self.core.regroup())
        self._lift(self.rows(_PINS))
        if self.core.env.rules.version in ("free, auto", "stricter, auto"):
            assert set(self.members().values()) == set(self.canon().groups)
            plan = planned(self.core.url, self.core.env.rules, self.core.clock.now())
            assert (plan.merged, plan.split, plan.points) == (0, 0, 0)

    @rule(which=numbers)
    def lift_every_pin_between_two(self, which: int) -> None:
        homes = dict(self.rows("SELECT record_id, profile_id FROM record"))
        pins = self.rows(_APART)
        if pins:
            a, b = pins[which % len(pins)]
            for pin in pins:
                if {homes[one] for one in pin} == {homes[a], homes[b]}:
                    self._decide(DropPin(SAM, *pin))
            self._ask_why(homes[a], homes[b])

    @rule(which=numbers, accept=st.booleans())
    def answer(self, which: int, accept: bool) -> None:
        if reviews := self.column("SELECT review_id FROM review WHERE state = 'open' ORDER BY 1"):
            self._decide(AnswerReview(SAM, reviews[which % len(reviews)], accept, "asked them"))

    @rule(which=numbers, accept=st.booleans())
    def i10_an_answer_taken_back_right_away_gives_everything_back(self, which: int, accept: bool) -> None:
        reviews = self.column("SELECT review_id FROM review WHERE state = 'open' ORDER BY 1")
        if not reviews:
            return
        number, before = reviews[which % len(reviews)], self._before_an_answer()
        if isinstance(self._decide(AnswerReview(SAM, number, accept, "asked them")), Refused):
            return
        undone = self._decide(UndoAnswer(SAM, number, "a slip"))
        assert not isinstance(undone, Refused) or undone.code == "undo_too_late"
        if not isinstance(undone, Refused):
            assert self._before_an_answer() == before

    def _before_an_answer(self) -> list[list[tuple[Any, ...]]]:
        return [
            self.rows(f"SELECT {what} ORDER BY 1, 2")
            for what in (
                "record_id, profile_id FROM record",
                "profile_id, named_after FROM profile WHERE redirect_to IS NULL",
                "type, value, state FROM identifier_owner",
                "record_a, record_b, kind, expires_at FROM pin",
                "split_id, expires_at FROM split",
                "profile_a, profile_b, reason, records FROM review WHERE state = 'open'",
            )
        ]

    @rule(which=numbers)
    def take_back_an_answer(self, which: int) -> None:
        if reviews := self.column("SELECT review_id FROM review WHERE state <> 'open' ORDER BY 1"):
            self._decide(UndoAnswer(SAM, reviews[which % len(reviews)], "a slip"))

    @rule(value=st.sampled_from(EMAILS + MOBILES))
    def crowd(self, value: str) -> None:
        """So many say it that it turns generic under the guarded rules."""
        for place in PLACES[::2]:
            self.send(saying(place, [value]))

    @rule(pair=st.tuples(numbers, numbers))
    def i20_why_two_are_apart_names_the_guard_or_the_next_call_joins_them(
        self, pair: tuple[int, int]
    ) -> None:
        chosen = self.chosen(*pair)
        if len({*chosen}) > 1:
            self._ask_why(*chosen)

    def _ask_why(self, one: int, other: int) -> None:
        outcome = self.send(ExplainPair(one, other))
        assert isinstance(outcome, Explained)
        told = outcome.explanation
        assert not told.together
        assert bool(told.guard) >= (told.outcome in ("review", "never"))
        if told.outcome == "merge" and not told.guard:
            members = self.members()
            records = sorted(members[one] | members[other])
            for record_id in records:
                self._say_again(record_id)
            homes = dict(self.rows("SELECT record_id, profile_id FROM record"))
            assert len({homes[record_id] for record_id in records}) == 1

    def _say_again(self, record_id: int) -> None:
        """Everything that a record ever said."""
        ((space, customer_id),) = self.rows(
            "SELECT id_space, customer_id FROM record WHERE record_id = ?", record_id
        )
        said = self.rows(
            "SELECT type, value, verified FROM observation WHERE record_id = ? AND retired = 0", record_id
        )
        evidence = tuple(Evidence(Identifier(*key), verified=bool(verified)) for *key, verified in said)
        self.send(SaveCustomer(caller(space), customer_id, evidence))


def _parts(records: frozenset[int], leaving: Iterable[frozenset[int]]) -> list[frozenset[int]]:
    leaving = list(leaving)
    return [*leaving, records.difference(*leaving)]


QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


def pace(examples: int, length: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=length,
        deadline=None,
        suppress_health_check=QUIET,
        report_multiple_bugs=False,
    )


TestJoining = Joining.TestCase
TestJoining.settings = pace(10, 15)
TestJudging = Judging.TestCase
TestJudging.settings = pace(15, 20)


@pytest.mark.soak
class TestJoiningForLong(Joining.TestCase):
    settings = pace(100, 60)


@pytest.mark.soak
class TestJudgingForLong(Judging.TestCase):
    settings = pace(150, 60)
