"""Random calls against the gateway and the reference model: both give the same answers, on every engine."""

import asyncio
import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.audit.verify import verifier_of
from gateway.clock import HOUR, SECOND
from gateway.model import Command
from gateway.store.queries.audit import checkpoints, links
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
from tests.support.reference_model import EMAILS, MOBILES, PLACES, RULES, WINDOW, Act, Reference

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
        verifier = verifier_of(CHECKPOINT_KEY, points)
        async for chunk in links(self.core.store):
            assert list(verifier.feed(chunk)) == []
            assert not list(clear_values(repr(chunk)))
        assert list(verifier.check()) == []


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
