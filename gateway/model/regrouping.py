"""Profiles that are to be looked at again under the rules in use."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from gateway.model.caller import Caller
from gateway.model.command import Command, Refused


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


class Regrouped(msgspec.Struct, frozen=True):
    """The regrouping as it stands, and what this step of it did; `waits`: nothing, the rules in use are not yet those that it
    is about."""

    run: Regrouping
    done: Mapping[str, int] = {}
    waits: bool = False


class Regroup(Command[Regrouped | Refused], frozen=True):
    """Look at the next profiles of a regrouping, those behind `after`, as one change. `last`: there are no others. `total` is
    how many there are at all, where the sender counted them. Refused while another `worker` holds it."""

    caller: Caller
    regrouping_id: int
    worker: str
    after: int
    profiles: tuple[int, ...]
    last: bool
    total: int = 0
