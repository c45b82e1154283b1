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


@dataclass(slots=True)
class Replay:
    """Ids as the log shows them. `pins`: kind by the pair of records; `rules`: the version in use."""

    homes: dict[str, str] = field(default_factory=dict[str, str])
    redirects: dict[str, str] = field(default_factory=dict[str, str])
    pins: dict[frozenset[str], str] = field(default_factory=dict[frozenset[str], str])
    rules: str = ""

    def follow(self, events: Iterable[Event]) -> "Replay":
        for event in events:
            match event.action:
                case "identity.split":
                    self._split(event.detail["parts"], event.detail["redirects"])
                    if event.detail["pinned"]:
                        self._pin_apart([event.profile, *event.detail["parts"]])
                case "pin.set":
                    self.pins[frozenset(event.detail["records"])] = event.outcome
                case "pin.dropped":
                    del self.pins[frozenset(event.detail["records"])]
                case "review.rejected" if not event.reason.startswith(("split:", "resplit:")):
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
