"""The audit log, followed from its start: where every record is, which ids redirect where, who was pinned together or apart, and
which rules are in use.

That much the log rebuilds (I12). It cannot rebuild what it does not hold on purpose: the values of identifiers and attributes. Nor
does it hold which key belongs to whom, and until when a pin holds.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product
from typing import Any, NamedTuple

import msgspec

SQL = "SELECT action, outcome, profile, object, reason, detail FROM audit ORDER BY event_id"


class Event(NamedTuple):
    action: str
    outcome: str
    profile: str
    object: str
    reason: str
    detail: dict[str, Any]


def read(rows: Iterable[tuple[Any, ...]]) -> list[Event]:
    return [
        Event(action, outcome, profile, what, reason, msgspec.json.decode(detail) if detail else {})
        for action, outcome, profile, what, reason, detail in rows
    ]


def grouped(places: Iterable[tuple[str, int]]) -> set[frozenset[str]]:
    """The records of each side."""
    sides: dict[int, set[str]] = {}
    for record, side in places:
        sides.setdefault(side, set()).add(record)
    return {frozenset(side) for side in sides.values()}


@dataclass(slots=True)
class Replay:
    """Ids as the log shows them. `pins`: kind by the pair of records; `splits`: of each, the sides by record; `rules`: the
    version in use."""

    homes: dict[str, str] = field(default_factory=dict[str, str])
    redirects: dict[str, str] = field(default_factory=dict[str, str])
    pins: dict[frozenset[str], str] = field(default_factory=dict[frozenset[str], str])
    splits: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    rules: str = ""

    def follow(self, events: Iterable[Event]) -> "Replay":
        for event in events:
            match event.action:
                case "identity.split":
                    self._split(event.detail["parts"], event.detail["redirects"])
                    if name := event.detail.get("split"):
                        self._keep_apart(
                            name, [event.profile, *event.detail["parts"]], event.detail.get("waiting", [])
                        )
                    elif event.detail["pinned"]:
                        self._pin_apart([event.profile, *event.detail["parts"]])
                case "pin.set":
                    self.pins[frozenset(event.detail["records"])] = event.outcome
                case "pin.dropped":
                    self._drop(event.detail)
                case "review.rejected" if not event.reason.startswith(("split:", "resplit:")):
                    if name := event.detail.get("split"):
                        self._keep_apart(name, event.detail["profiles"], [])
                    else:
                        self._pin_apart(event.detail["profiles"])
                case "review.undone":
                    for pair in event.detail["lifted"]:
                        del self.pins[frozenset(pair)]
                case "rules.activated":
                    self.rules = event.object
                case "customer.erased":
                    self._erase(event.profile)
                case action if action.startswith("identity."):
                    self._decide(event)
                case _:
                    pass
        return self

    def kept_apart(self) -> dict[str, set[frozenset[str]]]:
        """The records on each side of each split."""
        return {name: grouped(sides.items()) for name, sides in self.splits.items() if sides}

    def _live(self, profile: str) -> str:
        return self.redirects.get(profile, profile)

    def _members(self, profile: str) -> frozenset[str]:
        return frozenset(record for record, home in self.homes.items() if home == profile)

    def _decide(self, event: Event) -> None:
        for loser in event.detail.get("absorbed", ()):
            self.homes |= dict.fromkeys(self._members(loser), event.profile)
            self.redirects = {one: event.profile if to == loser else to for one, to in self.redirects.items()}
            self.redirects[loser] = event.profile
        if event.object.startswith("rec_"):
            self.homes[event.object] = event.profile

    def _split(self, parts: dict[str, list[str]], redirects: dict[str, str]) -> None:
        for part, records in parts.items():
            self.redirects.pop(part, None)
            self.homes |= dict.fromkeys(records, part)
        self.redirects |= redirects

    def _keep_apart(self, name: str, profiles: list[str], waiting: list[str]) -> None:
        """Those who wait are each on a side of their own."""
        members = [self._members(self._live(one)).difference(waiting) for one in profiles]
        sides = [*members, *(frozenset({one}) for one in waiting)]
        self.splits[name] = {one: number for number, side in enumerate(sides) for one in side}

    def _drop(self, detail: dict[str, Any]) -> None:
        name, pair = detail.get("split", ""), detail.get("records", ())
        if not name:
            del self.pins[frozenset(pair)]
        elif not pair:
            del self.splits[name]
        else:
            sides = self.splits[name]
            kept, gone = (sides[one] for one in pair)
            sides.update({one: kept for one, side in sides.items() if side == gone})
            if len(set(sides.values())) == 1:
                del self.splits[name]

    def _pin_apart(self, profiles: list[str]) -> None:
        sides = [self._members(self._live(one)) for one in profiles]
        for number, side in enumerate(sides):
            others = frozenset[str]().union(*sides[number + 1 :])
            self.pins |= {frozenset(pair): "cannot" for pair in product(side, others)}

    def _erase(self, profile: str) -> None:
        gone = self._members(profile)
        self.homes = {record: home for record, home in self.homes.items() if record not in gone}
        self.redirects = {one: to for one, to in self.redirects.items() if to != profile}
        self.pins = {pair: kind for pair, kind in self.pins.items() if not pair & gone}
        for name, sides in self.splits.items():
            self.splits[name] = {record: side for record, side in sides.items() if record not in gone}
