"""Suggestions: questions about two records that no rule joins, but that look like one person."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from gateway.model.caller import Caller
from gateway.model.command import Command, Done, Refused

SUGGESTED = "suggested"
"""The reason of a question that the model raised."""
NEAR = "near:"
"""Begins the reason of a question about two identifiers that are almost the same: `near:email`."""


def is_of_a_search(reason: str) -> bool:
    """Whether a search raised a question with this reason."""
    return reason == SUGGESTED or reason.startswith(NEAR)


SearchState = Literal["running", "done", "failed"]


class Comparison(NamedTuple):
    """One thing that was compared, the level of likeness that was found, and what that says, in thousandths of a bit: 1,000 makes a
    match twice as likely, -1,000 half as likely."""

    what: str
    level: str
    weight: int


class Suggestion(msgspec.Struct, frozen=True):
    """Why a question was asked about two records, `record_a < record_b`. If one of their profiles is merged with a third, the
    question goes on under another id; `review_id` is the first. `certainty` is in ten-thousandths: 9,500 says that 95 of 100 such
    pairs are one person. `points` are at stake: those of the side that has fewer. `others` are more pairs of records of the two
    profiles that were certain enough. `merge_id`: the two were joined without a question."""

    record_a: int
    record_b: int
    review_id: int
    search_id: int
    certainty: int
    points: int
    comparisons: tuple[Comparison, ...]
    others: int = 0
    merge_id: int | None = None


class Foreseen(NamedTuple):
    """What a dry run says of two records: they would be merged, or asked about. `certainty` as in `Suggestion`."""

    record_a: int
    record_b: int
    certainty: int
    merges: bool


class Search(msgspec.Struct, frozen=True):
    """One search. `candidates` were compared, `found` are certain enough, `opened` became questions, `merged` were joined. `labels`
    are the answers of people that the model learned from. `model` is the digest of the weights, `data` that of what was compared. A
    running one that was not `seen_at` for a minute has died. A `dry` one changes nothing: it counts what it would do, and
    `foreseen` has the first of these pairs."""

    search_id: int
    state: SearchState
    stage: str
    started_by: str
    started_at: int
    seen_at: int
    ended_at: int | None = None
    rule_set: str = ""
    records: int = 0
    candidates: int = 0
    found: int = 0
    opened: int = 0
    labels: int = 0
    model: str = ""
    data: str = ""
    weights: Mapping[str, Mapping[str, int]] = {}
    failure: str = ""
    merged: int = 0
    dry: bool = False
    foreseen: tuple[Foreseen, ...] = ()


class StartSearch(Command[Search | Refused], frozen=True):
    """Refused while another search runs, in whichever gateway."""

    caller: Caller
    rule_set: str
    dry: bool = False


class NoteSearch(Command[Done | Refused], frozen=True):
    """The search goes on; `search` has what is known by now."""

    search: Search


class EndSearch(Command[Done | Refused], frozen=True):
    caller: Caller
    search: Search


class Suggest(Command[Done], frozen=True):
    """Ask about two records. `Done.changed` is False if they are on one profile now, are pinned apart, or were asked about with all
    of this evidence before. `suggestion.review_id` is not known yet."""

    caller: Caller
    suggestion: Suggestion
    reason: str
    types: tuple[str, ...]


class MergeScored(Command[Done], frozen=True):
    """Join two records' profiles without a question, because the model is certain enough. If something stands against it by now, it
    is asked about instead, as `Suggest` does. `version` is that of the rules that allow it."""

    question: Suggest
    version: str
    model: str
    data: str
