"""Applies the rules' partition to one component of a regrouping: splits and joins profiles, and opens and closes questions."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from gateway.audit.event import Action
from gateway.ids import show
from gateway.model import NEAR, SUGGESTED, Regroup, ReviewItem
from gateway.usecases.detach import REGROUP, detach_records, note_split
from gateway.usecases.merge import CONTESTED, join, open_review
from gateway.usecases.ownership import assign_owners
from gateway.usecases.regroup_component import Component, grouped
from gateway.usecases.split import TAKEN_APART
from rules.batch.partition import Edge, RefusedEdge
from rules.batch.pieces import Piece
from rules.decision import ReviewProposal
from rules.record import Profile
from rules.survivor import survivor

_WITHOUT_OWNER = ("unblocked", "erased")
"""Causes that leave a value without an owner although it can match."""
_OF_REQUESTS = ("conflict:max_profiles_at_once", "conflict:cannot", "conflict:never")
_LIMITS = (
    "max_profiles_at_once",
    "max_records",
    "ids_per_profile",
    "max_per_profile",
    "protect_balance_over",
)


PARTS_AT_ONCE = 200
"""The most parts that leave a profile in one transaction, apart from those that other profiles wait for."""


@dataclass(slots=True)
class Counts:
    """Counted as in a plan. `unfinished`: more parts have to leave, so the component is regrouped again."""

    merged: int = 0
    split: int = 0
    asked: int = 0
    points: int = 0
    skipped: int = 0
    unfinished: bool = False


class ComponentUpdate:
    """Changes one component. `apply` is called once."""

    def __init__(self, component: Component, command: Regroup) -> None:
        self.component, self.run, self.ws = component, component.run, component.ws
        self.rules = component.env.rules
        self.caller = command.caller
        self.groups = grouped(component.found, "group")
        self.main = {piece.profile_id: piece for piece in component.found if piece.is_main}
        self.records = {record_id for one in component.core for record_id in self.ws.profiles[one].records}
        self.held: set[int] = set()
        self.merging: set[int] = set()
        self.counts = Counts()

    def apply(self) -> Counts:
        for profile_id, found in self.component.by_profile.items():
            if len(found) > 1:
                self._split(self.ws.profiles[profile_id], found)
            if self.counts.unfinished:
                return self._counted()
        for group, found in self.groups.items():
            if len(found) > 1 and group not in self.held and not self._is_asked(found):
                self._join(found)
        if self.run.scope == "rules" or self.run.cause in _WITHOUT_OWNER or self.merging or self.counts.split:
            assign_owners(self._profiles(), self.component.states, self.ws, self.component.env)
        self._ask()
        return self._counted()

    def _counted(self) -> Counts:
        self.counts.merged = len(self.merging)
        moved = [piece for piece in self.component.found if self._home(piece.records[0]) != piece.profile_id]
        self.counts.points = sum(abs(piece.points) for piece in moved)
        return self.counts

    def _home(self, record_id: int) -> int:
        return self.ws.by_record_id[record_id].profile_id

    def _profiles(self) -> list[Profile]:
        """The live profiles of the component at this point."""
        return [self.ws.profiles[home] for home in sorted({self._home(one) for one in self.records})]

    # ---- splitting ----

    def _split(self, profile: Profile, found: Sequence[Piece]) -> None:
        main = self.main[profile.profile_id]
        others = sorted((piece for piece in found if piece != main), key=lambda piece: piece.records)
        if self.rules.conflict.resplit == "auto" or self.run.cause == TAKEN_APART:
            alone = [piece for piece in others if len(self.groups[piece.group]) == 1]
            self.counts.unfinished = len(alone) > PARTS_AT_ONCE
            self._detach(profile, alone[:PARTS_AT_ONCE] if self.counts.unfinished else others)
            return
        self.held |= {piece.group for piece in found}
        if self.rules.conflict.resplit == "review":
            self._ask_to_leave(profile, main, others)

    def _detach(self, profile: Profile, others: Iterable[Piece]) -> None:
        parts = [
            detach_records(profile, frozenset(piece.records), self.ws, self.component.env)[0]
            for piece in others
        ]
        note_split(profile, parts, self.caller, REGROUP, self.run.cause, self.ws, self.component.env)
        for side in (profile, *parts):
            self.ws.balances.put(side.profile_id, sum(self.ws.points.get(one, 0) for one in side.records))
        self.counts.split += not self.counts.unfinished

    def _ask_to_leave(self, profile: Profile, main: Piece, others: Iterable[Piece]) -> None:
        """One question a part. Questions about other records are closed."""
        known = {frozenset(item.records): item for item in self.ws.leave_questions(profile.profile_id)}
        for piece in others:
            if known.pop(frozenset(piece.records), None) is None:
                self._open_leave_question(profile, main, piece)
        for item in known.values():
            self.ws.close_review(item, "stale", self._by())

    def _open_leave_question(self, profile: Profile, main: Piece, piece: Piece) -> None:
        why = self._between(main, piece)
        rule, types = (why.rule, why.types) if why else ("", (self.run.type,) if self.run.type else ())
        item = ReviewItem(
            self.ws.next_id(),
            profile.profile_id,
            profile.profile_id,
            "open",
            f"resplit:{why.guard if why else self.run.cause if self.run.scope == 'value' else 'no_rule'}",
            rule,
            types,
            self.ws.now,
            records=piece.records,
        )
        self.ws.keep_review(item)
        self.counts.asked += 1
        self._note_question(item)

    def _between(self, main: Piece, piece: Piece) -> RefusedEdge | None:
        for refused in self.component.after.refused:
            sides = {refused.record_a, refused.record_b}
            if sides & set(main.records) and sides & set(piece.records):
                return refused
        return None

    # ---- joining ----

    def _is_asked(self, found: Collection[Piece]) -> bool:
        """Whether an open question that the definition does not know keeps the profiles apart. New rules join them anyway, as
        their plan says."""
        homes = {self._home(piece.records[0]) for piece in found}
        return any(self._stands(item) and homes.issuperset(pair) for pair, item in self.ws.reviews.items())

    def _stands(self, item: ReviewItem) -> bool:
        """Whether only a request can have raised this open question, under these rules and pins."""
        if self.run.scope == "rules" or item.state != "open":
            return False
        if item.reason == "conflict:cannot" and not self._is_pinned_apart:
            return False
        return item.reason.startswith(_OF_REQUESTS)

    @cached_property
    def _is_pinned_apart(self) -> bool:
        return any(p.kind == "cannot" and p.is_in_force(self.ws.now) for p in self.ws.pins(self.records))

    def _join(self, found: Collection[Piece]) -> None:
        candidates = [piece for piece in found if piece.lives_as] or found
        winner = survivor(self.rules, [self.ws.profiles[self._home(one.records[0])] for one in candidates])
        homes = {self._home(piece.records[0]) for piece in found} - {winner.profile_id}
        for home in sorted(homes):
            self._absorb(winner, self.ws.profiles[home])
        self.ws.touch_profile(winner)
        self.merging.update(piece.profile_id for piece in found)

    def _absorb(self, winner: Profile, loser: Profile) -> None:
        edge = self._edge(loser)
        row = join(self.ws, winner, loser, self.caller, rule=edge.rule, rules=self.rules)
        self.ws.record_event(
            Action.IDENTITY_MERGED,
            outcome="merged",
            actor=self.caller.actor,
            profile=show("prf", winner.profile_id),
            subject=show("mrg", row.merge_id),
            request_id=self.caller.request_id,
            reason=f"rule:{edge.rule}",
            detail={
                "absorbed": [show("prf", loser.profile_id)],
                "rule": edge.rule,
                "rule_set": self.rules.sha256[:16],
                "cause": self.run.cause,
            },
        )

    def _edge(self, loser: Profile) -> Edge:
        """The first edge that joins the profile's records to others."""
        return next(
            edge
            for edge in self.component.after.joined
            if (edge.record_a in loser.records) != (edge.record_b in loser.records)
        )

    # ---- questions for an operator ----

    def _ask(self) -> None:
        asked: set[tuple[int, ...]] = set()
        for refused in self.component.after.refused:
            pair = tuple(sorted({self._home(refused.record_a), self._home(refused.record_b)}))
            if refused.asks and len(pair) == 2 and self._concerns(refused):
                asked.add(pair)
                if open_review(self.ws, self.rules, _proposal(refused, pair)):
                    self.counts.asked += 1
                    self._note_question(self.ws.reviews[pair[0], pair[1]])
        self._drop_questions(asked)

    def _concerns(self, refused: RefusedEdge) -> bool:
        """Whether the question is about this component, not about others around it."""
        return not self.records.isdisjoint((refused.record_a, refused.record_b))

    def _drop_questions(self, asked: Collection[tuple[int, ...]]) -> None:
        """Close the questions that the rules do not ask any more."""
        profiles = {profile.profile_id for profile in self._profiles()}
        for pair, item in self.ws.reviews.items():
            asked_by_rules = item.reason != CONTESTED and not item.reason.startswith((SUGGESTED, NEAR))
            ours = item.state == "open" and asked_by_rules and profiles.intersection(pair)
            if ours and pair not in asked and not self._stands(item) and self._was_looked_at(pair):
                self.ws.close_review(item, "stale", self._by())
        parted = {profile_id for profile_id, found in self.component.by_profile.items() if len(found) > 1}
        for profile_id in profiles - parted:
            for item in self.ws.leave_questions(profile_id):
                self.ws.close_review(item, "stale", self._by())

    def _was_looked_at(self, pair: tuple[int, int]) -> bool:
        whole = self.component.core | self.component.around
        return not self.component.leaves_out or whole.issuperset(pair)

    def _by(self) -> str:
        return f"regroup:{self.run.cause}"

    def _note_question(self, item: ReviewItem) -> None:
        self.ws.record_event(
            Action.IDENTITY_REVIEW,
            outcome="review",
            actor=self.caller.actor,
            profile=show("prf", item.profile_a),
            subject=show("rev", item.review_id),
            request_id=self.caller.request_id,
            reason=item.reason,
            detail={
                "cause": self.run.cause,
                "records": [show("rec", one) for one in item.records],
                "rule": item.rule,
                "rule_set": self.rules.sha256[:16],
            },
        )


def _proposal(refused: RefusedEdge, pair: tuple[int, ...]) -> ReviewProposal:
    limit = refused.guard.partition(":")[0] in _LIMITS
    reason = f"conflict:{refused.guard}" if limit else f"rule:{refused.rule}"
    return ReviewProposal(pair[0], pair[1], reason, refused.rule, refused.types)
