"""Achievements from the report to the grant: dedup windows, idempotent answers, the ledger and its sums."""

from gateway.ids import Ids
from gateway.model import Achievement, AnswerOf, Dedup, Due, LedgerEntry, StoredAnswer
from gateway.workingset.batch_context import BatchContext
from gateway.workingset.collection import Collection, Of, Written

WindowKey = tuple[int, int]
"""A profile and a campaign."""
AnswerKey = tuple[str, str, str]
"""A channel, a route, and the client's token."""
DueWanted = tuple[int, frozenset[str]]
"""The most that are wanted, and the parts of `tags`, `score` and `attributes` that are looked up with their profiles."""


class Achievements(BatchContext):
    """`balances` are points by profile, loaded with it; `points` are by record, for the profiles in `counted`. `budgets` are the
    points spent by campaign."""

    achievements = Of(Collection[int, Achievement | None])
    due = Of(Collection[DueWanted, list[Due]])
    windows = Of(Collection[WindowKey, Dedup | None])
    answers = Of(Collection[AnswerKey, StoredAnswer | None])
    answers_of = Of(Written[int, AnswerOf])
    ledger = Of(Written[int, LedgerEntry])
    budgets = Of(Collection[int, int])
    balances = Of(Collection[int, int])
    counted = Of(Collection[int, bool])

    def __init__(self, now: int, ids: Ids, *, stamp: int | None = None) -> None:
        super().__init__(now, ids, stamp=stamp)
        self.points: dict[int, int] = {}

    def balance(self, profile_id: int) -> int:
        return self.balances.held[profile_id]

    def accept(self, achievement: Achievement) -> None:
        self.achievements.add(achievement.achievement_id, achievement)

    def decide(self, achievement: Achievement) -> None:
        """Keep an achievement's new state. The save is fenced by its epoch, which it increments."""
        self.achievements.keep(achievement.achievement_id, achievement)

    def enter(self, entry: LedgerEntry) -> None:
        self.ledger.add(entry.entry_id, entry)

    def spend(self, campaign_id: int, points: int) -> None:
        self.budgets.keep(campaign_id, self.budgets[campaign_id] + points)

    def set_window(self, profile_id: int, campaign_id: int, window: Dedup) -> None:
        self.windows.keep((profile_id, campaign_id), window)

    def drop_window(self, profile_id: int, campaign_id: int) -> None:
        self.windows.remove((profile_id, campaign_id), None)

    def keep_answer(self, key: AnswerKey, answer: StoredAnswer, achievement_id: int) -> None:
        """`achievement_id` is what was answered; an erasure finds the answer by it."""
        self.answers.keep(key, answer)
        self.answers_of.keep(achievement_id, AnswerOf(achievement_id, *key, answer.expires_at))
