"""REGROUP: profiles become what the rules make of their records now, by the definition (`rules.batch.partition`).

It follows what cannot be decided call by call: a value that turned out to belong to many people, or new rules over
everybody who is known. Parts come apart first, as `conflict.resplit` says, then what belongs together is joined, and what
a person has to decide is asked. Pins outrank all of it. A component is done whole or not at all; doing it again changes
nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from msgspec.structs import replace

from gateway.audit.event import Action
from gateway.clock import SECOND
from gateway.ids import show
from gateway.model import Outcome, Refused, Regroup, Regrouped, Regrouping, ReviewItem
from gateway.usecases.component import (
    Gathering,
    LeftAlone,
    Powers,
    TooLarge,
    crowded,
    powerless,
    seen_by_rules,
)
from gateway.usecases.env import Env
from gateway.usecases.merge import CONTESTED, join, open_review
from gateway.usecases.observe import attributes_of_records, pseudonym
from gateway.usecases.ownership import settle
from gateway.usecases.parting import note_parting, take_out, wants_of_parting
from gateway.workingset import NotLoaded, WorkingSet
from rules.batch.partition import Edge, Partition, Refusal, partition
from rules.batch.pieces import Piece, pieces
from rules.decision import ReviewProposal
from rules.identifier import Identifier
from rules.record import Profile
from rules.survivor import survivor

_LEASE = 30 * SECOND
_WITHOUT_OWNER = ("unblocked", "erased")
"""Causes that leave a value of power with nobody to own it."""
_OF_REQUESTS = ("conflict:max_profiles_at_once", "conflict:cannot", "conflict:never")
_COUNTED = ("merged", "split", "asked", "points", "skipped")
_LIMITS = ("max_records", "ids_per_profile", "max_per_profile", "protect_balance_over")


def wants(command: Regroup, ws: WorkingSet, env: Env) -> bool:
    if not ws.regroupings.want(command.regrouping_id):
        return False
    run = ws.regroupings[command.regrouping_id]
    if run is None or not _may_begin(command, run, ws, env):
        return True
    loaded = [look.wants() for look in _looks(command, run, ws, env)]
    return all(loaded)


def regroup(command: Regroup, ws: WorkingSet, env: Env) -> Outcome:
    """Look at the next profiles. Who comes too late, or while another process works on it, changes nothing."""
    run = ws.regroupings[command.regrouping_id]
    if run is None or run.finished_at is not None:
        return Refused("regrouping_over", "There is no such regrouping any more.")
    if not _may_begin(command, run, ws, env):
        if run.cursor == command.after and run.scope == "rules" and run.rule_set != env.rules.sha256:
            return Regrouped(run, waits=True)
        return Refused("regrouping_taken", "Another process works on this regrouping.")
    after = replace(
        run,
        cursor=max((run.cursor, *command.profiles)),
        looked=run.looked + len(command.profiles),
        total=max(run.total, command.total),
        held_by=command.worker,
        held_until=ws.now + _LEASE,
    )
    if env.rules.mode == "enforce":
        skipped: list[_Look] = []
        for look in _looks(command, run, ws, env):
            counted = look.carry_out(command)
            after = _sum(after, counted)
            skipped += [look] if counted.skipped else []
        _note_skipped(skipped, command, ws)
    after = _keep(after, command, ws, finished=command.last or env.rules.mode != "enforce")
    return Regrouped(after, {name: getattr(after, name) - getattr(run, name) for name in _COUNTED})


def _may_begin(command: Regroup, run: Regrouping, ws: WorkingSet, env: Env) -> bool:
    if run.scope == "rules" and run.rule_set != env.rules.sha256:
        return False
    free = run.held_by in ("", command.worker) or not ws.now < run.held_until <= ws.now + 2 * _LEASE
    return run.finished_at is None and free and run.cursor == command.after


def _sum(run: Regrouping, counted: "_Counts") -> Regrouping:
    return replace(run, **{name: getattr(run, name) + getattr(counted, name) for name in _COUNTED})


def _keep(run: Regrouping, command: Regroup, ws: WorkingSet, *, finished: bool) -> Regrouping:
    if not finished:
        ws.keep_regrouping(run)
        return run
    run = replace(run, finished_at=ws.now, held_by="", held_until=0)
    if run.scope == "rules":
        ws.keep_regrouping(run)
    else:
        ws.forget_regrouping(run)
    counts = {name: getattr(run, name) for name in _COUNTED}
    if run.scope == "rules" or any(counts.values()):
        ws.record_event(
            Action.IDENTITY_REGROUPED,
            actor=command.caller.actor,
            request_id=command.caller.request_id,
            reason=run.cause,
            detail={"scope": run.scope, "type": run.type, "looked": run.looked} | counts,
        )
    return run


def _note_skipped(looks: Iterable["_Look"], command: Regroup, ws: WorkingSet) -> None:
    """One event for all that the same value holds together."""
    found: dict[tuple[str, Identifier | None], list[_Look]] = {}
    for look in looks:
        found.setdefault((look.why_skipped, look.most_held), []).append(look)
    for (why, value), same in found.items():
        profiles = sorted(frozenset[int]().union(*(look.skipped(command) for look in same)))
        held = pseudonym(value, same[0].env) | {"holders": ws.key(value).holders} if value else {}
        ws.record_event(
            Action.IDENTITY_SKIPPED,
            actor=command.caller.actor,
            profile=show("prf", profiles[0]),
            request_id=command.caller.request_id,
            reason=why,
            detail={"cause": same[0].run.cause, "profiles": [show("prf", one) for one in profiles], **held},
        )


@dataclass(slots=True)
class _Counts:
    """As a plan counts them."""

    merged: int = 0
    split: int = 0
    asked: int = 0
    points: int = 0
    skipped: int = 0


def _looks(command: Regroup, run: Regrouping, ws: WorkingSet, env: Env) -> "Iterator[_Look]":
    """One look for each component that these profiles are in."""
    seen: set[int] = set()
    powers = Powers(ws, env, anew=run.scope == "rules")
    for profile_id in command.profiles:
        if profile_id in seen or (
            profile_id in ws.profiles and ws.profiles[profile_id].redirect_to is not None
        ):
            continue
        look = _Look(run, ws, env, powers, profile_id)
        look.gather()
        seen |= look.core
        yield look


@dataclass
class _Look:
    """One component: `core` are its profiles, `around` those that a person could be asked about together with one of them, but
    where it `leaves_out` somebody because too many could be."""

    run: Regrouping
    ws: WorkingSet
    env: Env
    powers: Powers
    start: int
    core: frozenset[int] = frozenset()
    around: frozenset[int] = frozenset()
    leaves_out: bool = False
    complete: bool = False
    why_skipped: str = ""

    # ---- what must be loaded ----

    def gather(self) -> None:
        """Once it is complete it stays what it is: what is done to other components changes nothing of this one."""
        known = self.ws.components.get(self.start)
        if known is not None:
            (self.core, self.around, self.leaves_out), self.complete = known, True
            return
        gathering = Gathering(self.ws, self.env, self.powers)
        try:
            self.core = frozenset(gathering.component([self.start]))
            self.around = frozenset(gathering.component(gathering.asked_about(self.core))) - self.core
        except LeftAlone as left:
            self.core = self.core or frozenset(left.reached)
            self.why_skipped = "too_large" if isinstance(left, TooLarge) else "too_far"
        self.complete = gathering.complete and not self.why_skipped
        if self.complete:
            self.leaves_out = gathering.leaves_out
            self.ws.components[self.start] = self.core, self.around, self.leaves_out

    def wants(self) -> bool:
        """Ask for what the component's partition, and then what following it, needs. True: nothing more will be needed."""
        if self.why_skipped:
            return True
        if not self.complete:
            return False
        everybody = self.core | self.around
        profiles = [self.ws.profiles[profile_id] for profile_id in everybody]
        loaded = self.ws.counted.want_all(everybody)
        if self.env.policy.confirms:
            loaded &= self.ws.attributes.want_all(one for profile in profiles for one in profile.records)
        if not self.powers.wants_of_ages(profiles) or not loaded:
            return False
        broken = {piece.profile_id for piece in self.found if len(self.by_profile[piece.profile_id]) > 1}
        ready = [wants_of_parting(profile_id, self.ws, self.env) for profile_id in broken]
        return all(ready)

    # ---- what the rules make of it ----

    @cached_property
    def after(self) -> Partition:
        known = self.ws.partitions.get(self.start)
        if known is None:
            profiles = [self.ws.profiles[one] for one in sorted(self.core | self.around)]
            if sum(len(profile.records) for profile in profiles) == 1:
                return Partition((frozenset(profiles[0].records),), (), ())
            known = self.ws.partitions[self.start] = partition(
                seen_by_rules(profiles, self.powers),
                self.ws.standing_pins,
                self.env.policy,
                now=self.ws.now,
                balances=self.ws.points,
                generic=powerless(profiles, self.powers),
                crowded=crowded(profiles, self.powers),
                attributes=partial(attributes_of_records, self.ws) if self.env.policy.confirms else None,
            )
        return known

    @cached_property
    def found(self) -> list[Piece]:
        before = {profile_id: self.ws.profiles[profile_id].records for profile_id in self.core}
        return list(pieces(before, self.after.groups, self.ws.points, self._names()))

    def _names(self) -> dict[int, int]:
        """The profiles by the records that they are named after; also those that were absorbed by a profile that comes apart,
        once these are loaded."""
        ws = self.ws
        names = {ws.namesake(ws.profiles[profile_id]): profile_id for profile_id in self.core}
        for row in (row for one in self.core if one in ws.absorptions for row in ws.absorptions[one]):
            if row.absorbed_id in ws.profile_rows:
                names[ws.namesake_of(row)] = row.absorbed_id
        return names

    @cached_property
    def by_profile(self) -> dict[int, list[Piece]]:
        return _grouped(self.found, "profile_id")

    # ---- carrying it out ----

    def carry_out(self, command: Regroup) -> _Counts:
        """What is too large, or reaches too far, is left as it is."""
        if self.why_skipped:
            return _Counts(skipped=len(self.skipped(command)))
        if not self.complete:
            raise NotLoaded("components")
        return _Carrying(self, command).out() if self.core else _Counts()

    def skipped(self, command: Regroup) -> frozenset[int]:
        """The profiles in question here, should the component be left as it is."""
        return self.core.intersection(command.profiles)

    @property
    def most_held(self) -> Identifier | None:
        """Of the values with power in this component, as far as it was reached, the one that most records hold."""
        held = [
            (key.holders, key.identifier)
            for profile_id in self.core
            for record in self.ws.profiles[profile_id].records.values()
            for key in map(self.ws.key, record.observations)
            if key.state == "normal" and key.identifier.type in self.env.policy.key_types
        ]
        return max(held)[1] if held else None


def _grouped(found: Iterable[Piece], by: str) -> dict[int, list[Piece]]:
    grouped: defaultdict[int, list[Piece]] = defaultdict(list)
    for piece in found:
        grouped[getattr(piece, by)].append(piece)
    return dict(grouped)


class _Carrying:
    """One component becoming what the rules make of it."""

    def __init__(self, look: _Look, command: Regroup) -> None:
        self.look, self.run, self.ws, self.rules = look, look.run, look.ws, look.env.rules
        self.caller = command.caller
        self.main = {piece.profile_id: piece for piece in look.found if piece.is_main}
        self.records = {record_id for one in look.core for record_id in self.ws.profiles[one].records}
        self.held: set[int] = set()
        self.merging: set[int] = set()
        self.counts = _Counts()

    def out(self) -> _Counts:
        for profile_id, found in self.look.by_profile.items():
            if len(found) > 1:
                self._part(self.ws.profiles[profile_id], found)
        for group, found in _grouped(self.look.found, "group").items():
            if len(found) > 1 and group not in self.held and not self._is_asked(found):
                self._join(found)
        if self.run.scope == "rules" or self.run.cause in _WITHOUT_OWNER or self.merging or self.counts.split:
            settle(self._profiles(), self.look.powers, self.ws, self.look.env)
        self._ask()
        self.counts.merged = len(self.merging)
        moved = [piece for piece in self.look.found if self._home(piece.records[0]) != piece.profile_id]
        self.counts.points = sum(abs(piece.points) for piece in moved)
        return self.counts

    def _home(self, record_id: int) -> int:
        return self.ws.by_record_id[record_id].profile_id

    def _profiles(self) -> list[Profile]:
        """The live profiles of the component, as they are by now."""
        return [self.ws.profiles[home] for home in sorted({self._home(one) for one in self.records})]

    # ---- coming apart ----

    def _part(self, profile: Profile, found: Sequence[Piece]) -> None:
        main = self.main[profile.profile_id]
        others = sorted((piece for piece in found if piece != main), key=lambda piece: piece.records)
        if self.rules.conflict.resplit == "auto":
            self._take_apart(profile, main, others)
            return
        self.held |= {piece.group for piece in found}
        if self.rules.conflict.resplit == "review":
            self._ask_to_leave(profile, main, others)

    def _take_apart(self, profile: Profile, main: Piece, others: Iterable[Piece]) -> None:
        parts = [take_out(profile, frozenset(piece.records), self.ws, self.look.env)[0] for piece in others]
        note_parting(profile, parts, self.caller, "regroup", self.run.cause, self.ws, self.look.env)
        for side in (profile, *parts):
            self.ws.balances.put(side.profile_id, sum(self.ws.points.get(one, 0) for one in side.records))
        self.counts.split += 1

    def _ask_to_leave(self, profile: Profile, main: Piece, others: Iterable[Piece]) -> None:
        """One question a part. What was asked of other records before does not stand any more."""
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

    def _between(self, main: Piece, piece: Piece) -> Refusal | None:
        for refused in self.look.after.refused:
            sides = {refused.record_a, refused.record_b}
            if sides & set(main.records) and sides & set(piece.records):
                return refused
        return None

    # ---- coming together ----

    def _is_asked(self, found: Collection[Piece]) -> bool:
        """An open question that the definition does not know is why the profiles are not one; new rules join them all the same,
        as their plan says."""
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
        """The first edge by which the profile's records belong to others."""
        return next(
            edge
            for edge in self.look.after.joined
            if (edge.record_a in loser.records) != (edge.record_b in loser.records)
        )

    # ---- what a person is asked ----

    def _ask(self) -> None:
        asked: set[tuple[int, ...]] = set()
        for refused in self.look.after.refused:
            pair = tuple(sorted({self._home(refused.record_a), self._home(refused.record_b)}))
            if refused.asks and len(pair) == 2 and self._concerns(refused):
                asked.add(pair)
                if open_review(self.ws, self.rules, _proposal(refused, pair)):
                    self.counts.asked += 1
                    self._note_question(self.ws.reviews[pair[0], pair[1]])
        self._drop_questions(asked)

    def _concerns(self, refused: Refusal) -> bool:
        """Whether the question is this component's, not one between others around it."""
        return not self.records.isdisjoint((refused.record_a, refused.record_b))

    def _drop_questions(self, asked: Collection[tuple[int, ...]]) -> None:
        """What the rules do not ask any more."""
        profiles = {profile.profile_id for profile in self._profiles()}
        for pair, item in self.ws.reviews.items():
            ours = item.state == "open" and item.reason != CONTESTED and profiles.intersection(pair)
            if ours and pair not in asked and not self._stands(item) and self._was_looked_at(pair):
                self.ws.close_review(item, "stale", self._by())
        parted = {profile_id for profile_id, found in self.look.by_profile.items() if len(found) > 1}
        for profile_id in profiles - parted:
            for item in self.ws.leave_questions(profile_id):
                self.ws.close_review(item, "stale", self._by())

    def _was_looked_at(self, pair: tuple[int, int]) -> bool:
        everybody = self.look.core | self.look.around
        return not self.look.leaves_out or everybody.issuperset(pair)

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
            detail={"cause": self.run.cause, "records": [show("rec", one) for one in item.records]},
        )


def _proposal(refused: Refusal, pair: tuple[int, ...]) -> ReviewProposal:
    limit = refused.guard.partition(":")[0] in _LIMITS
    reason = f"conflict:{refused.guard}" if limit else f"rule:{refused.rule}"
    return ReviewProposal(pair[0], pair[1], reason, refused.rule, refused.types)
