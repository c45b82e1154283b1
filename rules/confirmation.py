"""What attributes say about a match: whether they confirm it, or tell the two apart.

The request's record is compared with each record of the profile, and the nearest one counts. So more records can only
confirm more, and the order in which they came does not matter (I7).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

from rules.compare import MISSING, Verdict, compare_with_any
from rules.compare.conditions import Condition
from rules.policy import Policy, PolicyRule
from rules.record import Profile

RecordAttributes = Callable[[int], Mapping[str, str]]
"""The texts of a record, by the names of attributes."""


class Confirmation(NamedTuple):
    """`outcome` is None if the rule may go on; `detail` says why not, or what confirmed it."""

    outcome: Literal["review", "none"] | None
    detail: str = ""


_FREE = Confirmation(None)


class Sides(NamedTuple):
    """What one record says, and the profile whose records it is compared with."""

    policy: Policy
    one: Mapping[str, str]
    profile: Profile
    attributes: RecordAttributes | None

    def verdict(self, condition: Condition) -> Verdict:
        if self.attributes is None:
            return MISSING
        others = map(self.attributes, self.profile.records)
        return compare_with_any(condition.attribute, self.policy.kinds, self.one, others)

    def holds(self, conditions: Iterable[Condition]) -> bool | None:
        """Whether all conditions hold. None if none fails, but one has nothing to compare."""
        verdicts = [(condition, self.verdict(condition)) for condition in conditions]
        if any(found != MISSING and not found.reaches(condition.level) for condition, found in verdicts):
            return False
        return None if any(found == MISSING for _, found in verdicts) else True


def confirmation(rule: PolicyRule, both: Sides) -> Confirmation:
    """Whether an attribute keeps the two apart. None does if one alternative holds, or if none can be compared and the rule does
    not require it."""
    if not rule.confirm_any:
        return _FREE
    found = [(alternative, both.holds(alternative)) for alternative in rule.confirm_any]
    for alternative, holds in found:
        if holds:
            return Confirmation(None, " and ".join([_said(one, both) for one in alternative]))
    if all(holds is None for _, holds in found):
        return Confirmation("review", "confirm_missing") if rule.confirm_missing == "review" else _FREE
    return Confirmation("review" if rule.not_confirmed == "review" else "none", "not_confirmed")


def _said(condition: Condition, both: Sides) -> str:
    found = both.verdict(condition)
    how = f" ({found.how})" if found.how else ""
    return f"{condition.attribute} {found.likeness}{how}"


def difference(rule: PolicyRule, both: Sides) -> str:
    """`unless_differs:<attribute>` for the first attribute that both sides have and that is not as near as the rule wants."""
    return next(
        (f"unless_differs:{one.attribute}" for one in rule.unless_apart if both.holds((one,)) is False), ""
    )
