"""One step of a job: the change of one of its things, the same that an operator makes to a single one. What no longer waits for it
is passed over: others dealt with it."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from gateway.model import (
    AnswerReview,
    AnyCommand,
    Caller,
    DiscardDelivery,
    Filter,
    JobKind,
    Refused,
    RetryAchievement,
    RetryDelivery,
    ReviewItem,
    Step,
    UndoMerge,
)
from gateway.usecases import deliver, grant, review, split
from gateway.usecases.env import Env
from gateway.usecases.merge import POINTS, is_about_points, wants_of_live
from gateway.workingset import WorkingSet

Collected = Literal["merges", "review_items", "deliveries", "achievements"]


class Kind(NamedTuple):
    """How one thing is changed, the collection that it is in, and whether it still waits for the change: it did at that moment."""

    wants: Callable[[Any, WorkingSet, Env], bool]
    change: Callable[[Any, WorkingSet, Env], Any]
    collection: Collected
    waits: Callable[[Any, Filter, int], bool]


def _stands(merge: Any, chosen: Filter, since: int) -> bool:
    return merge.undone_at is None


def _is_open(item: ReviewItem, chosen: Filter, since: int) -> bool:
    """It is not one that was closed and opened again."""
    return item.state == "open" and item.opened_at <= since


def _is_stuck(delivery: Any, chosen: Filter, since: int) -> bool:
    return delivery.state == chosen["state"] and (delivery.finished_at or 0) <= since


def _is_decided(achievement: Any, chosen: Filter, since: int) -> bool:
    return achievement.state == chosen["state"] and (achievement.decided_at or 0) <= since


_ANSWER = Kind(review.wants, review.answer, "review_items", _is_open)
KINDS: dict[JobKind, Kind] = {
    "undo_merges": Kind(split.wants_of_undo, split.undo, "merges", _stands),
    "accept_reviews": _ANSWER,
    "reject_reviews": _ANSWER,
    "retry_deliveries": Kind(deliver.wants_of_operator, deliver.retry, "deliveries", _is_stuck),
    "discard_deliveries": Kind(deliver.wants_of_operator, deliver.discard, "deliveries", _is_stuck),
    "retry_achievements": Kind(grant.wants_of_retry, grant.retry, "achievements", _is_decided),
}


class Task(NamedTuple):
    """What a job does to each item that matched its filter at the moment `since`."""

    caller: Caller
    kind: JobKind
    filter: Filter
    reason: str
    since: int

    def command(self, item: int) -> AnyCommand:
        match self.kind:
            case "undo_merges":
                return UndoMerge(self.caller, item, self.reason)
            case "accept_reviews" | "reject_reviews":
                return AnswerReview(self.caller, item, self.kind == "accept_reviews", self.reason)
            case "retry_deliveries":
                return RetryDelivery(self.caller, item)
            case "discard_deliveries":
                return DiscardDelivery(self.caller, item)
            case "retry_achievements":
                return RetryAchievement(self.caller, item)


def wants_of_step(task: Task, item: int, ws: WorkingSet, env: Env) -> bool:
    if not KINDS[task.kind].wants(task.command(item), ws, env):
        return False
    return "id_space" not in task.filter or _wants_of_others(item, ws)


def _wants_of_others(review_id: int, ws: WorkingSet) -> bool:
    """The profiles of the questions that the answer may close. They are known once the two profiles are loaded."""
    item = ws.review_items[review_id]
    if item is None:
        return True
    sides = (ws.redirects[item.profile_a], ws.redirects[item.profile_b])
    if any(side is not None and side not in ws.profiles for side in sides):
        return False
    profiles = [one for other in _beside(review_id, ws) for one in (other.profile_a, other.profile_b)]
    return wants_of_live(tuple(profiles), ws)


def step(task: Task, item: int, ws: WorkingSet, env: Env) -> Step:
    kind = KINDS[task.kind]
    found = getattr(ws, kind.collection)[item]
    if found is None or not kind.waits(found, task.filter, task.since):
        return Step("passed")
    others = _other_questions(task, item, ws) if kind.collection == "review_items" else []
    outcome = kind.change(task.command(item), ws, env)
    if isinstance(outcome, Refused):
        return Step("refused", outcome.code, outcome.message)
    if not outcome.changed:
        return Step("passed")
    return Step("done", closed=sum(other.state != "open" for other in others))


def _other_questions(task: Task, item: int, ws: WorkingSet) -> list[ReviewItem]:
    """The questions of the job that it has not come to and that this answer may close."""
    return [
        other
        for other in _beside(item, ws)
        if other.review_id < item
        and _is_open(other, task.filter, task.since)
        and _matches(other, task.filter, ws)
    ]


def _beside(item: int, ws: WorkingSet) -> list[ReviewItem]:
    """Other questions about one of the two profiles of this one."""
    asked = ws.review_items[item]
    assert asked is not None  # noqa: S101 - the callers looked
    sides = {ws.redirects[asked.profile_a], ws.redirects[asked.profile_b]}
    found = (other for other in ws.review_items.values() if other is not None and other is not asked)
    return [other for other in found if not sides.isdisjoint((other.profile_a, other.profile_b))]


def _matches(item: ReviewItem, chosen: Filter, ws: WorkingSet) -> bool:
    """As the query of the list decides it (`gateway.store.queries.reviews`)."""
    reason = POINTS.removesuffix(":") if is_about_points(item) else item.reason
    return (
        chosen.get("rule", item.rule) == item.rule
        and chosen.get("reason", reason) == reason
        and int(chosen.get("since", 0)) <= item.opened_at < int(chosen.get("until", item.opened_at + 1))
        and ("id_space" not in chosen or chosen["id_space"] in _id_spaces(item, ws))
    )


def _id_spaces(item: ReviewItem, ws: WorkingSet) -> set[str]:
    """A profile that was absorbed has no records of its own."""
    sides = [one for one in (item.profile_a, item.profile_b) if ws.redirects[one] == one]
    return {record.id_space for one in sides for record in ws.profile(one).records.values()}
