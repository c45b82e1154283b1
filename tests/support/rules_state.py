"""A complete state in memory: it implements `View` and carries decisions out exactly as `Decision` says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rules.decision import Decision
from rules.identifier import CANONICAL_SUFFIX, Evidence, Identifier
from rules.online.resolve import resolve
from rules.policy import Policy
from rules.record import Key, KeyState, Observation, Pin, Profile, Record
from rules.ruleset import IdentifierRules, Rule, RuleSet

DAY = 86_400_000


def says(**values: str) -> list[Evidence]:
    """`says(email="a@x.eg")`: ok evidence; several values of one type are split at blanks."""
    return [Evidence(Identifier(type_, value)) for type_, text in values.items() for value in text.split()]


def canonical(value: str, type_: str = "email") -> Evidence:
    return Evidence(Identifier(type_ + CANONICAL_SUFFIX, value))


def key(type_: str, value: str) -> Identifier:
    return Identifier(type_, value)


def rule_set(
    *rules: Rule, identifiers: Mapping[str, IdentifierRules] | None = None, **options: object
) -> RuleSet:
    """Loyalty id, mobile and e-mail without limits, each merging alone unless rules are given."""
    types = {
        "loyalty_id": IdentifierRules("opaque", strength=100),
        "mobile": IdentifierRules("phone", strength=80),
        "email": IdentifierRules("email", strength=70),
        **(identifiers or {}),
    }
    chosen = rules or tuple(Rule(type_, (type_,)) for type_ in types)
    return RuleSet("test", "", "", identifiers=types, rules=chosen, **options)  # type: ignore[arg-type]


@dataclass
class State:
    rules: RuleSet = field(default_factory=rule_set)
    now: int = 1_000 * DAY
    records: dict[tuple[str, str], Record] = field(default_factory=dict)
    profiles: dict[int, Profile] = field(default_factory=dict)
    owners: dict[Identifier, int] = field(default_factory=dict)
    states: dict[Identifier, KeyState] = field(default_factory=dict)
    all_pins: list[Pin] = field(default_factory=list)
    balances: dict[int, int] = field(default_factory=dict)
    reviews: set[tuple[int, ...]] = field(default_factory=set)
    attributes: dict[int, dict[str, str]] = field(default_factory=dict)

    # ---- View ----

    def record(self, id_space: str, customer_id: str) -> Record | None:
        return self.records.get((id_space, customer_id))

    def key(self, identifier: Identifier) -> Key:
        holding = [record for record in self.records.values() if identifier in record.observations]
        profiles = tuple(sorted({record.profile_id for record in holding}))
        state = self.states.get(identifier, "normal")
        return Key(identifier, state, self.owners.get(identifier), len(holding), profiles)

    def profile(self, profile_id: int) -> Profile:
        profile = self.profiles[profile_id]
        return profile if profile.redirect_to is None else self.profiles[profile.redirect_to]

    def pins(self, record_ids: Iterable[int]) -> Iterable[Pin]:
        wanted = set(record_ids)
        return [pin for pin in self.all_pins if {pin.record_a, pin.record_b} & wanted]

    def balance(self, profile_id: int) -> int:
        return sum(self.balances.get(record_id, 0) for record_id in self.profiles[profile_id].records)

    # ---- asking and applying ----

    def ask(
        self,
        where: str,
        evidence: Iterable[Evidence],
        *,
        may_create: bool = True,
        attributes: Mapping[str, str] | None = None,
    ) -> Decision | None:
        """Decide and apply one request; `where` is `<id space>:<customer id>`."""
        id_space, _, customer_id = where.partition(":")
        decision = resolve(
            self,
            Policy(self.rules),
            id_space=id_space,
            customer_id=customer_id,
            evidence=list(evidence),
            now=self.now,
            may_create=may_create,
            attributes=attributes,
            stored_attributes=lambda record_id: self.attributes.get(record_id, {}),
        )
        if decision is not None:
            self.apply(decision, id_space, customer_id)
        return decision

    def send(self, where: str, **values: str) -> Decision:
        decision = self.ask(where, says(**values))
        assert decision is not None
        return decision

    def apply(self, decision: Decision, id_space: str, customer_id: str) -> None:
        record = self.records.get((id_space, customer_id))
        target = decision.profile_id if decision.enforced else (record.profile_id if record else None)
        profile = self.profile(target) if target is not None else self._create()
        if record is None:
            record = Record(len(self.records) + 1, id_space, customer_id, profile.profile_id, self.now)
            self.records[id_space, customer_id] = record
            profile.records[record.record_id] = record
        if decision.enforced:
            self._absorb(profile, decision.absorbed)
            self._take(profile, decision)
            pairs = ((one.profile_a, one.profile_b or profile.profile_id) for one in decision.reviews)
            self.reviews |= {tuple(sorted(pair)) for pair in pairs}
        for evidence in decision.evidence:
            self._observe(record, evidence)
        for identifier in (*decision.generic, *decision.shared):
            self.states[identifier] = "generic" if identifier in decision.generic else "shared"
            self.owners.pop(identifier, None)
        self.owners |= dict.fromkeys(decision.own, profile.profile_id)

    def _create(self) -> Profile:
        profile = Profile(len(self.profiles) + 1, self.now)
        self.profiles[profile.profile_id] = profile
        return profile

    def _absorb(self, profile: Profile, absorbed: Iterable[int]) -> None:
        for loser in map(self.profiles.__getitem__, absorbed):
            for record in loser.records.values():
                record.profile_id = profile.profile_id
            profile.records |= loser.records
            loser.records = {}
            for each in self.profiles.values():
                if each is loser or each.redirect_to == loser.profile_id:
                    each.redirect_to = profile.profile_id
            for identifier, owner in self.owners.items():
                if owner == loser.profile_id:
                    self.owners[identifier] = profile.profile_id

    def _take(self, profile: Profile, decision: Decision) -> None:
        for identifier, loser in decision.taken:
            self._retire(self.profiles[loser], identifier)
            self.owners[identifier] = profile.profile_id
        for identifier in decision.dropped:
            self._retire(profile, identifier)
            del self.owners[identifier]

    def _retire(self, profile: Profile, identifier: Identifier) -> None:
        for record in profile.records.values():
            if identifier in record.observations:
                record.observations[identifier].retired = True

    def _observe(self, record: Record, evidence: Evidence) -> None:
        new = Observation(evidence.identifier, self.now, self.now)
        seen = record.observations.setdefault(evidence.identifier, new)
        seen.last_seen, seen.retired = self.now, False
        seen.verified |= evidence.verified
        seen.blocked = evidence.status == "blocked"

    # ---- asking the outcome ----

    def at(self, where: str) -> int:
        id_space, _, customer_id = where.partition(":")
        return self.records[id_space, customer_id].profile_id

    def pin(self, one: str, other: str, kind: str, until: int | None = None) -> None:
        a, b = sorted(self.records[tuple(where.split(":"))].record_id for where in (one, other))  # type: ignore[index]
        self.all_pins.append(Pin(a, b, kind, until))  # type: ignore[arg-type]

    def partition(self) -> frozenset[frozenset[tuple[str, str]]]:
        groups: dict[int, set[tuple[str, str]]] = {}
        for where, record in self.records.items():
            groups.setdefault(record.profile_id, set()).add(where)
        return frozenset(map(frozenset, groups.values()))

    def live(self) -> list[Profile]:
        return [profile for profile in self.profiles.values() if profile.redirect_to is None]
