"""A small model of acceptance, grants and merges, to compare the gateway with."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gateway.clock import MINUTE
from gateway.model import Accepted, Command, Duplicate, Erased, Saved, UnknownCustomer
from rules.ruleset import IdentifierRules, IdSpaceRules, Merge, Rule, RuleSet
from tests.support.in_process_gateway import (
    FOLLOW,
    SHARE,
)

WINDOW = 5 * MINUTE
POINTS = {FOLLOW.id: FOLLOW.points, SHARE.id: SHARE.points}
EMAILS = [f"person{n}@mail.example" for n in range(4)]
MOBILES = [f"+20100000000{n}" for n in range(3)]
PLACES = [f"{channel}:{n}" for channel in ("web", "pos", "app") for n in range(3)]
RULES = RuleSet(
    "model",
    "",
    "",
    id_spaces={space: IdSpaceRules(on_many_ids="allow") for space in ("web", "pos", "app")},
    identifiers={
        "mobile": IdentifierRules("phone", strength=80),
        "email": IdentifierRules("email", strength=70),
    },
    rules=(Rule("mobile", ("mobile",)), Rule("email", ("email",))),
    merge=Merge(max_records=1_000, max_profiles_at_once=100),
)
"""Either key joins and no guard binds: then profiles are the connected components of records and keys."""


# ---- the reference ----


@dataclass(eq=False)
class Member:
    """A record; who is erased and comes back is another one."""

    place: str
    active: bool = True
    tags: set[str] = field(default_factory=set)
    said: set[str] = field(default_factory=set)


@dataclass(eq=False)
class Person:
    members: list[Member] = field(default_factory=list)
    windows: dict[int, int] = field(default_factory=dict)

    @property
    def keys(self) -> set[str]:
        return set[str]().union(*(member.said for member in self.members))

    @property
    def active(self) -> bool:
        return all(member.active for member in self.members)

    @property
    def tags(self) -> set[str]:
        return set[str]().union(*(member.tags for member in self.members))


@dataclass(eq=False)
class Promise:
    """An accepted achievement."""

    member: Member
    campaign: int
    state: str = "accepted"


class Act(NamedTuple):
    """One call: what is sent, and what the reference is told of it."""

    verb: str
    place: str
    command: Command
    said: tuple[str, ...] = ()
    argument: Any = None


class Reference:
    def __init__(self) -> None:
        self.people: list[Person] = []
        self.promises: dict[int, Promise] = {}
        self.points = 0

    def person(self, place: str) -> Person | None:
        return next((p for p in self.people if any(m.place == place for m in p.members)), None)

    def person_of(self, member: Member) -> Person | None:
        return next((p for p in self.people if member in p.members), None)

    def meet(self, place: str, said: Iterable[str], *, may_create: bool) -> Person | None:
        """All to whom the id or one of the keys leads become one."""
        said = set(said)
        own = self.person(place)
        together = [p for p in self.people if p is own or p.keys & said]
        if not together:
            if not may_create:
                return None
            together = [Person()]
            self.people += together
        first = together[0]
        for other in together[1:]:
            first.members += other.members
            for campaign, ends in other.windows.items():
                first.windows[campaign] = max(ends, first.windows.get(campaign, 0))
            self.people.remove(other)
        if own is None:
            first.members.append(Member(place))
        next(m for m in first.members if m.place == place).said |= said
        return first

    def tell(self, act: Act, now: int, outcome: Any) -> None:
        """Do the same, and hold the outcome against it."""
        getattr(self, f"_{act.verb}")(act, now, outcome)

    def _save(self, act: Act, now: int, outcome: Any) -> None:
        known = self.person(act.place) is not None
        people = len(self.people)
        self.meet(act.place, act.said, may_create=True)
        joined = people - len(self.people)
        expected = "created" if joined < 0 else "merged" if joined > 0 else "attached"
        assert isinstance(outcome, Saved)
        assert outcome.resolution.decision == expected, (known, act)

    def _achieve(self, act: Act, now: int, outcome: Any) -> None:
        person = self.meet(act.place, act.said, may_create=False)
        if person is None:
            assert outcome == UnknownCustomer()
        elif now < person.windows.get(act.argument, 0):
            assert isinstance(outcome, Duplicate)
            assert outcome.wait == person.windows[act.argument] - now
        else:
            assert isinstance(outcome, Accepted)
            person.windows[act.argument] = now + WINDOW
            member = next(m for m in person.members if m.place == act.place)
            self.promises[outcome.achievement_id] = Promise(member, act.argument)

    def _switch(self, act: Act, now: int, outcome: Any) -> None:
        person = self.person(act.place)
        if person is None:
            assert outcome == UnknownCustomer()
            return
        assert outcome.changed == any(m.active != act.argument for m in person.members)
        for member in person.members:
            member.active = act.argument

    def _tag(self, act: Act, now: int, outcome: Any) -> None:
        person = self.person(act.place)
        if person is None:
            assert outcome == UnknownCustomer()
            return
        attach, detach = act.argument
        before = person.tags
        for member in person.members:
            member.tags -= detach
        next(m for m in person.members if m.place == act.place).tags |= attach - before
        assert outcome.changed == (before != person.tags)

    def _erase(self, act: Act, now: int, outcome: Any) -> None:
        person = self.person(act.place)
        if person is None:
            assert outcome == UnknownCustomer()
            return
        assert isinstance(outcome, Erased)
        assert outcome.records == len(person.members)
        self.people.remove(person)

    def decide(self, decided: dict[int, str]) -> None:
        """Hold what was decided against the people as they are now: a once-only campaign is granted once to each."""
        granted_before = Counter(
            (id(person), promise.campaign)
            for promise in self.promises.values()
            if promise.state == "granted" and (person := self.person_of(promise.member))
        )
        outcomes: dict[tuple[int, int], list[str]] = {}
        eligible: Counter[tuple[int, int]] = Counter()
        for number, state in decided.items():
            promise = self.promises[number]
            assert promise.state == "accepted", "decided twice"
            promise.state = state
            person = self.person_of(promise.member)
            if person is None or not person.active:
                assert state == "ignored"
                continue
            outcomes.setdefault((id(person), promise.campaign), []).append(state)
            eligible[id(person), promise.campaign] += 1
            self.points += POINTS[promise.campaign] if state == "granted" else 0
        for (who, campaign), states in outcomes.items():
            left = 1 - granted_before[who, campaign] if campaign == FOLLOW.id else len(states)
            assert states.count("granted") == max(0, min(left, eligible[who, campaign]))
