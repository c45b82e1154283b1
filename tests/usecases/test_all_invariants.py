"""Calls, merges, pins, new rules, erasure and plans in any order, through the pipeline and on a real SQLite file: the invariants
hold after each step."""

import json
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from gateway.model import (
    AnswerReview,
    DropPin,
    Explained,
    ExplainPair,
    MergeProfiles,
    Refused,
    Regrouped,
    SaveCustomer,
    Shaped,
    SplitProfile,
    UndoAnswer,
    UndoMerge,
)
from gateway.processes.plan import planned
from rules.identifier import Evidence, Identifier
from rules.plan import Plan
from tests.support.in_process_gateway import (
    caller,
)
from tests.support.invariant_machine import PINNED_APART, PINS, Machine
from tests.support.invariant_rules import EMAILS, MOBILES, PLACES, RULES, SAM, SETTLED, numbers, saying

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
            pinned = {frozenset(pair) for pair in self.rows(PINNED_APART)}
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
        before, pins = self._identity(), set(self.rows(PINS))
        outcome = self._decide(MergeProfiles(SAM, (chosen[0], chosen[1]), "they said so")) if chosen else None
        if not isinstance(outcome, Shaped) or outcome.merge_id is None:
            return
        self._decide(UndoMerge(SAM, outcome.merge_id, "a mistake"))
        assert self._identity() == before
        for one, other in set(self.rows(PINS)) - pins:
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
        if pins := self.rows(PINS):
            self._decide(DropPin(SAM, *pins[which % len(pins)]))

    @rule()
    def i8_lift_every_pin_and_regroup(self) -> None:
        """Where nothing binds, the profiles are the partition of everything then."""
        self.run(self.core.regroup())
        self._lift(self.rows(PINS))
        if self.core.env.rules.version in ("free, auto", "stricter, auto"):
            assert set(self.members().values()) == set(self.canon().groups)
            plan = planned(self.core.url, self.core.env.rules, self.core.clock.now())
            assert (plan.merged, plan.split, plan.points) == (0, 0, 0)

    @rule(which=numbers)
    def lift_every_pin_between_two(self, which: int) -> None:
        homes = dict(self.rows("SELECT record_id, profile_id FROM record"))
        pins = self.rows(PINNED_APART)
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
