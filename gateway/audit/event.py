"""Audit events and the closed list of their actions. An event holds ids, codes, masks and HMACs, never a clear e-mail,
phone or secret."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec

from gateway.audit.pseudonym import Pseudonyms


class Action(StrEnum):
    """`subject.what happened`. Each has a line in `MEANINGS`."""

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
    IDENTIFIER_GENERIC = "identifier.generic"
    IDENTIFIER_SHARED = "identifier.shared"
    IDENTIFIER_BLOCKED = "identifier.blocked"
    IDENTIFIER_UNBLOCKED = "identifier.unblocked"
    IDENTIFIER_TAKEN = "identifier.taken"
    PIN_SET = "pin.set"
    PIN_DROPPED = "pin.dropped"
    POINTS_PROPOSED = "points.proposed"
    REVIEW_ACCEPTED = "review.accepted"
    REVIEW_REJECTED = "review.rejected"
    REVIEW_UNDONE = "review.undone"
    REVIEW_CLOSED = "review.closed"
    REVIEW_REOPENED = "review.reopened"
    CUSTOMER_UPDATED = "customer.updated"
    CUSTOMER_ACTIVATED = "customer.activated"
    CUSTOMER_DEACTIVATED = "customer.deactivated"
    CUSTOMER_TAGGED = "customer.tagged"
    CUSTOMER_UNTAGGED = "customer.untagged"
    CUSTOMER_VIEWED = "customer.viewed"
    CUSTOMER_SEARCHED = "customer.searched"
    CUSTOMER_EXPORTED = "customer.exported"
    CUSTOMER_ERASED = "customer.erased"
    IMPORT_ROWS = "import.rows"
    IMPORT_UNDONE = "import.undone"
    SEARCH_STARTED = "search.started"
    SEARCH_ENDED = "search.ended"
    REGROUPING_FAILED = "regrouping.failed"
    REGROUPING_RESUMED = "regrouping.resumed"
    JOB_STARTED = "job.started"
    JOB_ENDED = "job.ended"
    JOB_FAILED = "job.failed"
    JOB_RESUMED = "job.resumed"
    JOB_CANCELLED = "job.cancelled"
    JOB_DISTRUSTED = "job.distrusted"
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
    DELIVERY_TESTED = "delivery.tested"
    WEBHOOK_RECEIVED = "webhook.received"
    CALL_REFUSED = "call.refused"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    OPERATOR_ADDED = "operator.added"
    OPERATOR_ROTATED = "operator.rotated"
    OPERATOR_REMOVED = "operator.removed"
    SESSION_OPENED = "session.opened"
    SESSION_ENDED = "session.ended"
    LIST_CHANGED = "list.changed"
    RULES_STORED = "rules.stored"
    RULES_PLANNED = "rules.planned"
    RULES_ACTIVATED = "rules.activated"
    RETENTION_APPLIED = "retention.applied"
    AUDIT_ARCHIVED = "audit.archived"
    AUDIT_CHECKPOINTS_ARCHIVED = "audit.checkpoints_archived"
    CLOCK_BELIEVED = "clock.believed"
    DATABASE_SCRUBBED = "database.scrubbed"
    STATE_BOUND = "state.bound"
    STATE_NOTED = "state.noted"
    SECRET_REPLACED = "secret.replaced"  # noqa: S105 - no password, but what happened to one


MEANINGS: Mapping[Action, str] = {
    Action.GATEWAY_STARTED: "the gateway started; the event names the head of the previous chain",
    Action.GATEWAY_STOPPED: "the gateway stopped normally",
    Action.CONFIG_RELOADED: (
        "a reload changed settings: their names (100 at most) and their `count`, never their values"
    ),
    Action.IDENTITY_CREATED: "a decision made a profile; the detail has the rule, the rule set and the trace",
    Action.IDENTITY_ATTACHED: "a decision added a record to a profile; the detail as above",
    Action.IDENTITY_MERGED: "a decision or a person joined profiles; the detail as above",
    Action.IDENTITY_SPLIT: (
        "records were split off, or a merge was undone (`reason`: `split:plain`, `split:tree`, "
        "`split:all`, `undo`); the detail has the parts, the record after which each side is named, the "
        "former ids that now lead to a part, and the operator's note"
    ),
    Action.IDENTITY_REVIEW: "the conflict policy kept profiles apart, and a person is asked",
    Action.IDENTITY_REGROUPED: (
        "a regrouping ended and changed something, or was a walk after new rules: its scope, cause and "
        "counts; each merge, split and question has its own event"
    ),
    Action.IDENTITY_SKIPPED: (
        "a regrouping left profiles as they are (`profiles`): too many records belong together "
        "(`too_large`), or in too long a chain (`too_far`); with the value that most of these records hold, "
        "and how many do"
    ),
    Action.IDENTITY_REFUSED: "the conflict policy kept profiles apart",
    Action.IDENTITY_SHADOW: 'what would have been decided, in `mode = "shadow"`',
    Action.IDENTITY_CLAIMED: (
        "a source that may not state it said an identifier or an attribute of its own record; the detail "
        "has the pseudonyms, the names and the source"
    ),
    Action.IDENTIFIER_GENERIC: "too many records hold a value; it no longer joins",
    Action.IDENTIFIER_SHARED: "a household shares a value; it does not join",
    Action.IDENTIFIER_BLOCKED: "a value was put on an operators' list",
    Action.IDENTIFIER_UNBLOCKED: "a value was taken off an operators' list",
    Action.IDENTIFIER_TAKEN: "a value moved to another profile",
    Action.PIN_SET: "a person decided about two records (`must`, `cannot`), or `gateway` ties two that a score joined",
    Action.PIN_DROPPED: (
        "a pin was removed; a pin that expires (`until`, `cooldown_after_split`) is removed within "
        "10 s, and its `note` says so; with `split` only, all sides of a split are kept apart no longer"
    ),
    Action.POINTS_PROPOSED: (
        "the platform keeps points for both sides of a merge; names the review that asks a person about them"
    ),
    Action.REVIEW_ACCEPTED: (
        "a person accepted a review; `asked` is what about (`join`, `leave`, `keys`, `points`); a merge or a "
        "split that follows has its own event"
    ),
    Action.REVIEW_REJECTED: (
        "a person rejected a review; `asked` as above, and the `split` whose sides keep the two apart, if no pins do"
    ),
    Action.REVIEW_UNDONE: (
        "a person took back an answer, and the review is open again; `asked` as above, `was` is the answer; "
        "a merge, a split or a pin together that was undone has its own event, `lifted` are the pins apart; "
        "a `split` of the answer has its own event too"
    ),
    Action.REVIEW_CLOSED: "a review was not answered in time",
    Action.REVIEW_REOPENED: "new evidence supports a review that was closed",
    Action.CUSTOMER_UPDATED: "a customer's attributes changed; the event's words name them",
    Action.CUSTOMER_ACTIVATED: "a customer was activated",
    Action.CUSTOMER_DEACTIVATED: "a customer was deactivated",
    Action.CUSTOMER_TAGGED: "tags were attached; the event's words name them",
    Action.CUSTOMER_UNTAGGED: "tags were removed; the event's words name them",
    Action.CUSTOMER_VIEWED: "an operator asked to see a customer (`[audit] reads`)",
    Action.CUSTOMER_SEARCHED: (
        "an operator searched for customers (`[audit] reads`); `by` names what was searched by, without the values"
    ),
    Action.CUSTOMER_EXPORTED: "an operator exported everything that is stored about a person (`gateway export`)",
    Action.CUSTOMER_ERASED: (
        "a person was erased; the number of records. `restored`: erased again in a database that was "
        "restored from a backup"
    ),
    Action.IMPORT_ROWS: (
        "a chunk of an import was stored: its lines, the rows of a block that were taken before and after "
        "it, rows by decision, unusable identifiers by reason; the decision about each row has its own "
        "event"
    ),
    Action.IMPORT_UNDONE: (
        "a chunk of an undo was stored (`outcome`: `part`, at the end `ok`), with its records by result"
    ),
    Action.SEARCH_STARTED: "an operator started a search for records that look like one person (`gateway suggest`)",
    Action.SEARCH_ENDED: (
        "the search has come to its end (`outcome`: `done` or `failed`): how many `records` it read, how many pairs were "
        "`candidates`, were `found` and were `opened` as questions; the `labels` that the model learned from, and the digests of "
        "the `model` and the `data`; each question has its own event"
    ),
    Action.REGROUPING_FAILED: (
        "a regrouping was given up, because one of its steps failed six times (`why`): its scope, cause and how many profiles it "
        "`looked` at; `gateway rules resume` tries it again"
    ),
    Action.REGROUPING_RESUMED: "an operator had a failed regrouping tried again; its scope, cause and `looked` as above",
    Action.JOB_STARTED: (
        "an operator started a job on everything that matches a filter (`reason`: its kind, such as `undo_merges`): the "
        "filter, and how many it `matched`; each change has its own event, with the job's id as its request id"
    ),
    Action.JOB_ENDED: (
        "a job has come to its end: how many it `matched`, were `done` and were `refused`; questions that its answers "
        "`closed` beside their own; what it `passed`, because others dealt with it; and what an operator `skipped`"
    ),
    Action.JOB_FAILED: "a job stopped before its end, and `why`; the counts as above",
    Action.JOB_RESUMED: (
        "an operator continued a failed job, from now on in their name; `skip` is the thing that they left out; the counts as above"
    ),
    Action.JOB_CANCELLED: "an operator cancelled a job; what it did stays done; the counts as above",
    Action.JOB_DISTRUSTED: (
        "a job is not run, because its row does not match the audit log: it was added or changed, but not by the gateway; "
        "`damaged` are the columns that cannot be read"
    ),
    Action.ACHIEVEMENT_ACCEPTED: "a report was accepted",
    Action.ACHIEVEMENT_DUPLICATE: "a report was refused, because it was inside the dedup window",
    Action.ACHIEVEMENT_REPLAYED: "a repeated `Idempotency-Key` got the stored answer",
    Action.ACHIEVEMENT_GRANTED: "an achievement was granted when it was due",
    Action.ACHIEVEMENT_IGNORED: "an achievement was ignored when it was due; the reason says why",
    Action.ACHIEVEMENT_FAILED: "an exception stopped the decision about an achievement",
    Action.ACHIEVEMENT_RETRIED: "an operator queued an achievement again",
    Action.ACHIEVEMENT_DELIVERED: (
        "the platform has the achievement; the detail has the delivery, its attempts and the last status"
    ),
    Action.ACHIEVEMENT_DEAD: "the achievement was given up, with the reason; the detail as above",
    Action.DELIVERY_UNKNOWN: "a delivery was sent and no answer came, so it is unknown whether it arrived",
    Action.DELIVERY_HELD: "a delivery waits for a later time or for a person; the reason says why",
    Action.DELIVERY_DEAD: "a webhook's delivery was given up",
    Action.DELIVERY_RETRIED: "an operator sent a delivery again",
    Action.DELIVERY_DISCARDED: "an operator discarded a delivery",
    Action.DELIVERY_TESTED: "an operator sent a test event to a webhook",
    Action.WEBHOOK_RECEIVED: (
        "the platform called the webhook; the event has the topic and the listeners, but no content"
    ),
    Action.CALL_REFUSED: "a call was refused: route, status, code",
    Action.KEY_CREATED: "a channel key was issued",
    Action.KEY_REVOKED: "a channel key was revoked",
    Action.OPERATOR_ADDED: "an operator was added, with a role; the token is not in the event",
    Action.OPERATOR_ROTATED: "an operator got another token, and their browser sessions ended",
    Action.OPERATOR_REMOVED: "an operator was removed; their tokens and browser sessions ended",
    Action.SESSION_OPENED: "an operator logged in with a browser; `session`: the first digits of the session's id",
    Action.SESSION_ENDED: "an operator logged out, or an admin ended their session; `session` as above",
    Action.LIST_CHANGED: "values were added to an operators' list or removed from it; the event has their number",
    Action.RULES_STORED: "a rule version was stored",
    Action.RULES_PLANNED: "a plan was made; the detail has the SHA-256 of the rules' content",
    Action.RULES_ACTIVATED: "a rule version was activated",
    Action.RETENTION_APPLIED: (
        "old details were deleted after `[retention]`: finished `achievements`, `reporters` of granted ones "
        "(channel and request id), and `coupons` (their codes)"
    ),
    Action.AUDIT_ARCHIVED: (
        "the events of a segment were moved to a file (`gateway audit archive`); `events`, the ids of the "
        "`first` and the `last`, the `sha256` of the segment's header"
    ),
    Action.AUDIT_CHECKPOINTS_ARCHIVED: (
        "the oldest checkpoints of the audit log, up to the number `checkpoint`, were moved to a file; `signature` is that of "
        "the last one"
    ),
    Action.CLOCK_BELIEVED: (
        "the gateway's time moved by `moved_ms`, and deadlines follow it: a jump of the clock lasted, "
        "or an operator said that the clock is right"
    ),
    Action.DATABASE_SCRUBBED: (
        "an operator had the database rewritten (`gateway db scrub`); `left`: in how many places copies "
        "of erased data may still be"
    ),
    Action.STATE_BOUND: (
        "an upgrade: `rows` of a `table` that a schema `step` rewrote, or that are covered from that step on, "
        "are bound to the log as they are found; `first` and `last`: the first of them, and all of them"
    ),
    Action.STATE_NOTED: (
        "rows changed that the log vouches for, without an event of their own: a review was closed as stale, "
        "or more evidence was noted on it"
    ),
    Action.SECRET_REPLACED: (
        "the database continues with another master secret, because an operator said so (`gateway db "
        "new-secret`)"
    ),
}
"""When each is written. The reference page of audit actions is made from this table."""


def words_hmac(pseudonyms: Pseudonyms, event_id: int, words: str) -> str:
    """The HMAC of a text. It includes the event's id, so equal texts have different HMACs in different events."""
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
    """Text that people wrote, or names that may identify a person. It is stored outside the log, and erased with any of
    `records`. The log has the HMACs, under the detail's `words`. Empty texts are left out."""

    said: Mapping[str, str | list[str]]
    records: Collection[int]
    pseudonyms: Pseudonyms


class StatedValue(msgspec.Struct, frozen=True, gc=False):
    """One identifier of a decision's evidence, with its state."""

    type: str
    hmac: str
    mask: str
    status: str
    reason: str


class DecisionDetail(msgspec.Struct, frozen=True, gc=False):
    """The detail of an `identity.…` event. Each step of the trace has the check, the profile (`""`: the request itself), the
    result, and more about it."""

    decision: str
    rule: str
    rule_set: str
    id_space: str
    evidence: list[StatedValue]
    absorbed: list[str]
    trace: list[tuple[str, str, str, str]]
    source: str
