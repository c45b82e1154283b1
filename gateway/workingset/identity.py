"""Identity: records with their observations, keys, profiles, and the ids that lead to them. Implements `rules.record.View`.

Changes that follow from a change of identity are made here too: attributes of a new record, the balance of a survivor, the pins and
questions that are loaded with a profile.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from gateway.ids import Ids, show
from gateway.model import (
    FEW_HOLDERS,
    CustomerRecord,
    Dedup,
    Erasure,
    MergeRow,
    PinRow,
    ProfileRow,
    ReviewItem,
)
from gateway.workingset.collection import Collection, Held, NotLoaded, Of, Written
from gateway.workingset.customers import Customers
from gateway.workingset.merges import Merges
from gateway.workingset.pins import Pair, Pins
from gateway.workingset.reviews import Reviews
from rules.identifier import Identifier
from rules.record import Judgement, Key, Observation, Ownership, Profile, Record

RecordKey = tuple[str, str]
"""An id space and a customer id."""
StoredProfile = tuple[ProfileRow, Profile]


class Holders(Collection[Identifier, int]):
    """The time (ms) since which the holders of a key count, for the keys with known holders: `profiles` and `aged` of the key."""

    __slots__ = ("since",)

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.since: dict[Identifier, int] = {}

    def want_since(self, identifier: Identifier, since: int) -> bool:
        self.since[identifier] = since
        return self.want(identifier)


class Identity(Customers, Merges, Pins, Reviews):
    """A profile is loaded whole: with its records, their observations and keys, its pins, reviews, dedup windows and balance.

    `owned` are the keys for which stored observations may name another owner; `states` are those that may need a row of their own
    now, or none any more. `stored_profiles` are profiles with their rows as they are stored; `written_profiles` are the rows that
    the last save found changed.
    """

    records = Of(Collection[RecordKey, CustomerRecord | None])
    observations = Of(Written[tuple[int, Identifier], Observation])
    last_seen = Of(Written[tuple[int, Identifier], Observation])
    keys = Of(Collection[Identifier, Key])
    owned = Of(Written[Identifier, Key])
    states = Of(Written[Identifier, Key])
    profiles = Of(Collection[int, Profile])
    stored_profiles = Of(Written[int, StoredProfile])
    redirects = Of(Collection[int, int | None])
    absorbed = Of(Written[int, Pair])
    homes = Of(Collection[int, int | None])
    canonical_ids = Of(Collection[str, int | None])
    removed = Of(Written[int, CustomerRecord])
    erased = Of(Written[int, Profile])
    erasures = Of(Written[int, Erasure])
    holders = Of(Holders)

    def __init__(self, now: int, ids: Ids, *, stamp: int | None = None) -> None:
        super().__init__(now, ids, stamp=stamp)
        self.by_record_id: dict[int, CustomerRecord] = {}
        self.ownerships: Held[Identifier, Ownership] = Held()
        self.ownerships.name = "ownerships"
        self.profile_rows: dict[int, ProfileRow] = {}
        self.created: list[int] = []
        self.written_profiles: list[ProfileRow] = []

    # ---- reading (rules.record.View) ----

    def record(self, id_space: str, customer_id: str) -> CustomerRecord | None:
        return self.records.held[id_space, customer_id]

    def key(self, identifier: Identifier) -> Key:
        return self.keys.held[identifier]

    def ownership(self, identifier: Identifier) -> Ownership | Key:
        """Of a key that was loaded, or that a loaded record holds."""
        key = self.keys.held.get(identifier)
        return self.ownerships[identifier] if key is None else key

    def profile(self, profile_id: int) -> Profile:
        """The live profile that an id leads to."""
        held = self.profiles.held
        found = held[profile_id]
        while found.redirect_to is not None:
            found = held[found.redirect_to]
        return found

    # ---- reading what is loaded with a profile ----

    def want_window(self, profile_id: int, campaign_id: int) -> bool:
        return profile_id in self.profiles or self.windows.want((profile_id, campaign_id))

    def window(self, profile_id: int, campaign_id: int) -> Dedup | None:
        place = (profile_id, campaign_id)
        return None if place not in self.windows and profile_id in self.profiles else self.windows[place]

    def windows_of(self, profile_id: int) -> list[tuple[int, Dedup]]:
        """The campaigns that the profile was accepted for, with their windows."""
        self._must_be_loaded(profile_id, "windows")
        held = self.windows.held.items()
        return [(campaign_id, one) for (of, campaign_id), one in held if of == profile_id and one is not None]

    def pins(self, record_ids: Iterable[int]) -> Iterable[Judgement]:
        """The pins and splits of records on loaded profiles, each once."""
        record_ids = tuple(record_ids)
        pairs: dict[Pair, None] = {}
        for record_id in record_ids:
            if not self._has_pins_loaded(record_id):
                raise NotLoaded("all_pins")
            pairs.update(dict.fromkeys(self.pinned.get(record_id, ())))
        pins = [pin for pair in pairs if (pin := self.all_pins[pair]) is not None]
        return [*pins, *self.apart(record_ids)] if self.parted else pins

    def pin_of(self, pair: Pair) -> PinRow | None:
        """The pin of two records. At least one is on a loaded profile, or on none."""
        if pair not in self.all_pins and any(map(self._has_pins_loaded, pair)):
            return None
        return self.all_pins[pair]

    def _has_pins_loaded(self, record_id: int) -> bool:
        record = self.by_record_id.get(record_id)
        if record is None:
            return record_id in self.homes and self.homes[record_id] is None
        return record.profile_id in self.profiles

    def review_of(self, pair: Pair) -> ReviewItem | None:
        """What was asked about two profiles. At least one of them was loaded."""
        if pair[0] not in self.profiles and pair[1] not in self.profiles:
            raise NotLoaded("reviews")
        return self.reviews.get(pair)

    def leave_questions(self, profile_id: int) -> list[ReviewItem]:
        """The open questions whether records should leave this profile."""
        self._must_be_loaded(profile_id, "reviews")
        return [item for item in self.leaving.get(profile_id, ()) if item.state == "open"]

    def pass_on_leave_questions(self, loser: Profile, winner: Profile) -> None:
        """The questions about a profile become questions about the one that absorbed it."""
        for item in self.leave_questions(loser.profile_id):
            self.pass_on_leave_question(item, winner)
        self.leaving.pop(loser.profile_id, None)

    def _must_be_loaded(self, profile_id: int, name: str) -> None:
        if profile_id not in self.profiles:
            raise NotLoaded(name)

    def target_of(self, profile_id: int) -> int | None:
        """The live profile that an id leads to today; None if it was erased."""
        if profile_id not in self.redirects:
            return self.profile(profile_id).profile_id
        target = self.redirects[profile_id]
        while target is not None and target in self.redirects and self.redirects[target] != target:
            target = self.redirects[target]
        return target

    def holder_of(self, canonical_id: str) -> int | None:
        """The profile, live or absorbed, that has this canonical id."""
        return self.canonical_ids[canonical_id]

    def canonical_id_of(self, profile_id: int) -> str:
        return self._row(profile_id).canonical_id

    def _row(self, profile_id: int) -> ProfileRow:
        """The row of a loaded profile."""
        if profile_id not in self.profile_rows:
            raise NotLoaded("profile_rows")
        return self.profile_rows[profile_id]

    # ---- records and profiles that come to be ----

    def create_profile(self, wishes: Iterable[str] = ()) -> Profile:
        """A live profile without records, at version 0 until its maker calls `touch_profile`. Its canonical id is the first wish
        that no other profile has, else its own id. It is named after its first record."""
        profile_id = self.next_id()
        for canonical_id in wishes:
            if self.holder_of(canonical_id) is None:
                break
        else:
            canonical_id = show("prf", profile_id)
        profile = Profile(profile_id, self.now, version=0)
        self.canonical_ids.held[canonical_id] = profile_id
        self.created.append(profile_id)
        self.profiles.held[profile_id] = profile
        self.profile_rows[profile_id] = ProfileRow(profile_id, self.now, None, None, canonical_id)
        self.balances.held[profile_id] = 0
        self._keep_profile(profile)
        return profile

    def create_record(self, profile: Profile, id_space: str, customer_id: str, guest: bool) -> CustomerRecord:
        record_id = self.next_id()
        record = CustomerRecord(record_id, id_space, customer_id, profile.profile_id, self.now, guest=guest)
        self._name_after(profile, record)
        profile.records[record_id] = record
        self.by_record_id[record_id] = record
        self.records.add((id_space, customer_id), record)
        self.begin_customer(record)
        return record

    def _name_after(self, profile: Profile, record: Record) -> None:
        """Only the first record of the profile counts."""
        row = self.profile_rows[profile.profile_id]
        row.named_after = row.named_after or record.record_id

    def named_after(self, profile: Profile) -> int:
        """The record that a live profile is named after."""
        return self.profile_rows[profile.profile_id].named_after

    def absorbed_named_after(self, row: MergeRow) -> int:
        """The record that the absorbed profile of this merge is named after."""
        return self._row(row.absorbed_id).named_after or min(row.absorbed_records)

    # ---- what is changed on them ----

    def touch_record(self, record: CustomerRecord) -> None:
        self.records.keep((record.id_space, record.customer_id), record)

    def touch_observation(self, record: Record, observation: Observation) -> None:
        self.observations.changed[record.record_id, observation.identifier] = observation

    def touch_last_seen(self, record: Record, observation: Observation) -> None:
        """Nothing else about the observation changed, so the tree that finds a key's holders stays as it is."""
        self.last_seen.changed[record.record_id, observation.identifier] = observation

    def drop_observation(self, record: Record, identifier: Identifier) -> None:
        del record.observations[identifier]
        self.observations.drop((record.record_id, identifier))

    def touch_profile(self, profile: Profile) -> None:
        """Increment the profile's version."""
        profile.version += 1
        self._keep_profile(profile)

    def _keep_profile(self, profile: Profile) -> None:
        self.stored_profiles.changed[profile.profile_id] = (self.profile_rows[profile.profile_id], profile)

    def move(self, record: Record, source: Profile, target: Profile) -> None:
        source.records.pop(record.record_id, None)
        self._name_after(target, record)
        target.records[record.record_id] = record
        record.profile_id = target.profile_id
        self.homes.put(record.record_id, target.profile_id)
        self.touch_record(self.by_record_id[record.record_id])
        self._keep_profile(source)
        self._keep_profile(target)

    # ---- keys ----

    def hold(self, identifier: Identifier, record: Record) -> None:
        """Note one more holder of the key."""
        key = self.key(identifier)
        key.holders += 1
        key.profiles += (record.profile_id,)
        if key.holders > FEW_HOLDERS:
            self.states.changed[identifier] = key

    def own(self, identifier: Identifier, profile: Profile) -> None:
        """The key leads to this profile from now on."""
        key = self.key(identifier)
        if key.owner != profile.profile_id:
            key.owner = profile.profile_id
            self.owned.changed[identifier] = key
            if key.holders > FEW_HOLDERS:
                self.states.changed[identifier] = key

    def touch_key(self, key: Key) -> None:
        self.owned.changed[key.identifier] = self.states.changed[key.identifier] = key

    # ---- profiles that lead to others ----

    def redirect(self, loser: Profile, winner: Profile) -> None:
        """Turn an emptied profile, and all that redirected to it, into redirects to `winner`."""
        loser.redirect_to = winner.profile_id
        self.redirects.put(loser.profile_id, winner.profile_id)
        self.absorbed.add(len(self.absorbed.added), (loser.profile_id, winner.profile_id))
        balance = self.balance(winner.profile_id) + self.balance(loser.profile_id)
        self.balances.put(winner.profile_id, balance)
        self.absorptions.forget(winner.profile_id)
        self.touch_profile(loser)

    def revive(self, row: MergeRow) -> Profile:
        """Bring the absorbed profile of this merge back, still without records. The merge is undone."""
        profile = self.profiles[row.absorbed_id]
        self.profile_rows[row.absorbed_id].named_after = self.absorbed_named_after(row)
        profile.redirect_to = None
        self.redirects.put(row.absorbed_id, row.absorbed_id)
        self.balances.put(row.absorbed_id, 0)
        self.undo(row)
        return profile

    def undo(self, row: MergeRow) -> None:
        self.merges.keep(row.merge_id, replace(row, undone_at=self.now))

    def repoint(self, profile_id: int, target: Profile) -> None:
        """Let a redirect lead elsewhere."""
        profile = self.profiles[profile_id]
        profile.redirect_to = target.profile_id
        self.redirects.put(profile_id, target.profile_id)
        self.touch_profile(profile)

    def forget_sums(self, *profiles: Profile) -> None:
        """Values that were loaded with these profiles no longer hold."""
        for profile in profiles:
            self.balances.forget(profile.profile_id)
            self.absorptions.forget(profile.profile_id)

    # ---- what goes ----

    def forget(self, profile: Profile) -> None:
        """Remove a profile with everything on it, here and in the database."""
        for record in profile.records.values():
            self._forget_record(record)
        for row in list(self.profile_rows.values()):
            known = self.profiles.held.get(row.profile_id)
            if known is profile or (known is not None and known.redirect_to == profile.profile_id):
                self.stored_profiles.drop(row.profile_id)
                self.canonical_ids.put(row.canonical_id, None)
        self.redirects.put(profile.profile_id, None)
        self.profiles.forget(profile.profile_id)
        self.erased.add(profile.profile_id, profile)

    def remove_record(self, record: CustomerRecord) -> None:
        """Remove one record, here and in the database. Its profile has others."""
        profile = self.profiles[record.profile_id]
        del profile.records[record.record_id]
        self._forget_record(record)
        row = self.profile_rows[profile.profile_id]
        if row.named_after == record.record_id:
            row.named_after = min(profile.records)
        self.removed.add(record.record_id, record)
        self.touch_profile(profile)

    def _forget_record(self, record: Record) -> None:
        """It needs no saving; what was saved of it is deleted with it."""
        place = (record.id_space, record.customer_id)
        self.records.put(place, None)
        self.records.take_back(place)
        self.forget_name(record)
        self.by_record_id.pop(record.record_id, None)
        self.homes.put(record.record_id, None)
        for identifier in record.observations:
            self.observations.take_back((record.record_id, identifier))

    # ---- what a batch did ----

    @property
    def erases(self) -> bool:
        """Whether a customer was erased since the last save."""
        if self.collections.keys().isdisjoint(("erased", "erasures")):
            return False
        return bool(self.erased.added or self.erasures.added)

    def changed_identities(self) -> set[RecordKey | Identifier]:
        """The records and keys that changed since the last save in a way that matters for resolving a call."""
        by_record_id, observations = self.by_record_id, self.observations
        changed = (*observations.changed, *self.claim_rows.changed, *self.claim_rows.dropped)
        records = [by_record_id[record_id] for record_id, _ in changed if record_id in by_record_id]
        gone = [record for profile in self.erased.added.values() for record in profile.records.values()]
        found: set[RecordKey | Identifier] = {
            (record.id_space, record.customer_id)
            for record in (*records, *gone, *self.removed.added.values())
        }
        found.update(self.records.added, self.records.changed, self.owned.changed, self.states.changed)
        found.update(identifier for _, identifier in observations.changed)
        return found
