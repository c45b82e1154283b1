"""Profiles to be regrouped under the current rules."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from gateway.model.caller import Caller
from gateway.model.command import Command, Refused

JOINS_TOO_MANY = ("generic", "shared")
"""Causes of the regrouping of a value that turned out to belong to too many profiles."""


class Regrouping(msgspec.Struct, frozen=True):
    """Profiles to be regrouped, in the order of their ids. `cursor` is the last one that was examined.

    `scope` says which: `rules` every one, as the rule set `rule_set` (its SHA-256) was activated; `value` the holders of one
    value that stopped or resumed matching; `profile` a single one; `split` those with records of the ended split
    whose id is `profile_id`. Profiles `merged` and `split` and questions `asked` are
    counted as a plan counts them, `points` changed hands; `skipped` profiles belong to more records than can be examined
    together. One process at a time works on it: `held_by`, until `held_until`.

    `failures` are the attempts in a row that ended with an unexpected error; the next one waits until `due_at`. At `failed_at` it
    was given up, until an operator resumes it. `why` names the error.
    """

    regrouping_id: int
    scope: Literal["rules", "value", "profile", "split"]
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
    failures: int = 0
    due_at: int = 0
    failed_at: int | None = None
    why: str = ""


class Regrouped(msgspec.Struct, frozen=True):
    """The state of the regrouping, and the result of this step. `waits`: the step did nothing, because the current rules are
    not yet those of the regrouping."""

    run: Regrouping
    done: Mapping[str, int] = {}
    waits: bool = False


class Regroup(Command[Regrouped | Refused], frozen=True):
    """Examine the next profiles of a regrouping, those after `after`, as one change. `last`: there are no others. `total` is
    the number of all profiles, if the sender counted them. Refused while another `worker` holds the regrouping."""

    caller: Caller
    regrouping_id: int
    worker: str
    after: int
    profiles: tuple[int, ...]
    last: bool
    total: int = 0


class DelayRegrouping(Command[Regrouping | Refused], frozen=True):
    """The step of a regrouping behind `after` met this unexpected error: try it again later, or give it up. `is_known`: another one
    of the same profiles failed before and stands for it, so it is dropped then."""

    caller: Caller
    regrouping_id: int
    after: int
    error: str
    is_known: bool = False


class ResumeRegroupings(Command[int], frozen=True):
    """Try failed regroupings again. Tells how many these were."""

    caller: Caller
    regroupings: tuple[int, ...]
