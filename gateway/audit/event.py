"""Audit events and the closed list of their actions. An event holds ids, codes, masks and HMACs, never a clear e-mail,
phone or secret."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec

from gateway.audit.pseudonym import Pseudonyms


class Action(StrEnum):
    """`subject.what happened`. Every one is documented in gateway/README.md; a test holds that."""

    GATEWAY_STARTED = "gateway.started"
    GATEWAY_STOPPED = "gateway.stopped"
    CONFIG_RELOADED = "config.reloaded"
    IDENTITY_CREATED = "identity.created"
    IDENTITY_ATTACHED = "identity.attached"
    IDENTITY_MERGED = "identity.merged"
    IDENTITY_SPLIT = "identity.split"
    IDENTITY_REVIEW = "identity.review"
    IDENTITY_REGROUPED = "identity.regrouped"
    IDENTITY_SKIPPED = "identity.skipped"
    IDENTITY_REFUSED = "identity.refused"
    IDENTITY_SHADOW = "identity.shadow"
    IDENTITY_CLAIMED = "identity.claimed"
    KEY_GENERIC = "identifier.generic"
    KEY_SHARED = "identifier.shared"
    KEY_BLOCKED = "identifier.blocked"
    KEY_UNBLOCKED = "identifier.unblocked"
    KEY_TAKEN = "identifier.taken"
    PIN_SET = "pin.set"
    PIN_DROPPED = "pin.dropped"
    POINTS_PROPOSED = "points.proposed"
    REVIEW_ACCEPTED = "review.accepted"
    REVIEW_REJECTED = "review.rejected"
    REVIEW_CLOSED = "review.closed"
    REVIEW_REOPENED = "review.reopened"
    CUSTOMER_UPDATED = "customer.updated"
    CUSTOMER_ACTIVATED = "customer.activated"
    CUSTOMER_DEACTIVATED = "customer.deactivated"
    CUSTOMER_TAGGED = "customer.tagged"
    CUSTOMER_UNTAGGED = "customer.untagged"
    CUSTOMER_EXPORTED = "customer.exported"
    CUSTOMER_ERASED = "customer.erased"
    IMPORT_ROWS = "import.rows"
    IMPORT_UNDONE = "import.undone"
    ACHIEVEMENT_ACCEPTED = "achievement.accepted"
    ACHIEVEMENT_DUPLICATE = "achievement.duplicate"
    ACHIEVEMENT_REPLAYED = "achievement.replayed"
    ACHIEVEMENT_GRANTED = "achievement.granted"
    ACHIEVEMENT_IGNORED = "achievement.ignored"
    ACHIEVEMENT_FAILED = "achievement.failed"
    ACHIEVEMENT_RETRIED = "achievement.retried"
    ACHIEVEMENT_DELIVERED = "achievement.delivered"
    ACHIEVEMENT_DEAD = "achievement.dead"
    DELIVERY_UNKNOWN = "delivery.unknown"
    DELIVERY_HELD = "delivery.held"
    DELIVERY_DEAD = "delivery.dead"
    DELIVERY_RETRIED = "delivery.retried"
    DELIVERY_DISCARDED = "delivery.discarded"
    PLATFORM_HEARD = "webhook.received"
    CALL_REFUSED = "call.refused"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    LIST_CHANGED = "list.changed"
    RULES_STORED = "rules.stored"
    RULES_PLANNED = "rules.planned"
    RULES_ACTIVATED = "rules.activated"
    AUDIT_ARCHIVED = "audit.archived"
    CLOCK_BELIEVED = "clock.believed"
    DATABASE_SCRUBBED = "database.scrubbed"
    SECRET_REPLACED = "secret.replaced"  # noqa: S105 - no password, but what happened to one


def words_hmac(pseudonyms: Pseudonyms, event_id: int, words: str) -> str:
    """Another one for each event, so that the same words are not seen to be the same."""
    return pseudonyms.of("words", f"{event_id}\x00{words}")


class AuditEvent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One event before it joins its chain. `at` is ms UTC; `detail` is a JSON object as text; absent text is `""`.

    The field order is the order in which an event is hashed.
    """

    event_id: int
    at: int
    action: str
    outcome: str
    channel: str
    actor: str
    profile: str
    object: str
    request_id: str
    reason: str
    detail: str


class Words(NamedTuple):
    """What people wrote, or names that may say who somebody is: kept apart from the log, where it is erased with any of `records`.
    The log has the HMAC, under the detail's `words`. Empty ones are left out."""

    said: Mapping[str, str | list[str]]
    records: Collection[int]
    pseudonyms: Pseudonyms


class StatedValue(msgspec.Struct, frozen=True, gc=False):
    """One identifier of a decision's evidence, and what it was worth."""

    type: str
    hmac: str
    mask: str
    status: str
    reason: str


class DecisionDetail(msgspec.Struct, frozen=True, gc=False):
    """The detail of an `identity.…` event. Each step of the trace is what was looked at, the profile (`""`: the request
    itself), what came of it, and more about that."""

    decision: str
    rule: str
    rule_set: str
    id_space: str
    evidence: list[StatedValue]
    absorbed: list[str]
    trace: list[tuple[str, str, str, str]]
    source: str
