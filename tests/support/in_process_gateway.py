"""A gateway in the test's process, without listeners, on a real SQLite file; with a clock and randomness that the test controls."""

import contextlib
import random
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import asyncpg
from msgspec.structs import replace

from gateway.audit.pseudonym import Pseudonyms
from gateway.clock import DAY, HOUR, MINUTE, SECOND, Clock
from gateway.config import Campaign, CanonicalId, Program, Tier
from gateway.ids import show
from gateway.model import (
    Achieve,
    Caller,
    Command,
    EditTags,
    EraseCustomer,
    GrantDue,
    Regrouped,
    SaveCustomer,
    SetActive,
    StoredRuleSet,
    StoreRules,
)
from gateway.pipeline import Pipeline
from gateway.sqlite_library import sqlite3
from gateway.store import Store
from gateway.store.maintenance import KEPT_BY_DEFAULT, KeepFor
from gateway.store.postgres import PostgresStore
from gateway.store.sqlite import SqliteStore
from gateway.usecases.env import Env
from gateway.workers.activity import ActivityCounter
from gateway.workers.regroup_walk import regroup_some
from rules.identifier import Evidence, Identifier
from rules.language.parse import parse, preset
from rules.ruleset import RuleSet
from tests.support.strict_portable import strict

NOON = 1_790_000_000 * SECOND
CHECKPOINT_KEY = b"the key of the checkpoints"
VERSIONS = """SELECT p.profile_id, p.changes + (SELECT COUNT(*) FROM record AS r WHERE r.profile_id = p.profile_id)
FROM profile AS p"""
"""Every profile with its version."""
FOLLOW = Campaign(id=11664, name="Follow us", points=100, score=10)
SHARE = Campaign(id=11665, name="Share a photo", points=20, max_achievements=0)


class ManualClock:
    """A clock that stands still until the test moves it, also backwards. `ahead` is how wrong it is, which the steady clock
    does not see."""

    def __init__(self, time: int = NOON) -> None:
        self.time = time
        self.ahead = 0

    def now(self) -> int:
        return self.time + self.ahead

    def steady(self) -> int:
        return self.time

    def advance(self, span: int) -> None:
        self.time += span


def rule_set_of(text: str) -> RuleSet:
    """A rule file without problems."""
    rules = parse(text)
    assert isinstance(rules, RuleSet), rules
    return rules


def default_rules() -> RuleSet:
    return rule_set_of(preset("email-or-mobile"))


def environment(
    *,
    rules: RuleSet | None = None,
    campaigns: Iterable[Campaign] = (FOLLOW, SHARE),
    tiers: tuple[Tier, ...] = (),
    program: Program | None = None,
    grant_delay: tuple[int, int] = (20 * SECOND, 180 * SECOND),
    seed: int = 1,
    random_bytes: Callable[[int], bytes] | None = None,
    delivers: bool = False,
    forwards: bool = False,
    subscribers: Mapping[str, tuple[str, ...]] = {},
    canonical_id: CanonicalId = "first",
) -> Env:
    chance = random.Random(seed)
    return Env(
        rules=rules or default_rules(),
        campaigns={campaign.id: campaign for campaign in campaigns},
        tiers=tiers,
        program=program or Program(),
        dedup_window=5 * MINUTE,
        grant_delay=grant_delay,
        idempotency_ttl=3 * DAY,
        pseudonyms=Pseudonyms(b"the key of the pseudonyms"),
        random_between=chance.randint,
        random_bytes=random_bytes or chance.randbytes,
        delivers=delivers,
        forwards=forwards,
        subscribers=subscribers,
        canonical_id=canonical_id,
    )


def caller(channel: str = "web", request_id: str = "req") -> Caller:
    return Caller(channel, channel, f"channel:{channel}", request_id)


def says(**values: str) -> tuple[Evidence, ...]:
    """`says(email="a@x.eg b@x.eg")`: ok evidence; several values of one type are split at blanks."""
    return tuple(Evidence(Identifier(kind, value)) for kind, text in values.items() for value in text.split())


def achieve(who: str, campaign: int = FOLLOW.id, token: Any = None, **evidence: str) -> Achieve:
    """`who` is `<channel>:<customer id>`, here and below; a channel's id space has its name."""
    channel, _, customer_id = who.partition(":")
    return Achieve(caller(channel), customer_id, campaign, says(**evidence), token)


def customer(who: str, attributes: Any = None, guest: Any = None, **evidence: str) -> SaveCustomer:
    channel, _, customer_id = who.partition(":")
    return SaveCustomer(caller(channel), customer_id, says(**evidence), attributes or {}, guest)


def claim(who: str, attributes: Mapping[str, Any] | None = None, **claims: str) -> SaveCustomer:
    """What the api key alone says of a customer, with the default settings."""
    channel, _, customer_id = who.partition(":")
    identifiers = tuple(item.identifier for item in says(**claims))
    sender = replace(caller(channel), source="public", trust="claim")
    return SaveCustomer(sender, customer_id, attributes=attributes or {}, claims=identifiers)


def active(who: str, active: bool) -> SetActive:
    channel, _, customer_id = who.partition(":")
    return SetActive(caller(channel), customer_id, active)


def tags(who: str, attach: str = "", detach: str = "") -> EditTags:
    channel, _, customer_id = who.partition(":")
    return EditTags(caller(channel), customer_id, frozenset(attach.split()), frozenset(detach.split()))


def erase(who: str) -> EraseCustomer:
    channel, _, customer_id = who.partition(":")
    return EraseCustomer(caller(channel), customer_id)


def make_store(url: str, clock: Clock, kept: KeepFor = KEPT_BY_DEFAULT) -> Store:
    """`strict:` before a PostgreSQL URL: with portable SQL only, and with collisions."""
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///"))
        return SqliteStore(path, clock, checkpoint_key=CHECKPOINT_KEY, kept=kept)
    if url.startswith("strict:"):
        return strict(url.removeprefix("strict:"), clock, CHECKPOINT_KEY)
    return PostgresStore(url, clock, checkpoint_key=CHECKPOINT_KEY, kept=kept)


async def tamper(url: str, statement: str) -> None:
    """Change a database behind the gateway's back."""
    if url.startswith("sqlite:///"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
            connection.execute(statement)
        return
    server = await asyncpg.connect(url.removeprefix("strict:"))
    try:
        await server.execute(statement)
    finally:
        await server.close()


class InProcessGateway:
    """Store, environment, pipeline and counts; `around` may wrap the store that the pipeline sees. `url` "" is a file of its
    own."""

    def __init__(
        self,
        directory: Path,
        env: Env | None = None,
        *,
        clock: ManualClock | None = None,
        url: str = "",
        around: Callable[[Store], Store] = lambda store: store,
        kept: KeepFor = KEPT_BY_DEFAULT,
        queue_limit: int = 10_000,
        batch_limit: int = 256,
    ) -> None:
        self.clock = clock or ManualClock()
        self.env = env or environment()
        self.path = directory / "gateway.db"
        self.url = url or f"sqlite:///{self.path}"
        self._around = around
        self._kept = kept
        self._queue_limit, self._batch_limit = queue_limit, batch_limit

    async def __aenter__(self) -> "InProcessGateway":
        self.store = make_store(self.url, self.clock, self._kept)
        await self.store.open()
        self.activity = ActivityCounter(self.store)
        self.pipeline = Pipeline(
            self._around(self.store),
            self.env,
            count=self.activity.note_happened,
            queue_limit=self._queue_limit,
            batch_limit=self._batch_limit,
        )
        self.pipeline.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.pipeline.stop()
        finally:
            await self.store.close()

    async def restart(self) -> None:
        """Stop and start again on the same file; a start takes a while, so the clock moves on."""
        await self.__aexit__()
        self.clock.advance(SECOND)
        await self.__aenter__()

    async def send(self, command: Command) -> Any:
        return await self.pipeline.submit(command)

    async def grant(self, limit: int = 500) -> Any:
        return await self.pipeline.submit_background(GrantDue(limit))

    async def regroup(self, limit: int = 100) -> list[Regrouped]:
        """Work off every regrouping that there is, as the gateway does on its own. No step may fail."""
        steps: list[Regrouped] = []
        while (step := await self.regroup_some(limit)) is not None:
            steps.append(step)
        assert await self.rows("SELECT 1 FROM regrouping WHERE failures > 0 OR failed_at > 0") == []
        return steps

    async def regroup_some(self, limit: int = 100) -> Regrouped | None:
        return await regroup_some(self.store, self.pipeline, self.clock, "core", limit)

    async def use(self, rules: RuleSet) -> None:
        """Store a rule set, activate it, and take it into use; profiles stay as they are until they are regrouped."""
        stored = StoredRuleSet(rules.version, rules.sha256, rules.text, "operator", self.clock.now())
        await self.send(StoreRules(Caller("", "", "operator", "req"), stored, activate=True))
        self.env.use(rules)

    async def grant_later(self, span: int = HOUR) -> Any:
        """Grant everything that is due after `span`."""
        self.clock.advance(span)
        return await self.grant()

    async def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return await self.store.fetch(sql, parameters)

    async def column(self, sql: str, *parameters: object) -> list[Any]:
        return [value for (value,) in await self.store.fetch(sql, parameters)]

    async def actions(self) -> list[str]:
        """The audit log's actions, oldest first."""
        return await self.column("SELECT action FROM audit ORDER BY event_id")

    async def profile_of(self, who: str) -> int | None:
        channel, _, customer_id = who.partition(":")
        found = await self.column(
            "SELECT profile_id FROM record WHERE id_space = ? AND customer_id = ?", channel, customer_id
        )
        return found[0] if found else None

    async def names_lead_home(self, known: dict[int, tuple[str, int]]) -> dict[int, tuple[str, int]]:
        """I23. The first that is seen of a profile, which is in `known` from then on, is what it stays named after; what is stored
        is held against the name's text."""
        records = {
            one: rest
            for one, *rest in await self.rows(
                "SELECT record_id, profile_id, id_space, customer_id FROM record"
            )
        }
        found: dict[int, tuple[str, int]] = {}
        for profile_id, target, *stored in await self.rows(
            "SELECT profile_id, COALESCE(redirect_to, profile_id), canonical_id, named_after FROM profile"
        ):
            name, record_id = found[profile_id] = known.get(profile_id, (stored[0], stored[1]))
            home, space, customer_id = records[record_id]
            assert [name, record_id, home] == [*stored, target]
            assert name in (customer_id, f"{space}:{customer_id}", show("prf", profile_id))
        assert len({record_id for _, record_id in found.values()}) == len(found)
        return found

    async def points_of(self, who: str) -> int:
        (points,) = await self.column(
            "SELECT COALESCE(SUM(l.points), 0) FROM record r JOIN ledger l ON l.record_id = r.record_id"
            " WHERE r.profile_id = ?",
            await self.profile_of(who),
        )
        return points
