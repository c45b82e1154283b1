"""One of the gateways that race each other: a store and a pipeline, without listeners."""

import asyncio
import random
import secrets
from typing import Self, TypeVar, cast

from gateway.audit.pseudonym import Pseudonyms
from gateway.clock import DAY, MINUTE, Clock
from gateway.config import Campaign, Program
from gateway.errors import StoreUnavailable
from gateway.model import (
    Achieve,
    Caller,
    Command,
    GrantDue,
    MergeProfiles,
    Refused,
    SaveCustomer,
    UnknownCustomer,
)
from gateway.pipeline import Pipeline
from gateway.store.postgres import PostgresStore
from gateway.store.queries.profiles import survivor_of
from gateway.usecases.env import Env
from rules.identifier import Evidence, Identifier
from rules.language.parse import parse, preset
from rules.ruleset import RuleSet

T = TypeVar("T")
_CHANNEL = Caller("probe", "probe", "channel:probe", "probe")
_OPERATOR = Caller("", "", "operator:probe", "probe", "operator")
_CAMPAIGN = Campaign(id=1, name="probe", points=1)
_TRIES = 30


class Side:
    """`async with` opens and closes it. Every method repeats a command that the store gave up, as a client would."""

    def __init__(self, url: str, clock: Clock, key: bytes) -> None:
        self.store = PostgresStore(url, clock, checkpoint_key=key)
        self._pipeline = Pipeline(self.store, _environment(key), queue_limit=1_000, batch_limit=64)
        self.repeats = 0

    async def __aenter__(self) -> Self:
        await self.store.open()
        self._pipeline.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self._pipeline.stop()
        finally:
            await self.store.close()

    async def customer(self, customer_id: str, email: str = "") -> int:
        """The profile that the customer is on after this."""
        evidence = (Evidence(Identifier("email", email)),) if email else ()
        outcome = await self._send(SaveCustomer(_CHANNEL, customer_id, evidence))
        if isinstance(outcome, UnknownCustomer):
            raise StoreUnavailable("a customer was not stored")
        return outcome.resolution.profile_id

    async def achieve(self, customer_id: str) -> str:
        """The name of the outcome, such as `Accepted`."""
        return type(await self._send(Achieve(_CHANNEL, customer_id, _CAMPAIGN.id))).__name__

    async def merge(self, one: int, other: int) -> None:
        outcome = await self._send(MergeProfiles(_OPERATOR, (one, other), "probe"))
        if isinstance(outcome, Refused):
            raise StoreUnavailable(f"a merge was refused ({outcome.code})")

    async def grant(self) -> None:
        await self._send(GrantDue(100))

    async def live(self, profile: int) -> int | None:
        return await survivor_of(self.store, profile)

    async def _send(self, command: Command[T]) -> T:
        for _ in range(_TRIES - 1):
            try:
                return await self._pipeline.submit(command)
            except StoreUnavailable:
                self.repeats += 1
                await asyncio.sleep(0)
        return await self._pipeline.submit(command)


def _environment(key: bytes) -> Env:
    return Env(
        rules=cast("RuleSet", parse(preset("email-or-mobile"))),
        campaigns={_CAMPAIGN.id: _CAMPAIGN},
        tiers=(),
        program=Program(),
        dedup_window=5 * MINUTE,
        grant_delay=(0, 0),
        idempotency_ttl=DAY,
        pseudonyms=Pseudonyms(key),
        random_between=random.SystemRandom().randint,
        random_bytes=secrets.token_bytes,
    )
