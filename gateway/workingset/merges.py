"""What was decided about profiles: merges, pins, and the questions that people answer."""

from collections.abc import Iterable

from gateway.ids import Ids
from gateway.model import MergeRow, PinRow, ReviewItem, ReviewState
from gateway.workingset.collection import Collection, Of
from gateway.workingset.moment import Moment
from rules.record import Pin, Profile

Pair = tuple[int, int]
"""Two records, or two profiles, the smaller id first."""


class Merges(Moment):
    """Pins and reviews are loaded with the profiles that they are about. `pinned` are the pairs by each of their records;
    `reviews` are the questions by their pair of profiles, `leaving` those whether records should leave a profile, by it.
    `absorptions` are, by profile, the merges that absorbed what redirects to it today."""

    merges = Of(Collection[int, MergeRow | None])
    absorptions = Of(Collection[int, list[MergeRow]])
    all_pins = Of(Collection[Pair, PinRow | None])
    review_items = Of(Collection[int, ReviewItem | None])

    def __init__(self, now: int, ids: Ids, *, stamp: int | None = None) -> None:
        super().__init__(now, ids, stamp=stamp)
        self.pinned: dict[int, list[Pair]] = {}
        self.reviews: dict[Pair, ReviewItem] = {}
        self.leaving: dict[int, list[ReviewItem]] = {}
        self.merged: list[MergeRow] = []
        self.opened: list[ReviewItem] = []

    # ---- merges ----

    def add_merge(self, row: MergeRow) -> None:
        self.merges.add(row.merge_id, row)
        self.merged.append(row)

    # ---- pins ----

    def pins(self, record_ids: Iterable[int]) -> Iterable[Pin]:
        """Those that stand, each once."""
        pairs = dict.fromkeys(pair for one in record_ids for pair in self.pinned.get(one, ()))
        return [pin for pair in pairs if (pin := self.all_pins[pair]) is not None]

    @property
    def standing_pins(self) -> list[PinRow]:
        """Whatever was loaded of them and was not lifted."""
        return [pin for pin in self.all_pins.values() if pin is not None]

    def know_pin(self, pin: PinRow) -> None:
        """One more pin is in the map, unless the pair had one."""
        pair = pin.record_a, pin.record_b
        if pair not in self.all_pins:
            self._put_pin(pair, pin)

    def _put_pin(self, pair: Pair, pin: PinRow) -> None:
        self.all_pins.put(pair, pin)
        for record_id in pair:
            self.pinned.setdefault(record_id, []).append(pair)

    def set_pin(self, pin: PinRow) -> None:
        self.know_pin(pin)
        self.all_pins.keep((pin.record_a, pin.record_b), pin)

    def drop_pin(self, pin: PinRow) -> None:
        self.all_pins.remove((pin.record_a, pin.record_b), None)

    # ---- reviews ----

    def know_review(self, item: ReviewItem) -> None:
        """One more question is in the map, unless it was."""
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
        self.touch_review(item)
        self.opened.append(item)

    def touch_review(self, item: ReviewItem) -> None:
        self.review_items.keep(item.review_id, item)

    def reopen_review(self, item: ReviewItem) -> None:
        item.state, item.opened_at, item.closed_at, item.closed_by = "open", self.now, None, ""
        self.opened.append(item)
        self.touch_review(item)

    def ask_anew(self, item: ReviewItem, reason: str, rule: str, types: tuple[str, ...]) -> None:
        """Another question about a pair of which something was asked before."""
        item.reason, item.rule, item.types = reason, rule, types
        self.reopen_review(item)

    def close_review(self, item: ReviewItem, state: ReviewState, by: str) -> None:
        item.state, item.closed_at, item.closed_by = state, self.now, by
        self.touch_review(item)

    def leave_questions(self, profile_id: int) -> list[ReviewItem]:
        """The open questions whether records should leave this profile."""
        return [item for item in self.leaving.get(profile_id, ()) if item.state == "open"]

    def pass_on_leave_questions(self, loser: Profile, winner: Profile) -> None:
        """What was asked about a profile is asked about the one that absorbed it."""
        for item in self.leave_questions(loser.profile_id):
            self.pass_on_leave_question(item, winner)
        self.leaving.pop(loser.profile_id, None)

    def pass_on_leave_question(self, item: ReviewItem, profile: Profile) -> None:
        """The records are on this profile now."""
        if item.profile_a != profile.profile_id:
            self.leaving[item.profile_a].remove(item)
            item.profile_a = item.profile_b = profile.profile_id
            self.leaving.setdefault(profile.profile_id, []).append(item)
            self.touch_review(item)
