"""The gateway's nouns as plain data: commands that callers send to the pipeline, outcomes that they get back, and the
entities that a batch works on. Times are integer milliseconds UTC; ids are the integers behind `prf_`, `rec_`, `ach_`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import msgspec

from gateway.clock import DAY
from rules.explain import Explanation
from rules.identifier import Evidence, Identifier
from rules.record import Pin, Record
from rules.source import Source, Trust

SEEN_PRECISION = DAY
"""To this precision (ms) it is kept when an identifier was last seen on a record."""
FEW_HOLDERS = 16
"""Of up to so many holders a key is told by their observations, which are counted whenever it is needed; of more by itself."""
ReviewState = Literal["open", "accepted", "rejected", "stale"]
AchievementState = Literal["accepted", "granted", "ignored", "failed", "queued", "delivered", "dead"]
DeliveryState = Literal["pending", "sending", "unknown", "held", "delivered", "dead", "discarded"]


class Caller(msgspec.Struct, frozen=True):
    """Who sends a command: a channel with one of its keys, or an operator (then `channel` and `id_space` are empty). The
    gateway itself is no source. `trust` is what its source may do with what it says of a customer."""

    channel: str
    id_space: str
    actor: str
    request_id: str
    source: Source = "backend"
    trust: Trust = "state"


# ---- entities ----


@dataclass(slots=True)
class CustomerRecord(Record):
    """A record with what the loyalty side keeps on it. A profile is active while none of its records was deactivated, and
    a guest while all of them are."""

    active: bool = True
    guest: bool = False


class Claim(NamedTuple):
    """One identifier claimed of one record. It owns no key, joins nobody and counts for no fan-out."""

    source: Source
    claimed_at: int


class ClaimedAttribute(NamedTuple):
    """The value of one attribute as an untrusted source gave it for one record, as JSON text."""

    value: str
    source: Source
    claimed_at: int


@dataclass(slots=True)
class Claims:
    """All that is claimed of one record."""

    identifiers: dict[Identifier, Claim] = field(default_factory=dict[Identifier, Claim])
    attributes: dict[str, ClaimedAttribute] = field(default_factory=dict[str, ClaimedAttribute])


@dataclass(slots=True)
class ProfileRow:
    """What is stored of a profile besides its records. The canonical id is the customer id under which the
    upstream knows it; no two profiles have the same, absorbed ones included. `named_after` is the record that the profile
    began with: its id and its canonical id lead to wherever that record is.

    A profile's version is `changes` and its number of records: one more record of somebody known writes nothing here.
    `changes` is None until the profile is stored.
    """

    profile_id: int
    created_at: int
    changes: int | None
    redirect_to: int | None
    canonical_id: str
    named_after: int = 0


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


@dataclass(slots=True)
class Delivery:
    """A row of work for somebody outside, `upstream`, `balances` or `webhook:NAME`, written in the transaction of its cause.

    `lane` is a profile: rows of one lane reach a webhook in order, and for the upstream it is the profile under whose id the
    newest attempt went out. `subject` is an achievement or an event. `due_at` None waits for a person. `sent_at` is when the
    oldest attempt left of which nobody knows whether it arrived. `answer` is the receiver's last word, masked. `epoch` counts
    claims: only the newest one may change the row; `fence` is the epoch that the store must still hold.
    """

    delivery_id: int
    target: str
    lane: int
    kind: str
    subject: int
    payload: str
    state: DeliveryState
    created_at: int
    due_at: int | None
    expires_at: int
    owner: str = ""
    lease_until: int = 0
    epoch: int = 0
    attempts: int = 0
    sent_at: int | None = None
    finished_at: int | None = None
    status: int = 0
    reason: str = ""
    answer: str = ""
    fence: int = field(init=False)

    def __post_init__(self) -> None:
        self.fence = self.epoch


class Erasure(msgspec.Struct, frozen=True):
    """That somebody was erased: numbers that lead to no one once it is done."""

    erasure_id: int
    profile_id: int
    records: tuple[int, ...]
    at: int


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


class MergeRow(msgspec.Struct, frozen=True):
    """One absorbed profile, with the record lists of both sides as they were before: all that an undo needs."""

    merge_id: int
    survivor_id: int
    absorbed_id: int
    survivor_records: tuple[int, ...]
    absorbed_records: tuple[int, ...]
    rule: str
    rule_set: str
    actor: str
    request_id: str
    merged_at: int
    undone_at: int | None = None


@dataclass(slots=True, frozen=True)
class PinRow(Pin):
    """A pin with who set it, why and when."""

    actor: str = ""
    reason: str = ""
    created_at: int = 0


@dataclass(slots=True)
class ReviewItem:
    """An open or answered question. Most are about an unordered pair of profiles, `profile_a < profile_b`: are they one, or
    (`split:contested`) whose are the keys that both sides hold? One with `records` is about one profile, which is both a
    and b: should these records leave it? `evidence` are the rules (`rule:<name>`) and types that spoke for it so far."""

    review_id: int
    profile_a: int
    profile_b: int
    state: ReviewState
    reason: str
    rule: str
    types: tuple[str, ...]
    opened_at: int
    closed_at: int | None = None
    closed_by: str = ""
    records: tuple[int, ...] = ()
    evidence: frozenset[str] = frozenset()


class Regrouping(msgspec.Struct, frozen=True):
    """Profiles that are to be looked at again, by id, and how far that is: `cursor` is the last one looked at.

    `scope` says which: `rules` every one, as the rule set `rule_set` (its SHA-256) was activated; `value` the holders of one
    value that lost or regained its power; `profile` a single one. Profiles `merged` and `split` and questions `asked` are
    counted as a plan counts them, `points` changed hands; `skipped` profiles belong to more records than can be looked at
    together. One process at a time works on it: `held_by`, until `held_until`.
    """

    regrouping_id: int
    scope: Literal["rules", "value", "profile"]
    cause: str
    rule_set: str
    type: str
    value: str
    profile_id: int
    started_at: int
    cursor: int = 0
    total: int = 0
    looked: int = 0
    merged: int = 0
    split: int = 0
    asked: int = 0
    points: int = 0
    skipped: int = 0
    held_by: str = ""
    held_until: int = 0
    finished_at: int | None = None


class ChannelKey(msgspec.Struct, frozen=True):
    """A key pair of a channel as it is stored: HMACs only."""

    key_id: str
    channel: str
    api_hash: bytes
    secret_hash: bytes
    created_at: int
    created_by: str
    revoked_at: int | None = None


class StoredRuleSet(msgspec.Struct, frozen=True):
    version: str
    sha256: str
    text: str
    author: str
    stored_at: int


class PlatformEvent(msgspec.Struct, frozen=True):
    """That the platform told something, and whose it was; `key` is the same whenever it tells it again."""

    key: str
    topic: str
    profile_id: int | None
    heard_at: int


class StoredAnswer(msgspec.Struct, frozen=True):
    """The answer kept under an idempotency key, byte for byte. `headers` are the platform's where it answered, as JSON pairs, ""
    where the gateway did."""

    fingerprint: bytes
    status: int
    body: bytes
    expires_at: int
    headers: str = ""


class RefusedLine(msgspec.Struct, frozen=True, array_like=True):
    """A line that an import could not take, and the code that says why."""

    line: int
    reason: str


class WarnedLine(msgspec.Struct, frozen=True, array_like=True):
    """A line that an import took without one of its identifiers, the type of that and the code that says why."""

    line: int
    identifier: str
    reason: str


class ImportPosition(msgspec.Struct, frozen=True):
    """All lines before `next_line` are taken, and the first `ahead` of the block that begins there: lines that their sender
    brings in an order of its own. `block` is its name for that order, "" where the lines come as they stand in the file."""

    next_line: int = 1
    ahead: int = 0
    block: str = ""

    def may_follow(self, reached: "ImportPosition") -> bool:
        """Whether lines from here on are the next ones: also the first of a block that is another than what was begun."""
        begun_anew = self.next_line == reached.next_line and not self.ahead and self.block != reached.block
        return begun_anew or self == reached


class ImportRun(msgspec.Struct, frozen=True):
    """How far an import is. `counts` are rows by what became of them, `unusable` identifiers by `<type>:<reason>`."""

    import_id: str
    channel: str
    started_at: int
    reached: ImportPosition = ImportPosition()
    counts: Mapping[str, int] = {}
    unusable: Mapping[str, int] = {}
    finished_at: int | None = None
    undo_after: int | None = None
    """Up to this record it is undone; None while no undo is under way."""
    undone_at: int | None = None


class Overwritten(msgspec.Struct, frozen=True):
    """What a chunk of an import added to a record, what it wrote over (the text before, None for nothing, and the text after),
    and the merges that it caused there."""

    seen: tuple[tuple[str, str], ...] = ()
    attributes: Mapping[str, tuple[str | None, str]] = {}
    guest: bool | None = None
    merges: tuple[int, ...] = ()


class ImportChange(msgspec.Struct, frozen=True):
    """That a chunk of an import changed a record, or created it. `before` is an Overwritten as JSON, "" where there is nothing
    to tell."""

    import_id: str
    record_id: int
    change_id: int
    at: int
    created: bool
    before: str = ""


class ChangedRecord(msgspec.Struct, frozen=True):
    """A record that an import changed, as it is now. `profile_id` is None where it was erased; `records` are those of its
    profile. `touched` says what happened to it after the import, as far as that keeps it."""

    record_id: int
    profile_id: int | None
    records: int
    changes: tuple[ImportChange, ...]
    touched: str

    @property
    def created(self) -> bool:
        return self.changes[0].created

    @property
    def merges(self) -> list[int]:
        """Those that the import caused here, oldest first."""
        told = [change.before for change in self.changes if change.before]
        return [merge_id for text in told for merge_id in msgspec.json.decode(text, type=Overwritten).merges]

    @property
    def effect(self) -> Literal["removed", "restored", "stays", "gone"]:
        """What an undo makes of it."""
        if self.profile_id is None:
            return "gone"
        if not self.created:
            return "restored"
        return "stays" if self.touched else "removed"


# ---- commands ----


class IdempotencyKey(msgspec.Struct, frozen=True):
    """The client's token with the fingerprint of its request, valid inside one (channel, route), and what is answered and
    kept once the request is accepted; `headers` as in StoredAnswer."""

    route: str
    key: str
    fingerprint: bytes
    answer: bytes
    status: int = 202
    headers: str = ""


class Achieve(msgspec.Struct, frozen=True):
    """Mark a campaign as achieved by the customer that this id and evidence lead to. Never creates a customer. `direct`: the
    caller reports it to the upstream itself, at once, and says by `Settle` what came of it."""

    caller: Caller
    customer_id: str
    campaign_id: int
    evidence: tuple[Evidence, ...] = ()
    idempotency: IdempotencyKey | None = None
    direct: bool = False
    claims: tuple[Identifier, ...] = ()


class Settle(msgspec.Struct, frozen=True):
    """What came of a direct report of `achievement_id`, which was accepted for this profile and campaign under this key. Only
    what was delivered is answered for the key's sake from then on; what was refused may be reported again at once. `reason` is
    a word. No `profile_id`: the customer was erased since."""

    caller: Caller
    achievement_id: int
    profile_id: int | None
    campaign_id: int
    result: Literal["delivered", "refused", "unknown"]
    reason: str
    status: int = 0
    idempotency: IdempotencyKey | None = None


class Identify(msgspec.Struct, frozen=True):
    """Whom a call that is forwarded is about, learning from what it says; `guest` None leaves what is known."""

    caller: Caller
    customer_id: str
    evidence: tuple[Evidence, ...]
    may_create: bool
    guest: bool | None = None
    claims: tuple[Identifier, ...] = ()


class SaveCustomer(msgspec.Struct, frozen=True):
    """Create or update a customer. Omitted attributes stay; `guest` None leaves what is known. `claims` are identifiers that
    are not evidence, and attributes are claims where the caller may not state them."""

    caller: Caller
    customer_id: str
    evidence: tuple[Evidence, ...] = ()
    attributes: Mapping[str, Any] = {}
    guest: bool | None = None
    claims: tuple[Identifier, ...] = ()


class ImportRows(msgspec.Struct, frozen=True):
    """The next lines of an import, those between two positions, as one change: all of them or none. `last`: the file ends
    here."""

    caller: Caller
    import_id: str
    start: ImportPosition
    end: ImportPosition
    rows: tuple[SaveCustomer, ...]
    refused: tuple[RefusedLine, ...] = ()
    warned: tuple[WarnedLine, ...] = ()
    last: bool = False


class UndoImport(msgspec.Struct, frozen=True):
    """Undo an import on up to `limit` records behind `after`, where its undo stands."""

    caller: Caller
    import_id: str
    after: int
    limit: int
    reason: str = ""


class SetActive(msgspec.Struct, frozen=True):
    caller: Caller
    customer_id: str
    active: bool


class EditTags(msgspec.Struct, frozen=True):
    caller: Caller
    customer_id: str
    attach: frozenset[str] = frozenset()
    detach: frozenset[str] = frozenset()


class EraseCustomer(msgspec.Struct, frozen=True):
    """Remove a profile with all its records, observations, attributes, tags and keys. Ledger entries stay, nameless."""

    caller: Caller
    customer_id: str = ""
    profile_id: int | None = None


class ForgetAgain(msgspec.Struct, frozen=True):
    """Erase the records of an erasure that this database, restored from a backup, has not seen."""

    caller: Caller
    erasure: Erasure


class HearPlatform(msgspec.Struct, frozen=True):
    """An event that the platform told by webhook. `customer_id` is one of the upstream's, "" for none; `body` is JSON."""

    caller: Caller
    key: str
    topic: str
    customer_id: str
    body: str


class RefuseCall(msgspec.Struct, frozen=True):
    """A call that was refused before it reached a use case; recorded, nothing else. `count`: it stands for so many."""

    caller: Caller
    route: str
    status: int
    code: int
    reason: str
    count: int = 1


class GrantDue(msgspec.Struct, frozen=True):
    """Decide up to `limit` achievements that are due."""

    limit: int


class RetryAchievement(msgspec.Struct, frozen=True):
    """Put an ignored, failed or dead achievement back, due now."""

    caller: Caller
    achievement_id: int


class ClaimDeliveries(msgspec.Struct, frozen=True):
    """Lease up to `limit` due deliveries of one target to `owner`, oldest due first."""

    target: str
    owner: str
    limit: int


class MarkSending(msgspec.Struct, frozen=True):
    """The claimed delivery goes out now, about this profile; committed before the first byte is written."""

    delivery_id: int
    epoch: int
    profile_id: int


DeliveryResult = Literal["delivered", "retry", "back", "unknown", "absent", "held", "dead"]


class ProposePoints(msgspec.Struct, frozen=True):
    """Put before a person what the upstream keeps for the two sides of a merge."""

    merge_id: int
    survivor_points: int
    absorbed_points: int


class FinishDelivery(msgspec.Struct, frozen=True):
    """What became of a claimed delivery, and when it is due again.

    `retry`: the receiver did not take it. `back`: it was not tried, and costs no attempt. `unknown`: it left and nobody knows
    whether it arrived. `absent`: it is known by now that it did not.
    """

    delivery_id: int
    epoch: int
    result: DeliveryResult
    due_at: int | None = None
    status: int = 0
    reason: str = ""
    answer: str = ""


class RetryDelivery(msgspec.Struct, frozen=True):
    """Send a dead or held delivery again, now."""

    caller: Caller
    delivery_id: int


class DiscardDelivery(msgspec.Struct, frozen=True):
    """Give a dead or held delivery up for good."""

    caller: Caller
    delivery_id: int


class CreateKey(msgspec.Struct, frozen=True):
    caller: Caller
    key: ChannelKey


class RevokeKey(msgspec.Struct, frozen=True):
    caller: Caller
    key_id: str


class StoreRules(msgspec.Struct, frozen=True):
    """Keep a rule set under its version; the same text under the same version again is no change."""

    caller: Caller
    rule_set: StoredRuleSet
    activate: bool = False


class ActivateRules(msgspec.Struct, frozen=True):
    caller: Caller
    version: str


class MergeProfiles(msgspec.Struct, frozen=True):
    """Join two profiles by hand. `version` is the first one's, as the operator saw it; None does not check."""

    caller: Caller
    profiles: tuple[int, int]
    reason: str
    version: int | None = None


class SplitProfile(msgspec.Struct, frozen=True):
    """Take records out of a profile: `plain` just these, `tree` with all that was absorbed together with them, `all`
    every record onto a profile of its own."""

    caller: Caller
    profile_id: int
    records: tuple[int, ...]
    mode: Literal["plain", "tree", "all"]
    reason: str
    version: int | None = None


class UndoMerge(msgspec.Struct, frozen=True):
    """Take one merge back. With `tree`, records of it that were moved on are left where they are. `version` is that of the
    profile it is taken out of; None does not check."""

    caller: Caller
    merge_id: int
    reason: str
    tree: bool = False
    version: int | None = None


class SetPin(msgspec.Struct, frozen=True):
    """A person's judgement on two records; `until` None is for ever."""

    caller: Caller
    record_a: int
    record_b: int
    kind: Literal["must", "cannot"]
    reason: str
    until: int | None = None


class DropPin(msgspec.Struct, frozen=True):
    caller: Caller
    record_a: int
    record_b: int


class EndPins(msgspec.Struct, frozen=True):
    """Take away the pins of these pairs of records, if they have ended by their time."""

    caller: Caller
    pairs: tuple[tuple[int, int], ...]


class AnswerReview(msgspec.Struct, frozen=True):
    """Accept joins the two profiles, reject pins them apart."""

    caller: Caller
    review_id: int
    accept: bool
    reason: str


class ExplainPair(msgspec.Struct, frozen=True):
    """Why two profiles, or two records when `records`, are one or are not. Changes nothing."""

    a: int
    b: int
    records: bool = False


class Regroup(msgspec.Struct, frozen=True):
    """Look at the next profiles of a regrouping, those behind `after`, as one change. `last`: there are no others. `total` is
    how many there are at all, where the sender counted them. Refused while another `worker` holds it."""

    caller: Caller
    regrouping_id: int
    worker: str
    after: int
    profiles: tuple[int, ...]
    last: bool
    total: int = 0


class CloseStaleReviews(msgspec.Struct, frozen=True):
    """Close these questions if they are still open and as old as the rules say: nobody answered."""

    caller: Caller
    reviews: tuple[int, ...]


class ChangeList(msgspec.Struct, frozen=True):
    """Add values to, or remove them from, a list of the operators' own. They are written as identifiers are stored."""

    caller: Caller
    name: str
    values: tuple[str, ...]
    listed: bool


class NotePlan(msgspec.Struct, frozen=True):
    """Keep that a plan of this content was made; `summary` is its counts as JSON text."""

    caller: Caller
    sha256: str
    version: str
    summary: str


class NoteEvent(msgspec.Struct, frozen=True):
    """Write one audit event that changes nothing: of the gateway's own life (start, stop), or that somebody looked."""

    caller: Caller
    action: str
    detail: Mapping[str, Any] = {}
    profile: str = ""


Command = (
    Achieve
    | Settle
    | Identify
    | SaveCustomer
    | ImportRows
    | UndoImport
    | SetActive
    | EditTags
    | EraseCustomer
    | ForgetAgain
    | HearPlatform
    | RefuseCall
    | GrantDue
    | RetryAchievement
    | ClaimDeliveries
    | MarkSending
    | ProposePoints
    | FinishDelivery
    | RetryDelivery
    | DiscardDelivery
    | CreateKey
    | RevokeKey
    | StoreRules
    | ActivateRules
    | MergeProfiles
    | SplitProfile
    | UndoMerge
    | SetPin
    | DropPin
    | AnswerReview
    | ExplainPair
    | Regroup
    | CloseStaleReviews
    | EndPins
    | ChangeList
    | NotePlan
    | NoteEvent
)


# ---- outcomes ----


class Resolution(msgspec.Struct, frozen=True):
    """Where a call's customer ended: the profile and the decision that led there."""

    profile_id: int
    record_id: int
    decision: str
    rule: str = ""
    warnings: tuple[str, ...] = ()


class Identified(msgspec.Struct, frozen=True):
    """Whom a call is about, and the customer id under which the upstream knows them."""

    resolution: Resolution
    canonical_id: str


class Accepted(msgspec.Struct, frozen=True):
    achievement_id: int
    resolution: Resolution


class Duplicate(msgspec.Struct, frozen=True):
    """The same (profile, campaign) inside its dedup window; `wait` is what is left of it in ms."""

    wait: int
    resolution: Resolution


class Replayed(msgspec.Struct, frozen=True):
    """The idempotency key is known with this fingerprint: the stored answer."""

    answer: StoredAnswer


class KeyReused(msgspec.Struct, frozen=True):
    """The idempotency key is known with another fingerprint."""


class UnknownCustomer(msgspec.Struct, frozen=True):
    """No profile, and nothing that leads to one. Nothing was stored."""


class Saved(msgspec.Struct, frozen=True):
    """`changed` says whether the call changed anything (`stateChanged` of activate)."""

    resolution: Resolution
    changed: bool = True


class ImportUndone(msgspec.Struct, frozen=True):
    """`records` are those that were looked at. `run.undo_after` is None once all were."""

    run: ImportRun
    records: tuple[ChangedRecord, ...]


class Imported(msgspec.Struct, frozen=True):
    """The import as it stands after its newest lines."""

    run: ImportRun


class Erased(msgspec.Struct, frozen=True):
    profile_id: int
    records: int


class Granted(msgspec.Struct, frozen=True):
    """How many achievements a `GrantDue` decided."""

    granted: int
    ignored: int
    failed: int = 0


class Claimed(msgspec.Struct, frozen=True):
    """What a claim leased; each is its claimer's until `lease_until`."""

    deliveries: tuple[Delivery, ...]


class Stale(msgspec.Struct, frozen=True):
    """Somebody else claimed the delivery since; nothing was changed."""


class Done(msgspec.Struct, frozen=True):
    """An operator's command was carried out; `changed` is False when it already was so."""

    changed: bool = True


class Shaped(msgspec.Struct, frozen=True):
    """A profile after an operator changed what belongs to it; `parts` are the profiles that were split off."""

    profile_id: int
    version: int
    changed: bool = True
    merge_id: int | None = None
    parts: tuple[int, ...] = ()


class Explained(msgspec.Struct, frozen=True):
    explanation: Explanation


class Regrouped(msgspec.Struct, frozen=True):
    """The regrouping as it stands, and what this step of it did; `waits`: nothing, the rules in use are not yet those that it
    is about."""

    run: Regrouping
    done: Mapping[str, int] = {}
    waits: bool = False


class Listed(msgspec.Struct, frozen=True):
    """How many values of a list were added or removed; the others were so already."""

    changed: int


class Refused(msgspec.Struct, frozen=True):
    """An operator's command cannot be carried out; `code` is stable and documented."""

    code: str
    message: str


Outcome = (
    Accepted
    | Identified
    | Duplicate
    | Replayed
    | KeyReused
    | UnknownCustomer
    | Saved
    | Imported
    | ImportUndone
    | Erased
    | Granted
    | Claimed
    | Stale
    | Done
    | Shaped
    | Explained
    | Regrouped
    | Listed
    | Refused
)


@dataclass(slots=True)
class Due:
    """An achievement that is due, with what its profile looks like now; `profile_id` None: the customer was erased.
    `granted` is when what it was granted before for this campaign had been accepted. `attributes` are JSON texts, as they are
    stored."""

    achievement: Achievement
    profile_id: int | None
    records: list[tuple[int, bool, bool]] = field(default_factory=list)
    granted: list[int] = field(default_factory=list)
    tags: frozenset[str] = frozenset()
    score: int = 0
    attributes: dict[str, str] = field(default_factory=dict)
