"""May two profiles become one because a model is certain that they are one person? A score is weaker evidence than a rule, so this
is stricter than a rule's guards: it can only say no more often (I16). Every live value counts for the limits, with any owner, and
a protected balance may be on either side. The search and the merge ask the same question, so a dry run says what happens (I21).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rules.compare import DIFFERENT, compare_values
from rules.confirmation import RecordAttributes
from rules.guards import OF_GROUPS, Joining, objection
from rules.identifier import Identifier
from rules.policy import Policy
from rules.record import Judgement, Key, Profile, Record
from rules.ruleset import RuleSet

RULE = "score"
"""The rule name of such a merge."""
BIRTHDAYS, MODE = "birthdays", "mode"
BIRTHDAY = "dateOfBirth"


@dataclass(frozen=True, slots=True)
class _Two:
    """What the guards may see of two profiles."""

    profiles: Mapping[int, Profile]
    known_pins: Sequence[Judgement]
    points: int

    def record(self, id_space: str, customer_id: str) -> Record | None:
        raise LookupError(id_space, customer_id)

    def key(self, identifier: Identifier) -> Key:
        holders = (
            profile_id
            for profile_id, profile in self.profiles.items()
            if any(identifier in record.observations for record in profile.records.values())
        )
        return Key(identifier, owner=next(holders, None))

    def profile(self, profile_id: int) -> Profile:
        return self.profiles[profile_id]

    def pins(self, record_ids: Iterable[int]) -> Iterable[Judgement]:
        return self.known_pins

    def balance(self, profile_id: int) -> int:
        return self.points


def what_keeps_apart(
    one: Profile,
    other: Profile,
    policy: Policy,
    *,
    pins: Sequence[Judgement],
    balances: tuple[int, int],
    attributes: RecordAttributes,
    now: int,
) -> str:
    """What keeps the two apart: the name of a guard, `birthdays` or `mode`; "" if nothing does."""
    if policy.mode != "enforce":
        return MODE
    if _birthdays_differ(one, other, policy, attributes):
        return BIRTHDAYS
    view = _Two({profile.profile_id: profile for profile in (one, other)}, pins, max(balances))
    found = objection(view, policy, Joining((one, other), one, "", now, frozenset()), OF_GROUPS)
    return "" if found is None else found.guard


def birthdays(rules: RuleSet) -> tuple[str, ...]:
    """The attributes that say when a person was born: the platform's, and those that the rule file declares as dates."""
    return BIRTHDAY, *(name for name, kind in rules.kinds.items() if kind == "date" and name != BIRTHDAY)


def _birthdays_differ(one: Profile, other: Profile, policy: Policy, attributes: RecordAttributes) -> bool:
    for name in birthdays(policy.rule_set):
        ours, theirs = (
            {text for record_id in side.records if (text := attributes(record_id).get(name, "").strip())}
            for side in (one, other)
        )
        if any(compare_values("date", a, b).likeness == DIFFERENT.likeness for a in ours for b in theirs):
            return True
    return False
