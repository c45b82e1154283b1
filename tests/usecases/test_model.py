"""The real use cases against a reference model of plain dictionaries, on a real database, with restarts and with several
commands in one batch (I1, I2, I3, I4, I6, I9, I15, I18 of `docs/contributing/invariants.md`)."""

import asyncio
import contextlib
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.audit.verify import Verifier
from gateway.clock import HOUR, MINUTE, SECOND
from gateway.model import Accepted, Command, Duplicate, Erased, Saved, UnknownCustomer
from gateway.store.queries.audit import checkpoints, links
from rules.ruleset import IdentifierRules, IdSpaceRules, Merge, Rule, RuleSet
from tests.support.in_process_gateway import (
    CHECKPOINT_KEY,
    FOLLOW,
    SHARE,
    VERSIONS,
    InProcessGateway,
    achieve,
    active,
    claim,
    customer,
    environment,
    erase,
    tags,
)
from tests.support.postgresql import PostgresServer

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


# ---- the machine ----

_places = st.sampled_from(PLACES)
_said = st.lists(st.sampled_from(EMAILS + MOBILES), max_size=2, unique=True)
_campaigns = st.sampled_from([FOLLOW.id, SHARE.id])
_tags = st.frozensets(st.sampled_from(["vip", "staff"]), max_size=2)


def _evidence(said: Iterable[str]) -> dict[str, str]:
    said = list(said)
    kinds = {"email": [s for s in said if "@" in s], "mobile": [s for s in said if "@" not in s]}
    return {kind: " ".join(values) for kind, values in kinds.items() if values}


@st.composite
def acts(draw: st.DrawFn) -> Act:
    place, verb = (
        draw(_places),
        draw(
            st.sampled_from(
                ["save", "save", "claim", "achieve", "achieve", "achieve", "switch", "tag", "erase"]
            )
        ),
    )
    match verb:
        case "save":
            said = tuple(draw(_said))
            return Act(verb, place, customer(place, **_evidence(said)), said)
        case "claim":
            return Act("save", place, claim(place, {"city": "Cairo"}, **_evidence(draw(_said))))
        case "achieve":
            said, campaign = tuple(draw(_said)), draw(_campaigns)
            return Act(verb, place, achieve(place, campaign, **_evidence(said)), said, campaign)
        case "switch":
            on = draw(st.booleans())
            return Act(verb, place, active(place, on), argument=on)
        case "tag":
            attach = draw(_tags)
            detach = draw(_tags) - attach
            return Act(
                verb, place, tags(place, " ".join(attach), " ".join(detach)), argument=(attach, detach)
            )
        case _:
            return Act(verb, place, erase(place))


class GatewayMachine(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.cleanup = contextlib.ExitStack()
        directory = Path(self.cleanup.enter_context(tempfile.TemporaryDirectory()))
        self.runner = self.cleanup.enter_context(asyncio.Runner())
        self.core = InProcessGateway(directory, environment(rules=RULES), url=self.database())
        self.reference = Reference()
        self.named: dict[int, tuple[str, int]] = {}
        self.runner.run(self.core.__aenter__())

    def database(self) -> str:
        return ""

    def run(self, awaitable: Any) -> Any:
        return self.runner.run(awaitable)

    @rule(batch=st.lists(acts(), min_size=1, max_size=8))
    def call(self, batch: list[Act]) -> None:
        async def together() -> list[Any]:
            return await asyncio.gather(*(self.core.send(act.command) for act in batch))

        for act, outcome in zip(batch, self.run(together()), strict=True):
            self.reference.tell(act, self.core.clock.now(), outcome)

    @rule(place=_places, said=_said)
    def call_twice(self, place: str, said: list[str]) -> None:
        """The second time changes nothing but when it was last seen (I6, I9)."""
        self.reference.meet(place, said, may_create=True)
        first, second = self.run(self._twice(customer(place, **_evidence(said))))
        assert second == first

    async def _twice(self, command: Command) -> list[Any]:
        seen = []
        for _ in range(2):
            await self.core.send(command)
            self.core.clock.advance(1)
            events = await self.core.column("SELECT COUNT(*) FROM audit")
            versions = await self.core.rows(f"{VERSIONS} ORDER BY 1")
            seen.append((events, versions))
        return seen

    @rule(
        spans=st.lists(st.sampled_from([1, 30 * SECOND, WINDOW - 1, WINDOW, HOUR]), min_size=1, max_size=2),
        limit=st.sampled_from([0, 0, 1, 3, 500]),
    )
    def wait_and_grant(self, spans: list[int], limit: int) -> None:
        self.core.clock.advance(sum(spans))
        if not limit:
            return
        due = set(
            self.run(
                self.core.column(
                    "SELECT achievement_id FROM achievement WHERE state = 'accepted' AND due_at <= ?",
                    self.core.clock.now(),
                )
            )
        )
        self.run(self.core.grant(limit))
        states = dict(self.run(self.core.rows("SELECT achievement_id, state FROM achievement")))
        decided = {number: states[number] for number in due if states[number] != "accepted"}
        assert len(decided) == min(limit, len(due))
        self.reference.decide(decided)

    @precondition(lambda self: self.reference.people)
    @rule(restart=st.booleans())
    def housekeeping(self, restart: bool) -> None:
        self.run(self.core.store.maintain(50))
        if restart:
            self.run(self.core.restart())

    # ---- what always holds ----

    @invariant()
    def people_are_the_profiles(self) -> None:
        rows = self.run(
            self.core.rows("SELECT id_space || ':' || customer_id, profile_id, active FROM record")
        )
        found: dict[int, set[tuple[str, int]]] = {}
        for place, profile_id, is_active in rows:
            found.setdefault(profile_id, set()).add((place, is_active))
        expected = [{(m.place, int(m.active)) for m in person.members} for person in self.reference.people]
        assert sorted(map(sorted, found.values())) == sorted(map(sorted, expected))
        live = self.run(self.core.column("SELECT profile_id FROM profile WHERE redirect_to IS NULL"))
        assert set(found) == set(live)

    @invariant()
    def i23_names_lead_to_the_records_they_were_given_for(self) -> None:
        self.named = self.run(self.core.names_lead_home(self.named))

    @invariant()
    def redirects_end_at_a_live_profile_in_one_hop(self) -> None:
        targets = self.run(self.core.column("SELECT redirect_to FROM profile WHERE redirect_to IS NOT NULL"))
        live = self.run(self.core.column("SELECT profile_id FROM profile WHERE redirect_to IS NULL"))
        assert set(targets) <= set(live)

    @invariant()
    def every_key_that_was_said_has_one_live_owner(self) -> None:
        owners = self.run(self.core.rows("SELECT value, owner_id FROM identifier_owner"))
        home = dict(self.run(self.core.rows("SELECT id_space || ':' || customer_id, profile_id FROM record")))
        assert {value for value, _ in owners} == {
            key for p in self.reference.people for m in p.members for key in m.said
        }
        for value, owner_id in owners:
            (person,) = (p for p in self.reference.people if value in p.keys)
            assert owner_id == home[person.members[0].place]

    @invariant()
    def tags_are_where_they_were_attached(self) -> None:
        rows = self.run(
            self.core.rows(
                "SELECT r.id_space || ':' || r.customer_id, t.tag FROM tag t LEFT JOIN record r USING (record_id)"
            )
        )
        assert set(rows) == {
            (m.place, tag) for p in self.reference.people for m in p.members for tag in m.tags
        }

    @invariant()
    def the_ledger_is_what_was_granted_and_no_merge_changes_its_sum(self) -> None:
        rows = self.run(self.core.rows("SELECT achievement_id, points FROM ledger"))
        granted = [n for n, promise in self.reference.promises.items() if promise.state == "granted"]
        assert sorted(number for number, _ in rows) == sorted(granted)
        assert sum(points for _, points in rows) == self.reference.points

    def teardown(self) -> None:
        if not hasattr(self, "core"):
            return
        with self.cleanup:
            try:
                self.run(self.end())
            finally:
                self.run(self.core.__aexit__())

    async def end(self) -> None:
        await self.core.store.maintain(10_000)
        points = await checkpoints(self.core.store)
        verifier = Verifier(points)
        async for chunk in links(self.core.store):
            assert list(verifier.feed(chunk)) == []
            assert not list(clear_values(repr(chunk)))
        assert list(verifier.check(CHECKPOINT_KEY, points)) == []


def clear_values(text: str) -> Iterator[str]:
    """Every generated e-mail and number that stands in clear in the text (I18)."""
    return (value for value in EMAILS + MOBILES if value in text)


_QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]

TestGateway = GatewayMachine.TestCase
TestGateway.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=_QUIET
)


class OnPostgres(GatewayMachine):
    server: ClassVar[PostgresServer]

    def database(self) -> str:
        return self.server.url(self.run(self.server.empty()))


class OnStrictPostgres(OnPostgres):
    def database(self) -> str:
        return f"strict:{super().database()}"


@pytest.mark.usefixtures("_server")
class TestGatewayOnPostgres(OnPostgres.TestCase):
    settings = settings(max_examples=10, stateful_step_count=25, deadline=None, suppress_health_check=_QUIET)


@pytest.mark.usefixtures("_server")
class TestGatewayOnStrictPostgres(OnStrictPostgres.TestCase):
    settings = settings(max_examples=10, stateful_step_count=25, deadline=None, suppress_health_check=_QUIET)


@pytest.fixture(scope="module")
def _server(postgres: PostgresServer) -> None:
    OnPostgres.server = postgres


@pytest.mark.soak
class TestGatewayForLong(GatewayMachine.TestCase):
    settings = settings(
        max_examples=100, stateful_step_count=100, deadline=None, suppress_health_check=_QUIET
    )
