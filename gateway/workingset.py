"""What one batch may look at and what it changed: an identity map that the store fills, and the change log that it saves.

A use case asks for what it needs (`Needs`), the store loads it, and whatever a use case then reads must have been loaded:
reading anything else raises `NotLoaded`, so that «not there» and «not looked up» can never be confused. Nothing here awaits.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from gateway.audit.event import Action, AuditEvent, DecisionDetail, Words, words_hmac
from gateway.ids import Ids, show
from gateway.model import (
    FEW_HOLDERS,
    Achievement,
    ChangedRecord,
    ChannelKey,
    Claim,
    ClaimedAttribute,
    Claims,
    CustomerRecord,
    Dedup,
    Delivery,
    Due,
    Erasure,
    ImportChange,
    ImportPosition,
    ImportRun,
    LedgerEntry,
    MergeRow,
    PinRow,
    PlatformEvent,
    ProfileRow,
    RefusedLine,
    Regrouping,
    ReviewItem,
    ReviewState,
    SaveCustomer,
    StoredAnswer,
    StoredRuleSet,
    WarnedLine,
)
from rules.batch.partition import Partition
from rules.identifier import Identifier
from rules.record import Key, Observation, Pin, Profile, Record
from rules.source import Source

_encode = msgspec.json.Encoder(order="sorted").encode
RecordKey = tuple[str, str]
DedupKey = tuple[int, int]
AnswerKey = tuple[str, str, str]


class NotLoaded(Exception):
    """A use case read what it had not asked for, because a neighbour in its batch changed what it needs."""


class Needs:
    """What is still to be loaded; each request is dropped when the working set already has it."""

    __slots__ = (
        "_ws",
        "absorptions",
        "achievements",
        "answers",
        "attributes",
        "canonical_ids",
        "changed_records",
        "channel_keys",
        "claim",
        "claims",
        "dedup",
        "deliveries",
        "due",
        "due_details",
        "holders",
        "imports",
        "keys",
        "lists",
        "merges",
        "platform_events",
        "points",
        "profiles",
        "record_ids",
        "records",
        "redirects",
        "regroupings",
        "reviews",
        "rule_sets",
        "sendings",
        "spends",
    )

    def __init__(self, ws: "WorkingSet") -> None:
        self._ws = ws
        self.records: set[RecordKey] = set()
        self.keys: set[Identifier] = set()
        self.profiles: set[int] = set()
        self.redirects: set[int] = set()
        self.dedup: set[DedupKey] = set()
        self.answers: set[AnswerKey] = set()
        self.achievements: set[int] = set()
        self.holders: dict[Identifier, int] = {}
        self.merges: set[int] = set()
        self.absorptions: set[int] = set()
        self.record_ids: set[int] = set()
        self.reviews: set[int] = set()
        self.spends: set[int] = set()
        self.attributes: set[int] = set()
        self.claims: set[int] = set()
        self.channel_keys: set[str] = set()
        self.rule_sets: set[str] = set()
        self.imports: set[str] = set()
        self.points: set[int] = set()
        self.regroupings: set[int] = set()
        self.lists: set[str] = set()
        self.canonical_ids: set[str] = set()
        self.platform_events: set[str] = set()
        self.deliveries: set[int] = set()
        self.sendings: set[int] = set()
        self.claim: tuple[str, int] | None = None
        self.changed_records: tuple[str, int, int] | None = None
        self.due = 0
        self.due_details: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(
            self.records
            or self.keys
            or self.profiles
            or self.dedup
            or self.answers
            or self.due
            or self.achievements
            or self.holders
            or self.merges
            or self.absorptions
            or self.record_ids
            or self.reviews
            or self.spends
            or self.attributes
            or self.claims
            or self.redirects
            or self.channel_keys
            or self.rule_sets
            or self.imports
            or self.points
            or self.regroupings
            or self.lists
            or self.canonical_ids
            or self.platform_events
            or self.deliveries
            or self.sendings
            or self.claim
            or self.changed_records
        )

    def record(self, id_space: str, customer_id: str) -> None:
        """The record with its observations and their keys."""
        if (id_space, customer_id) not in self._ws.records:
            self.records.add((id_space, customer_id))

    def key(self, identifier: Identifier) -> None:
        if identifier not in self._ws.keys:
            self.keys.add(identifier)

    def holders_of(self, identifier: Identifier, since: int) -> None:
        """Which profiles hold a key, and how many of its holders were last seen before `since` (ms)."""
        if identifier not in self._ws.held:
            self.holders[identifier] = since

    def profile(self, profile_id: int) -> None:
        """The profile whole: records, observations, keys, pins, reviews, dedup windows and balance."""
        if profile_id not in self._ws.profiles:
            self.profiles.add(profile_id)

    def redirect(self, profile_id: int) -> None:
        """Where an id leads today: itself, its survivor, or nowhere."""
        if profile_id not in self._ws.redirects:
            self.redirects.add(profile_id)

    def merge(self, merge_id: int) -> None:
        if merge_id not in self._ws.merges:
            self.merges.add(merge_id)

    def absorbed_by(self, profile_id: int) -> None:
        """Of each profile that redirects to this one today, the merge that absorbed it."""
        if profile_id not in self._ws.absorptions:
            self.absorptions.add(profile_id)

    def home(self, record_id: int) -> None:
        """Only where a record is: its profile."""
        if record_id not in self._ws.homes:
            self.record_ids.add(record_id)

    def review(self, review_id: int) -> None:
        if review_id not in self._ws.review_items:
            self.reviews.add(review_id)

    def window(self, profile_id: int, campaign_id: int) -> None:
        if (profile_id, campaign_id) not in self._ws.dedup and profile_id not in self._ws.profiles:
            self.dedup.add((profile_id, campaign_id))

    def answer(self, channel: str, route: str, key: str) -> None:
        if (channel, route, key) not in self._ws.answers:
            self.answers.add((channel, route, key))

    def achievement(self, achievement_id: int) -> None:
        if achievement_id not in self._ws.achievements:
            self.achievements.add(achievement_id)

    def spend(self, campaign_id: int) -> None:
        if campaign_id not in self._ws.spends:
            self.spends.add(campaign_id)

    def attributes_of(self, record_id: int) -> None:
        """The attributes and tags of one record."""
        if record_id not in self._ws.attributes:
            self.attributes.add(record_id)

    def claims_of(self, record_id: int) -> None:
        """What is claimed of one record."""
        if record_id not in self._ws.claims:
            self.claims.add(record_id)

    def keys_of_channel(self, channel: str) -> None:
        if channel not in self._ws.channel_keys:
            self.channel_keys.add(channel)

    def rule_set(self, version: str) -> None:
        if version not in self._ws.rule_sets:
            self.rule_sets.add(version)

    def import_run(self, import_id: str) -> None:
        if import_id not in self._ws.imports:
            self.imports.add(import_id)

    def changed_by_import(self, import_id: str, after: int, limit: int) -> None:
        """Up to `limit` records that an import changed, those behind `after`."""
        if self._ws.changed_records is None:
            self.changed_records = import_id, after, limit

    def canonical_id(self, text: str) -> None:
        """Which profile has this canonical id."""
        if text not in self._ws.canonical_ids:
            self.canonical_ids.add(text)

    def delivery(self, delivery_id: int) -> None:
        if delivery_id not in self._ws.deliveries:
            self.deliveries.add(delivery_id)

    def delivery_of(self, achievement_id: int) -> None:
        """The delivery that an achievement waits for."""
        if achievement_id not in self._ws.sendings:
            self.sendings.add(achievement_id)

    def claimable(self, target: str, limit: int) -> None:
        """Up to `limit` deliveries that are due and nobody's; of a webhook's lane, only the oldest that is open."""
        if self._ws.claimable is None:
            self.claim = (target, limit)

    def platform_event(self, key: str) -> None:
        if key not in self._ws.platform_events:
            self.platform_events.add(key)

    def points_of(self, profile_id: int) -> None:
        """What each record of a profile has, one by one."""
        if profile_id not in self._ws.counted:
            self.points.add(profile_id)

    def regrouping(self, regrouping_id: int) -> None:
        if regrouping_id not in self._ws.regroupings:
            self.regroupings.add(regrouping_id)

    def list(self, name: str) -> None:
        if name not in self._ws.lists:
            self.lists.add(name)

    def due_achievements(self, limit: int, details: frozenset[str]) -> None:
        """Up to `limit` due achievements with the standing of their profiles; of `tags`, `score` and `attributes` only the
        details named."""
        if self._ws.due is None:
            self.due = max(self.due, limit)
            self.due_details = details


class Changes:
    """What a batch changed, in the store's terms; lists keep the order of appending.

    `keys` are all that it knows. Of those in `owners` the stored observations may name another owner; those in `states` may
    have to have a row of their own now, or none any more. `profiles` come with their rows as they are stored.
    """

    __slots__ = (
        "absorbed",
        "activations",
        "answers",
        "answers_of",
        "at",
        "attributes",
        "channel_keys",
        "claimed_attributes",
        "claims",
        "decided",
        "dedup",
        "deliveries",
        "dropped_attributes",
        "dropped_claims",
        "dropped_dedup",
        "dropped_observations",
        "dropped_pins",
        "dropped_tags",
        "erased",
        "erasures",
        "events",
        "freed",
        "import_changes",
        "imports",
        "keys",
        "ledger",
        "listed",
        "merges",
        "new_achievements",
        "new_deliveries",
        "new_records",
        "observations",
        "owners",
        "pins",
        "plans",
        "platform_events",
        "profiles",
        "records",
        "refused_lines",
        "regrouped",
        "regroupings",
        "removed",
        "reviews",
        "rule_sets",
        "spends",
        "states",
        "tags",
        "undone",
        "undone_imports",
        "unlisted",
        "warned_lines",
        "words",
        "words_of",
    )

    def __init__(self, at: int, keys: Mapping[Identifier, Key]) -> None:
        self.at = at
        self.keys = keys
        self.new_records: list[CustomerRecord] = []
        self.records: dict[int, CustomerRecord] = {}
        self.observations: dict[tuple[int, Identifier], Observation] = {}
        self.owners: dict[Identifier, Key] = {}
        self.states: dict[Identifier, Key] = {}
        self.profiles: dict[int, tuple[ProfileRow, Profile]] = {}
        self.absorbed: list[tuple[int, int]] = []
        self.merges: list[MergeRow] = []
        self.undone: list[int] = []
        self.pins: dict[tuple[int, int], PinRow] = {}
        self.dropped_pins: list[tuple[int, int]] = []
        self.reviews: dict[int, ReviewItem] = {}
        self.attributes: dict[tuple[int, str], tuple[str, int, str]] = {}
        self.claims: dict[tuple[int, Identifier], Claim] = {}
        self.dropped_claims: set[tuple[int, Identifier]] = set()
        self.claimed_attributes: dict[tuple[int, str], ClaimedAttribute] = {}
        self.tags: dict[tuple[int, str], int] = {}
        self.dropped_tags: list[tuple[int, str]] = []
        self.new_achievements: list[Achievement] = []
        self.decided: list[Achievement] = []
        self.new_deliveries: list[Delivery] = []
        self.deliveries: dict[int, Delivery] = {}
        self.dedup: dict[DedupKey, Dedup] = {}
        self.dropped_dedup: list[DedupKey] = []
        self.answers: dict[AnswerKey, StoredAnswer] = {}
        self.answers_of: list[tuple[int, str, str, str, int]] = []
        self.ledger: list[LedgerEntry] = []
        self.spends: dict[int, int] = {}
        self.erased: list[Profile] = []
        self.erasures: list[Erasure] = []
        self.removed: list[CustomerRecord] = []
        self.dropped_observations: list[tuple[int, str, str]] = []
        self.dropped_attributes: list[tuple[int, str]] = []
        self.freed: list[int] = []
        self.channel_keys: dict[str, ChannelKey] = {}
        self.rule_sets: list[StoredRuleSet] = []
        self.activations: list[tuple[int, str, str, int]] = []
        self.plans: list[tuple[str, int, str, str]] = []
        self.imports: dict[str, ImportRun] = {}
        self.import_changes: list[ImportChange] = []
        self.undone_imports: list[str] = []
        self.refused_lines: list[tuple[str, int, str]] = []
        self.warned_lines: list[tuple[str, int, str, str]] = []
        self.platform_events: list[PlatformEvent] = []
        self.regroupings: dict[int, Regrouping] = {}
        self.regrouped: list[int] = []
        self.listed: list[tuple[str, str, int, str]] = []
        self.unlisted: list[tuple[str, str]] = []
        self.events: list[AuditEvent] = []
        self.words: list[tuple[int, str]] = []
        self.words_of: list[tuple[int, int]] = []

    @property
    def is_bound(self) -> bool:
        """Whether the audit log vouches for any of it."""
        identity = (
            self.new_records or self.records or self.removed or self.profiles or self.freed or self.erased
        )
        judged = self.merges or self.undone or self.pins or self.dropped_pins or self.reviews
        operated = self.channel_keys or self.rule_sets or self.activations
        return bool(identity or judged or self.ledger or self.spends or operated)


class WorkingSet:
    """The state as one batch sees it. `now` is the transaction's one moment (ms UTC), by which deadlines are judged; `stamp` is the
    same for what is put in order by its time, and never goes back. Implements `rules.record.View`.

    An entry of None means: looked up, and not there. `created`, `merged`, `opened` and `events` are the profiles, merges,
    reviews and audit events that came to be, in their order.

    `save` is given what changed since the last step whenever a long batch ends one; without it, all is saved at the end.
    """

    def __init__(
        self, now: int, ids: Ids, save: "Callable[[Changes], None] | None" = None, *, stamp: int | None = None
    ) -> None:
        self.now = now
        self.stamp = now if stamp is None else stamp
        self.source: Source = "gateway"
        self.request_id = ""
        self.traces: dict[str, str] = {}
        self.ids = ids
        self._save = save
        self.records: dict[RecordKey, CustomerRecord | None] = {}
        self.by_record_id: dict[int, CustomerRecord] = {}
        self.keys: dict[Identifier, Key] = {}
        self.held: set[Identifier] = set()
        self.profiles: dict[int, Profile] = {}
        self.profile_rows: dict[int, ProfileRow] = {}
        self.redirects: dict[int, int | None] = {}
        self.balances: dict[int, int] = {}
        self.dedup: dict[DedupKey, Dedup | None] = {}
        self.answers: dict[AnswerKey, StoredAnswer | None] = {}
        self.achievements: dict[int, Achievement | None] = {}
        self.spends: dict[int, int] = {}
        self.all_pins: dict[tuple[int, int], PinRow] = {}
        self.pinned: dict[int, list[tuple[int, int]]] = {}
        self.reviews: dict[tuple[int, int], ReviewItem] = {}
        self.review_items: dict[int, ReviewItem | None] = {}
        self.leaving: dict[int, list[ReviewItem]] = {}
        self.merges: dict[int, MergeRow | None] = {}
        self.absorptions: dict[int, list[MergeRow]] = {}
        self.homes: dict[int, int | None] = {}
        self.attributes: dict[int, dict[str, str]] = {}
        self.tags: dict[int, set[str]] = {}
        self.claims: dict[int, Claims] = {}
        self.channel_keys: dict[str, list[ChannelKey]] = {}
        self.rule_sets: dict[str, StoredRuleSet | None] = {}
        self.active_rules = ""
        self.imports: dict[str, ImportRun | None] = {}
        self.changed_records: list[ChangedRecord] | None = None
        self.rows_asking: dict[tuple[str, ImportPosition], Sequence[SaveCustomer]] = {}
        self.canonical_ids: dict[str, int | None] = {}
        self.platform_events: dict[str, PlatformEvent | None] = {}
        self.deliveries: dict[int, Delivery | None] = {}
        self.sendings: dict[int, int | None] = {}
        self.claimable: list[Delivery] | None = None
        self.points: dict[int, int] = {}
        self.counted: set[int] = set()
        self.regroupings: dict[int, Regrouping | None] = {}
        self.looked_again: set[tuple[Identifier, int]] = set()
        self.components: dict[int, tuple[frozenset[int], frozenset[int], bool]] = {}
        self.partitions: dict[int, Partition] = {}
        self.lists: dict[str, frozenset[str]] = {}
        self.due: list[Due] | None = None
        self.created: list[int] = []
        self.merged: list[MergeRow] = []
        self.opened: list[ReviewItem] = []
        self.events: list[AuditEvent] = []
        self.changes = Changes(now, self.keys)
        self._saved: list[Changes] = []

    def end_step(self) -> None:
        """A long batch is at a place where nothing is half done: what it changed may be saved while it goes on."""
        if self._save is not None:
            self._save(self.changes)
            self._saved.append(self.changes)
            self.changes = Changes(self.now, self.keys)

    def bind_rest(self) -> None:
        """At the end of a batch: rows that the log vouches for may have changed without an event, as where a review is taken
        back. The next event's hash covers them, so one has to be in the same transaction."""
        if not self.events and any(changes.is_bound for changes in (*self._saved, self.changes)):
            self.source = "gateway"
            self.record_event(Action.STATE_NOTED, actor="gateway")

    # ---- reading (rules.record.View) ----

    def record(self, id_space: str, customer_id: str) -> CustomerRecord | None:
        try:
            return self.records[id_space, customer_id]
        except KeyError:
            raise NotLoaded from None

    def key(self, identifier: Identifier) -> Key:
        try:
            return self.keys[identifier]
        except KeyError:
            raise NotLoaded from None

    def profile(self, profile_id: int) -> Profile:
        try:
            found = self.profiles[profile_id]
            while found.redirect_to is not None:
                found = self.profiles[found.redirect_to]
        except KeyError:
            raise NotLoaded from None
        return found

    def pins(self, record_ids: Iterable[int]) -> Iterable[Pin]:
        pairs = dict.fromkeys(pair for one in record_ids for pair in self.pinned.get(one, ()))
        return [self.all_pins[pair] for pair in pairs if pair in self.all_pins]

    def balance(self, profile_id: int) -> int:
        try:
            return self.balances[profile_id]
        except KeyError:
            raise NotLoaded from None

    def window(self, profile_id: int, campaign_id: int) -> Dedup | None:
        try:
            return self.dedup[profile_id, campaign_id]
        except KeyError:
            if profile_id in self.profiles:
                return None
            raise NotLoaded from None

    def attributes_of(self, record_id: int) -> dict[str, str]:
        try:
            return self.attributes[record_id]
        except KeyError:
            raise NotLoaded from None

    def tags_of(self, record_id: int) -> set[str]:
        try:
            return self.tags[record_id]
        except KeyError:
            raise NotLoaded from None

    def claims_of(self, record_id: int) -> Claims:
        try:
            return self.claims[record_id]
        except KeyError:
            raise NotLoaded from None

    def import_run(self, import_id: str) -> ImportRun | None:
        try:
            return self.imports[import_id]
        except KeyError:
            raise NotLoaded from None

    def platform_event(self, key: str) -> PlatformEvent | None:
        try:
            return self.platform_events[key]
        except KeyError:
            raise NotLoaded from None

    def target_of(self, profile_id: int) -> int | None:
        """The live profile that an id leads to today; None when it was erased."""
        if profile_id not in self.redirects:
            return self.profile(profile_id).profile_id
        target = self.redirects[profile_id]
        while target is not None and self.redirects.get(target, target) != target:
            target = self.redirects[target]
        return target

    def holder_of(self, canonical_id: str) -> int | None:
        """The profile, live or absorbed, that has this canonical id."""
        try:
            return self.canonical_ids[canonical_id]
        except KeyError:
            raise NotLoaded from None

    def canonical_id_of(self, profile_id: int) -> str:
        try:
            return self.profile_rows[profile_id].canonical_id
        except KeyError:
            raise NotLoaded from None

    # ---- changing ----

    def next_id(self) -> int:
        return self.ids.next(self.stamp)

    def create_profile(self, wishes: Iterable[str] = ()) -> Profile:
        """A live profile without records, at version 0 until `touch_profile` when its maker is done with it. Its canonical id
        is the first wish that no other profile has, else its own id. It is named after the record that it gets first."""
        profile_id = self.next_id()
        for canonical_id in wishes:
            if self.holder_of(canonical_id) is None:
                break
        else:
            canonical_id = show("prf", profile_id)
        profile = Profile(profile_id, self.now, version=0)
        row = ProfileRow(profile_id, self.now, None, None, canonical_id)
        self.canonical_ids[canonical_id] = profile_id
        self.created.append(profile_id)
        self.profiles[profile_id] = profile
        self.profile_rows[profile_id] = row
        self.balances[profile_id] = 0
        self.changes.profiles[profile_id] = row, profile
        return profile

    def create_record(self, profile: Profile, id_space: str, customer_id: str, guest: bool) -> CustomerRecord:
        record_id = self.next_id()
        record = CustomerRecord(record_id, id_space, customer_id, profile.profile_id, self.now, guest=guest)
        self._name_after(profile, record)
        profile.records[record_id] = record
        self.by_record_id[record_id] = record
        self.records[id_space, customer_id] = record
        self.attributes[record_id] = {}
        self.tags[record_id] = set()
        self.claims[record_id] = Claims()
        self.changes.new_records.append(record)
        return record

    def _name_after(self, profile: Profile, record: Record) -> None:
        """Once, after the first record that the profile gets."""
        row = self.profile_rows[profile.profile_id]
        row.named_after = row.named_after or record.record_id

    def namesake(self, profile: Profile) -> int:
        """The record that a live profile is named after."""
        return self.profile_rows[profile.profile_id].named_after

    def namesake_of(self, row: MergeRow) -> int:
        """The record that the profile which this merge absorbed is named after."""
        return self.profile_rows[row.absorbed_id].named_after or min(row.absorbed_records)

    def touch_record(self, record: CustomerRecord) -> None:
        self.changes.records[record.record_id] = record

    def touch_observation(self, record: Record, observation: Observation) -> None:
        self.changes.observations[record.record_id, observation.identifier] = observation

    def hold(self, identifier: Identifier, record: Record) -> None:
        """One more record holds the key."""
        key = self.key(identifier)
        key.holders += 1
        key.profiles += (record.profile_id,)
        if key.holders > FEW_HOLDERS:
            self.changes.states[identifier] = key

    def own(self, identifier: Identifier, profile: Profile) -> None:
        """The key leads to this profile from now on."""
        key = self.key(identifier)
        if key.owner != profile.profile_id:
            key.owner = profile.profile_id
            self.changes.owners[identifier] = key
            if key.holders > FEW_HOLDERS:
                self.changes.states[identifier] = key

    def touch_key(self, key: Key) -> None:
        self.changes.owners[key.identifier] = self.changes.states[key.identifier] = key

    def set_attribute(self, record: Record, name: str, value: str, source: Source = "backend") -> None:
        self.attributes[record.record_id][name] = value
        self.changes.attributes[record.record_id, name] = (value, self.stamp, source)

    def keep_claim(self, record: Record, identifier: Identifier, claim: Claim) -> None:
        self.claims_of(record.record_id).identifiers[identifier] = claim
        self.changes.claims[record.record_id, identifier] = claim

    def drop_claim(self, record: Record, identifier: Identifier) -> None:
        """The record's claim of this identifier, if there is one; it needs not be loaded."""
        if record.record_id in self.claims:
            self.claims[record.record_id].identifiers.pop(identifier, None)
        self.changes.claims.pop((record.record_id, identifier), None)
        self.changes.dropped_claims.add((record.record_id, identifier))

    def keep_claimed_attribute(self, record: Record, name: str, given: ClaimedAttribute) -> None:
        self.claims_of(record.record_id).attributes[name] = given
        self.changes.claimed_attributes[record.record_id, name] = given

    def set_tag(self, record: Record, tag: str) -> None:
        self.tags[record.record_id].add(tag)
        self.changes.tags[record.record_id, tag] = self.now

    def drop_tag(self, record: Record, tag: str) -> None:
        self.tags[record.record_id].discard(tag)
        self.changes.tags.pop((record.record_id, tag), None)
        self.changes.dropped_tags.append((record.record_id, tag))

    def touch_profile(self, profile: Profile) -> None:
        """Count the profile's version up."""
        profile.version += 1
        self._keep_profile(profile)

    def _keep_profile(self, profile: Profile) -> None:
        self.changes.profiles[profile.profile_id] = self.profile_rows[profile.profile_id], profile

    def move(self, record: Record, source: Profile, target: Profile) -> None:
        source.records.pop(record.record_id, None)
        self._name_after(target, record)
        target.records[record.record_id] = record
        record.profile_id = target.profile_id
        self.homes[record.record_id] = target.profile_id
        self.touch_record(self.by_record_id[record.record_id])
        self._keep_profile(source)
        self._keep_profile(target)

    def add_merge(self, row: MergeRow) -> None:
        self.merges[row.merge_id] = row
        self.merged.append(row)
        self.changes.merges.append(row)

    def redirect(self, loser: Profile, winner: Profile) -> None:
        """Turn an emptied profile, and all that redirected to it, into redirects to `winner`."""
        loser.redirect_to = winner.profile_id
        self.redirects[loser.profile_id] = winner.profile_id
        self.changes.absorbed.append((loser.profile_id, winner.profile_id))
        self.balances[winner.profile_id] = self.balance(winner.profile_id) + self.balance(loser.profile_id)
        self.absorptions.pop(winner.profile_id, None)
        self.touch_profile(loser)

    def revive(self, row: MergeRow) -> Profile:
        """Let the profile that this merge absorbed live again, still without records. The merge is undone."""
        profile = self._loaded(row.absorbed_id)
        self.profile_rows[row.absorbed_id].named_after = self.namesake_of(row)
        profile.redirect_to = None
        self.redirects[row.absorbed_id] = row.absorbed_id
        self.balances[row.absorbed_id] = 0
        self.undo(row)
        return profile

    def repoint(self, profile_id: int, target: Profile) -> None:
        """Let a redirect lead elsewhere."""
        profile = self._loaded(profile_id)
        profile.redirect_to = target.profile_id
        self.redirects[profile_id] = target.profile_id
        self.touch_profile(profile)

    def _loaded(self, profile_id: int) -> Profile:
        try:
            return self.profiles[profile_id]
        except KeyError:
            raise NotLoaded from None

    def undo(self, row: MergeRow) -> None:
        undone = msgspec.structs.replace(row, undone_at=self.now)
        self.merges[row.merge_id] = undone
        self.changes.undone.append(row.merge_id)

    def absorptions_of(self, profile_id: int) -> list[MergeRow]:
        try:
            return self.absorptions[profile_id]
        except KeyError:
            raise NotLoaded from None

    def forget_sums(self, *profiles: Profile) -> None:
        """What was loaded of these profiles as a whole no longer holds; who asks again in this batch gets NotLoaded."""
        for profile in profiles:
            self.balances.pop(profile.profile_id, None)
            self.absorptions.pop(profile.profile_id, None)

    def set_pin(self, pin: PinRow) -> None:
        self.know_pin(pin)
        self.all_pins[pin.record_a, pin.record_b] = pin
        self.changes.pins[pin.record_a, pin.record_b] = pin

    def know_pin(self, pin: PinRow) -> None:
        """One more pin is in the map, unless the pair had one."""
        pair = pin.record_a, pin.record_b
        if pair not in self.all_pins:
            self.all_pins[pair] = pin
            for record_id in pair:
                self.pinned.setdefault(record_id, []).append(pair)

    def drop_pin(self, pin: PinRow) -> None:
        self.all_pins.pop((pin.record_a, pin.record_b), None)
        self.changes.pins.pop((pin.record_a, pin.record_b), None)
        self.changes.dropped_pins.append((pin.record_a, pin.record_b))

    def keep_review(self, item: ReviewItem) -> None:
        self.know_review(item)
        self.changes.reviews[item.review_id] = item
        self.opened.append(item)

    def know_review(self, item: ReviewItem) -> None:
        """One more question is in the map, unless it was."""
        if not item.records:
            self.review_items[item.review_id] = self.reviews.setdefault(
                (item.profile_a, item.profile_b), item
            )
        elif self.review_items.get(item.review_id) is None:
            self.review_items[item.review_id] = item
            self.leaving.setdefault(item.profile_a, []).append(item)

    def leave_questions(self, profile_id: int) -> list[ReviewItem]:
        """The open questions whether records should leave this profile."""
        return [item for item in self.leaving.get(profile_id, ()) if item.state == "open"]

    def pass_on_leave_questions(self, loser: Profile, winner: Profile) -> None:
        """What was asked about a profile is asked about the one that absorbed it."""
        for item in self.leave_questions(loser.profile_id):
            self.pass_on_leave_question(item, winner)
        self.leaving.pop(loser.profile_id, None)

    def pass_on_leave_question(self, item: ReviewItem, profile: Profile) -> None:
        """The records are on this profile now."""
        if item.profile_a != profile.profile_id:
            self.leaving[item.profile_a].remove(item)
            item.profile_a = item.profile_b = profile.profile_id
            self.leaving.setdefault(profile.profile_id, []).append(item)
            self.touch_review(item)

    def touch_review(self, item: ReviewItem) -> None:
        self.changes.reviews[item.review_id] = item

    def reopen_review(self, item: ReviewItem) -> None:
        item.state, item.opened_at, item.closed_at, item.closed_by = "open", self.now, None, ""
        self.opened.append(item)
        self.changes.reviews[item.review_id] = item

    def ask_anew(self, item: ReviewItem, reason: str, rule: str, types: tuple[str, ...]) -> None:
        """Another question about a pair of which something was asked before."""
        item.reason, item.rule, item.types = reason, rule, types
        self.reopen_review(item)

    def close_review(self, item: ReviewItem, state: ReviewState, by: str) -> None:
        item.state, item.closed_at, item.closed_by = state, self.now, by
        self.changes.reviews[item.review_id] = item

    def set_window(self, profile_id: int, campaign_id: int, window: Dedup) -> None:
        self.dedup[profile_id, campaign_id] = window
        self.changes.dedup[profile_id, campaign_id] = window

    def drop_window(self, profile_id: int, campaign_id: int) -> None:
        self.dedup[profile_id, campaign_id] = None
        self.changes.dedup.pop((profile_id, campaign_id), None)
        self.changes.dropped_dedup.append((profile_id, campaign_id))

    def windows_of(self, profile_id: int) -> list[tuple[int, Dedup]]:
        return [(c, w) for (p, c), w in self.dedup.items() if p == profile_id and w is not None]

    def keep_platform_event(self, event: PlatformEvent) -> None:
        self.platform_events[event.key] = event
        self.changes.platform_events.append(event)

    def keep_answer(self, key: AnswerKey, answer: StoredAnswer, achievement_id: int) -> None:
        """`achievement_id` is what was answered, by which the answer is found when the person is erased."""
        self.answers[key] = answer
        self.changes.answers[key] = answer
        self.changes.answers_of.append((achievement_id, *key, answer.expires_at))

    def keep_import(
        self, run: ImportRun, refused: Iterable[RefusedLine], warned: Iterable[WarnedLine]
    ) -> None:
        self.imports[run.import_id] = run
        self.changes.imports[run.import_id] = run
        self.changes.refused_lines += [(run.import_id, one.line, one.reason) for one in refused]
        self.changes.warned_lines += [(run.import_id, one.line, one.identifier, one.reason) for one in warned]

    def keep_import_change(self, import_id: str, record: Record, before: str, *, created: bool) -> None:
        change = ImportChange(import_id, record.record_id, self.next_id(), self.now, created, before)
        self.changes.import_changes.append(change)

    def end_undo(self, run: ImportRun) -> None:
        """The import is as if it had never been; what is left of it is forgotten."""
        self.keep_import(run, (), ())
        self.changes.undone_imports.append(run.import_id)

    def keep_regrouping(self, run: Regrouping) -> None:
        self.regroupings[run.regrouping_id] = run
        self.changes.regroupings[run.regrouping_id] = run

    def forget_regrouping(self, run: Regrouping) -> None:
        """It is done, and nothing of it is worth keeping: the audit log has what it changed."""
        self.regroupings[run.regrouping_id] = None
        self.changes.regroupings.pop(run.regrouping_id, None)
        self.changes.regrouped.append(run.regrouping_id)

    def accept(self, achievement: Achievement) -> None:
        self.achievements[achievement.achievement_id] = achievement
        self.changes.new_achievements.append(achievement)

    def decide(self, achievement: Achievement) -> None:
        """Keep an achievement's new state. The save is fenced by its epoch, which it counts up."""
        self.changes.decided.append(achievement)

    def queue(
        self,
        target: str,
        lane: int,
        kind: str,
        subject: int,
        payload: str,
        *,
        give_up_after: int,
        request_id: str | None = None,
    ) -> Delivery:
        """One more delivery, due now, caused by `request_id`, or by the request of the command that is carried out."""
        delivery_id = self.next_id()
        cause = self.request_id if request_id is None else request_id
        delivery = Delivery(
            delivery_id,
            target,
            lane,
            kind,
            subject,
            payload,
            "pending",
            self.now,
            self.now,
            self.now + give_up_after,
            request_id=cause,
            trace=self.traces.get(cause, ""),
        )
        self.deliveries[delivery_id] = delivery
        self.changes.new_deliveries.append(delivery)
        return delivery

    def touch_delivery(self, delivery: Delivery) -> None:
        """Keep what changed of it. The save is fenced by the epoch under which it was loaded."""
        self.changes.deliveries[delivery.delivery_id] = delivery

    def spend(self, campaign_id: int, points: int) -> None:
        self.spends[campaign_id] = self.spends.get(campaign_id, 0) + points
        self.changes.spends[campaign_id] = self.spends[campaign_id]

    def forget(self, profile: Profile) -> None:
        """Take a profile with everything on it out of the map and out of the database."""
        for record in profile.records.values():
            self.records[record.id_space, record.customer_id] = None
            self.by_record_id.pop(record.record_id, None)
            self.homes[record.record_id] = None
            self.changes.records.pop(record.record_id, None)
        self.changes.new_records = [r for r in self.changes.new_records if r.record_id not in profile.records]
        observed = self.changes.observations
        self.changes.observations = {
            place: observed[place] for place in observed if place[0] not in profile.records
        }
        for row in self.profile_rows.values():
            known = self.profiles.get(row.profile_id)
            if known is profile or (known is not None and known.redirect_to == profile.profile_id):
                self.changes.profiles.pop(row.profile_id, None)
                self.changes.freed.append(row.profile_id)
                self.canonical_ids[row.canonical_id] = None
        self.redirects[profile.profile_id] = None
        del self.profiles[profile.profile_id]
        self.changes.erased.append(profile)

    def remove_record(self, record: CustomerRecord) -> None:
        """Take one record out of the map and out of the database; others stay on its profile."""
        record_id, profile = record.record_id, self.profiles[record.profile_id]
        del profile.records[record_id]
        self.records[record.id_space, record.customer_id] = None
        del self.by_record_id[record_id]
        self.homes[record_id] = None
        self.changes.records.pop(record_id, None)
        observed = self.changes.observations
        self.changes.observations = {place: observed[place] for place in observed if place[0] != record_id}
        row = self.profile_rows[profile.profile_id]
        if row.named_after == record_id:
            row.named_after = min(profile.records)
        self.changes.removed.append(record)
        self.touch_profile(profile)

    def drop_observation(self, record: Record, identifier: Identifier) -> None:
        del record.observations[identifier]
        self.changes.observations.pop((record.record_id, identifier), None)
        self.changes.dropped_observations.append((record.record_id, identifier.type, identifier.value))

    def drop_attribute(self, record: Record, name: str) -> None:
        self.attributes[record.record_id].pop(name, None)
        self.changes.attributes.pop((record.record_id, name), None)
        self.changes.dropped_attributes.append((record.record_id, name))

    def keep_erasure(self, erasure: Erasure) -> None:
        self.changes.erasures.append(erasure)

    @property
    def erasures(self) -> list[Erasure]:
        """Those of this batch."""
        return [one for changes in (*self._saved, self.changes) for one in changes.erasures]

    @property
    def erases(self) -> bool:
        """Whether this batch erased anybody."""
        return any(changes.erased or changes.erasures for changes in (*self._saved, self.changes))

    def changed_identities(self) -> set[RecordKey | Identifier]:
        """The records and keys of which this batch changed anything that a call is resolved by."""
        found: set[RecordKey | Identifier] = set()
        for changes in (*self._saved, self.changes):
            records = [
                self.by_record_id[record_id]
                for record_id, _ in (*changes.observations, *changes.claims, *changes.dropped_claims)
                if record_id in self.by_record_id
            ]
            gone = [record for profile in changes.erased for record in profile.records.values()]
            changed = (*records, *changes.records.values(), *gone, *changes.removed)
            found.update((record.id_space, record.customer_id) for record in changed)
            found.update(changes.owners, changes.states)
            found.update(identifier for _, identifier in changes.observations)
        return found

    def enter(self, entry: LedgerEntry) -> None:
        self.changes.ledger.append(entry)

    def record_event(
        self,
        action: Action,
        *,
        outcome: str = "ok",
        channel: str = "",
        actor: str = "",
        profile: str = "",
        subject: str = "",
        request_id: str = "",
        reason: str = "",
        detail: Mapping[str, Any] | DecisionDetail | None = None,
        words: Words | None = None,
    ) -> None:
        """Append an audit event; it is committed, or lost, together with everything else of its command. Only a mapping as
        `detail` goes with `words`. The detail names the source of the command, unless that is the gateway itself."""
        event_id = self.next_id()
        if self.source != "gateway" and not isinstance(detail, DecisionDetail):
            detail = {**(detail or {}), "source": self.source}
        if words is not None and (said := {name: text for name, text in words.said.items() if text}):
            assert not isinstance(detail, DecisionDetail)  # noqa: S101 - what a decision says has its place
            text = _encode(said).decode()
            detail = {**(detail or {}), "words": words_hmac(words.pseudonyms, event_id, text)}
            self.changes.words.append((event_id, text))
            self.changes.words_of += [(record_id, event_id) for record_id in sorted(words.records)]
        event = AuditEvent(
            event_id,
            self.stamp,
            str(action),
            outcome,
            channel,
            actor,
            profile,
            subject,
            request_id,
            reason,
            _encode(detail).decode() if detail else "",
        )
        self.events.append(event)
        self.changes.events.append(event)
