"""Merges of profiles and what undoes them, with their commands; and why two profiles are one or are not."""

from typing import Literal

import msgspec

from gateway.model.caller import Caller
from gateway.model.command import Command, Refused
from rules.explain import Explanation


class MergeRow(msgspec.Struct, frozen=True):
    """One absorbed profile, with the records of both sides before the merge. An undo needs nothing else."""

    merge_id: int
    survivor_id: int
    absorbed_id: int
    survivor_records: tuple[int, ...]
    absorbed_records: tuple[int, ...]
    rule: str
    rule_set: str
    actor: str
    request_id: str
    merged_at: int
    undone_at: int | None = None


class Shaped(msgspec.Struct, frozen=True):
    """A profile after an operator changed its records; `parts` are the profiles that were split off. So many more are `waiting` to
    be split off in the background."""

    profile_id: int
    version: int
    changed: bool = True
    merge_id: int | None = None
    parts: tuple[int, ...] = ()
    waiting: int = 0


class Explained(msgspec.Struct, frozen=True):
    explanation: Explanation


class MergeProfiles(Command[Shaped | Refused], frozen=True):
    """Join two profiles by hand. `version` is that of the first profile, as the operator saw it; None does not check."""

    caller: Caller
    profiles: tuple[int, int]
    reason: str
    version: int | None = None


class SplitProfile(Command[Shaped | Refused], frozen=True):
    """Take records out of a profile: `plain` just these, `tree` with all that was absorbed together with them, `all`
    every record onto a profile of its own."""

    caller: Caller
    profile_id: int
    records: tuple[int, ...]
    mode: Literal["plain", "tree", "all"]
    reason: str
    version: int | None = None


class UndoMerge(Command[Shaped | Refused], frozen=True):
    """Undo one merge. With `tree`, records that have moved since stay where they are. `version` is that of the profile that the
    records leave; None does not check."""

    caller: Caller
    merge_id: int
    reason: str
    tree: bool = False
    version: int | None = None


class ExplainPair(Command[Explained | Refused], frozen=True):
    """Explain why two profiles (or two records, with `records`) are one or are not. Changes nothing."""

    a: int
    b: int
    records: bool = False
