"""Why two profiles or records are one or are not, in sentences."""

from collections.abc import Iterable, Sequence
from typing import Protocol

_OPINIONS = {
    "merge": "are one person",
    "review": "may be one person: a person has to decide",
    "never": "must stay apart",
    "none": "have nothing in common",
}
_SAYS = {
    "merge": "so it would join them",
    "review": "so it would ask a person",
    "never": "so it would keep them apart",
    "none": "so it does not apply",
}
_LIKENESS = {
    "provider_form": "is the same mailbox, written in two ways",
    "powerless": "is equal, but joins no profiles",
    "equal": "is equal",
    "different": "differs",
    "missing": "is missing on one side",
}


class Compared(Protocol):
    type: str
    likeness: str
    wanted: str
    how: str


class Reading(Protocol):
    rule: str
    outcome: str
    doubt: str

    @property
    def compared(self) -> Sequence[Compared]: ...


class Pair(Protocol):
    """The part of an explanation that the sentences are made of."""

    profile_a: str
    profile_b: str
    together: bool
    outcome: str
    rule: str
    guard: str
    detail: str

    @property
    def rules(self) -> Sequence[Reading]: ...


def verdict(pair: Pair) -> str:
    opinion = _opinion(pair) + _in_brackets(pair.rule)
    if pair.together:
        return f"both are on {pair.profile_a}; by themselves the two {opinion}"
    text = f"{pair.profile_a} and {pair.profile_b} are apart. The rules say that they {opinion}"
    if pair.guard:
        return f"{text}; what keeps them apart: {pair.guard}{_in_brackets(pair.detail)}"
    return f"{text}; the next call that states it joins them" if pair.outcome == "merge" else text


def _opinion(pair: Pair) -> str:
    """A key that both have may join nothing: another profile owns it, or no attribute confirms it."""
    found = (one.likeness for rule in pair.rules for one in rule.compared)
    if pair.outcome == "none" and any(one not in ("different", "missing") for one in found):
        return "have something in common, but not enough"
    return _OPINIONS[pair.outcome]


def in_words(pair: Pair) -> list[str]:
    """A sentence for each rule, and the verdict last."""
    return [*map(_of_rule, pair.rules), verdict(pair)]


def _of_rule(reading: Reading) -> str:
    doubt = _in_brackets(f"it only asks: {reading.doubt}" if reading.doubt else "")
    if reading.outcome == "none":
        doubt = _in_brackets(reading.doubt)
    return f"rule {reading.rule}: {_listed(reading.compared)}, {_SAYS[reading.outcome]}{doubt}"


def _listed(compared: Iterable[Compared]) -> str:
    found = [f"{one.type} {_likeness(one)}" for one in compared]
    return ", ".join(found) or "nothing is compared"


def _likeness(one: Compared) -> str:
    if not one.wanted or one.likeness == "missing":
        return _LIKENESS[one.likeness]
    found = _LIKENESS.get(one.likeness) or f"is {one.likeness}"
    return f"{found}{_in_brackets(one.how)}, wanted {one.wanted}"


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""
