"""Reviews: the questions that operators answer."""

from gateway.ids import Ids
from gateway.model import ReviewItem, ReviewState
from gateway.workingset.achievements import Achievements
from gateway.workingset.collection import Collection, Of
from gateway.workingset.pins import Pair
from rules.record import Profile


class Reviews(Achievements):
    """Reviews are loaded with the profiles that they are about. `reviews` are the questions by their pair of profiles; `leaving`
    are, by profile, the questions whether some of its records should leave it."""

    review_items = Of(Collection[int, ReviewItem | None])

    def __init__(self, now: int, ids: Ids, *, stamp: int | None = None) -> None:
        super().__init__(now, ids, stamp=stamp)
        self.reviews: dict[Pair, ReviewItem] = {}
        self.leaving: dict[int, list[ReviewItem]] = {}
        self.opened: list[ReviewItem] = []

    def know_review(self, item: ReviewItem) -> None:
        """Note a question, unless it is known."""
        if not item.records:
            self.review_items.put(
                item.review_id, self.reviews.setdefault((item.profile_a, item.profile_b), item)
            )
        elif item.review_id not in self.review_items or self.review_items[item.review_id] is None:
            self.review_items.put(item.review_id, item)
            self.leaving.setdefault(item.profile_a, []).append(item)

    def keep_review(self, item: ReviewItem) -> None:
        """A new question."""
        self.know_review(item)
        self.note_evidence(item)
        self.opened.append(item)

    def note_evidence(self, item: ReviewItem) -> None:
        """There is evidence that was not there before. Points of a side that is not loaded are counted later."""
        item.evidence_at = self.now
        item.points = sum(self.balances.held.get(one, 0) for one in {item.profile_a, item.profile_b})
        self.touch_review(item)

    def touch_review(self, item: ReviewItem) -> None:
        self.review_items.keep(item.review_id, item)

    def reopen_review(self, item: ReviewItem) -> None:
        item.opened_at = self.now
        self.note_evidence(item)
        self.open_again(item)

    def open_again(self, item: ReviewItem) -> None:
        """As it was before it was closed."""
        item.state, item.closed_at, item.closed_by = "open", None, ""
        item.made, item.pins, item.merge_id = None, (), None
        self.opened.append(item)
        self.touch_review(item)

    def ask_again(self, item: ReviewItem, reason: str, rule: str, types: tuple[str, ...]) -> None:
        """Open an earlier question about a pair again, with another reason."""
        item.reason, item.rule, item.types = reason, rule, types
        self.reopen_review(item)

    def close_review(
        self, item: ReviewItem, state: ReviewState, by: str, *, merge_id: int | None = None
    ) -> None:
        """`merge_id`: the merge that closes it."""
        item.state, item.closed_at, item.closed_by, item.merge_id = state, self.now, by, merge_id
        self.touch_review(item)

    def asked_by_merge(self, item: ReviewItem, merge_id: int) -> None:
        item.merge_id = merge_id
        self.touch_review(item)

    def pass_on_leave_question(self, item: ReviewItem, profile: Profile) -> None:
        """The records are on this profile now."""
        if item.profile_a != profile.profile_id:
            self.leaving[item.profile_a].remove(item)
            item.profile_a = item.profile_b = profile.profile_id
            self.leaving.setdefault(profile.profile_id, []).append(item)
            self.touch_review(item)
