"""Achievements from the report to the grant: dedup windows, idempotent answers, the ledger."""

from dataclasses import dataclass, field
from typing import Literal

import msgspec

from gateway.model.caller import Caller
from gateway.model.command import Command, Done, Refused
from gateway.model.identity import Resolution, UnknownCustomer
from rules.identifier import Evidence, Identifier

AchievementState = Literal["accepted", "granted", "ignored", "failed", "queued", "delivered", "dead"]


@dataclass(slots=True)
class Dedup:
    """The newest acceptance of a (profile, campaign) and the end of its dedup window."""

    achievement_id: int
    accepted_at: int
    expires_at: int


@dataclass(slots=True)
class Achievement:
    achievement_id: int
    record_id: int
    campaign_id: int
    state: AchievementState
    reason: str
    channel: str
    request_id: str
    accepted_at: int
    due_at: int
    decided_at: int | None = None
    epoch: int = 0
    trace: str = ""


class LedgerEntry(msgspec.Struct, frozen=True):
    """Points and score that one record earned; never changed, never moved to another record."""

    record_id: int
    campaign_id: int
    entry_id: int
    kind: Literal["reward"]
    achievement_id: int
    points: int
    score: int
    coupon_code: str
    entered_at: int


class StoredAnswer(msgspec.Struct, frozen=True):
    """The answer kept under an idempotency key, byte for byte. `headers` are the platform's where it answered, as JSON pairs, ""
    where the gateway did."""

    fingerprint: bytes
    status: int
    body: bytes
    expires_at: int
    headers: str = ""


class AnswerOf(msgspec.Struct, frozen=True):
    """Under which key the answer is kept that was given for an achievement."""

    achievement_id: int
    channel: str
    route: str
    key: str
    expires_at: int


@dataclass(slots=True)
class Due:
    """An achievement that is due, with what its profile looks like now; `profile_id` None: the customer was erased. `active` and
    `guest` are so if all records are. `granted` is when what it was granted before for this campaign had been accepted.
    `attributes` are JSON texts, as they are stored."""

    achievement: Achievement
    profile_id: int | None
    active: bool = True
    guest: bool = True
    granted: tuple[int, ...] = ()
    tags: frozenset[str] = frozenset()
    score: int = 0
    attributes: dict[str, str] = field(default_factory=dict)


class IdempotencyKey(msgspec.Struct, frozen=True):
    """The client's token with the fingerprint of its request, valid inside one (channel, route), and what is answered and
    kept once the request is accepted; `headers` as in StoredAnswer."""

    route: str
    key: str
    fingerprint: bytes
    answer: bytes
    status: int = 202
    headers: str = ""


class Accepted(msgspec.Struct, frozen=True):
    achievement_id: int
    resolution: Resolution


class Duplicate(msgspec.Struct, frozen=True):
    """The same (profile, campaign) inside its dedup window; `wait` is the time left, in ms."""

    wait: int
    resolution: Resolution


class Replayed(msgspec.Struct, frozen=True):
    """The idempotency key is known with this fingerprint: the stored answer."""

    answer: StoredAnswer


class KeyReused(msgspec.Struct, frozen=True):
    """The idempotency key is known with another fingerprint."""


class Granted(msgspec.Struct, frozen=True):
    """The number of achievements that a `GrantDue` decided."""

    granted: int
    ignored: int
    failed: int = 0


AchieveOutcome = Accepted | Duplicate | Replayed | KeyReused | UnknownCustomer


class Achieve(Command[AchieveOutcome], frozen=True):
    """Mark a campaign as achieved by the customer whom this id and evidence identify. Never creates a customer. `direct`: the
    caller reports it to the upstream itself, at once, and sends the result as `Settle`."""

    caller: Caller
    customer_id: str
    campaign_id: int
    evidence: tuple[Evidence, ...] = ()
    idempotency: IdempotencyKey | None = None
    direct: bool = False
    claims: tuple[Identifier, ...] = ()


class Settle(Command[Done], frozen=True):
    """The result of a direct report of `achievement_id`, which was accepted for this profile and campaign under this key. From
    then on, only a delivered report is answered from the key; a refused one may be reported again at once. `reason` is a word.
    No `profile_id`: the customer was erased since."""

    caller: Caller
    achievement_id: int
    profile_id: int | None
    campaign_id: int
    result: Literal["delivered", "refused", "unknown"]
    reason: str
    status: int = 0
    idempotency: IdempotencyKey | None = None


class GrantDue(Command[Granted], frozen=True):
    """Decide up to `limit` achievements that are due."""

    limit: int


class RetryAchievement(Command[Done | Refused], frozen=True):
    """Queue an ignored, failed or dead achievement again, due now."""

    caller: Caller
    achievement_id: int
