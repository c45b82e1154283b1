"""Reviews: questions that an operator answers."""

from dataclasses import dataclass
from typing import Literal

from gateway.model.caller import Caller
from gateway.model.command import Command, Done, Refused
from gateway.model.merges import Shaped

ReviewState = Literal["open", "accepted", "rejected", "stale"]


@dataclass(slots=True)
class ReviewItem:
    """An open or answered question. Most are about an unordered pair of profiles, `profile_a < profile_b`: are they one, or
    (`split:contested`) which side owns the keys that both hold? One with `records` is about one profile, which is both a and b:
    should these records leave it? `evidence` are the rules (`rule:<name>`) and types that supported it so far, the newest of
    them at `evidence_at`. `points` are those of both sides, as of then or as housekeeping counted them since. `made` is the merge
    that a yes made; of a question about `records`, the profile on the other side of the split. Of a no it is the split that keeps
    the two apart. `pins` are the pairs of records that the answer pinned. `merge_id` is the merge that closed the question, or
    asked it."""

    review_id: int
    profile_a: int
    profile_b: int
    state: ReviewState
    reason: str
    rule: str
    types: tuple[str, ...]
    opened_at: int
    closed_at: int | None = None
    closed_by: str = ""
    records: tuple[int, ...] = ()
    evidence: frozenset[str] = frozenset()
    made: int | None = None
    evidence_at: int = 0
    points: int = 0
    pins: tuple[tuple[int, int], ...] = ()
    merge_id: int | None = None


def is_answered(item: ReviewItem) -> bool:
    """Whether a person's answer closed it, and not the merge of its two profiles."""
    return item.state in ("accepted", "rejected") and not item.closed_by.startswith("merge:")


class AnswerReview(Command[Done | Shaped | Refused], frozen=True):
    """Accept joins the two profiles, reject pins them apart."""

    caller: Caller
    review_id: int
    accept: bool
    reason: str


class UndoAnswer(Command[Shaped | Refused], frozen=True):
    """Take back a person's answer: what it did is undone, and the question is open again."""

    caller: Caller
    review_id: int
    reason: str


class CloseStaleReviews(Command[Done], frozen=True):
    """Close these questions if they are still open and older than the rules allow."""

    caller: Caller
    reviews: tuple[int, ...]
