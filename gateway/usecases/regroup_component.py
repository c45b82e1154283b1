"""One component of a regrouping: which profiles it has, and what the rules make of them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from gateway.model import Regroup, Regrouping
from gateway.usecases.component import (
    ComponentSkipped,
    Gathering,
    TooLarge,
    ValueStates,
    crowded,
    powerless,
    seen_by_rules,
)
from gateway.usecases.detach import wants_of_detach
from gateway.usecases.env import Env
from gateway.usecases.observe import stored_attributes
from gateway.workingset import WorkingSet
from rules.batch.partition import Partition, partition
from rules.batch.pieces import Piece, pieces
from rules.identifier import Identifier


@dataclass
class Component:
    """One component. `core` are its profiles; `around` those that a question could be about, together with one of them.
    `leaves_out`: some are missing there, because too many could be asked about."""

    run: Regrouping
    ws: WorkingSet
    env: Env
    states: ValueStates
    start: int
    core: frozenset[int] = frozenset()
    around: frozenset[int] = frozenset()
    leaves_out: bool = False
    complete: bool = False
    why_skipped: str = ""

    # ---- what must be loaded ----

    def gather(self) -> None:
        """Once the component is complete, changes to other components do not change it."""
        known = self.ws.components.get(self.start)
        if known is not None:
            (self.core, self.around, self.leaves_out), self.complete = known, True
            return
        gathering = Gathering(self.ws, self.env, self.states)
        try:
            self.core = frozenset(gathering.component([self.start]))
            self.around = frozenset(gathering.component(gathering.asked_about(self.core))) - self.core
        except ComponentSkipped as skipped:
            self.core = self.core or frozenset(skipped.reached)
            self.why_skipped = "too_large" if isinstance(skipped, TooLarge) else "too_far"
        self.complete = gathering.complete and not self.why_skipped
        if self.complete:
            self.leaves_out = gathering.leaves_out
            self.ws.components[self.start] = self.core, self.around, self.leaves_out

    def wants(self) -> bool:
        """Ask for what the component's partition needs, and then for what following it needs. True: nothing more will be needed."""
        if self.why_skipped:
            return True
        if not self.complete:
            return False
        whole = self.core | self.around
        profiles = [self.ws.profiles[profile_id] for profile_id in whole]
        loaded = self.ws.counted.want_all(whole)
        if self.env.policy.compares_attributes:
            loaded &= self.ws.attributes.want_all(one for profile in profiles for one in profile.records)
        if not self.states.wants_of_ages(profiles) or not loaded:
            return False
        broken = {piece.profile_id for piece in self.found if len(self.by_profile[piece.profile_id]) > 1}
        ready = [wants_of_detach(profile_id, self.ws, self.env) for profile_id in broken]
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
                seen_by_rules(profiles, self.states),
                self.ws.judgements,
                self.env.policy,
                now=self.ws.now,
                balances=self.ws.points,
                generic=powerless(profiles, self.states),
                crowded=crowded(profiles, self.states),
                attributes=stored_attributes(self.ws, self.env),
            )
        return known

    @cached_property
    def found(self) -> list[Piece]:
        before = {profile_id: self.ws.profiles[profile_id].records for profile_id in self.core}
        return list(pieces(before, self.after.groups, self.ws.points, self._names()))

    def _names(self) -> dict[int, int]:
        """The profiles by the records that they are named after, with those that were absorbed by a profile that is split, once
        these are loaded."""
        ws = self.ws
        names = {ws.named_after(ws.profiles[profile_id]): profile_id for profile_id in self.core}
        for row in (row for one in self.core if one in ws.absorptions for row in ws.absorptions[one]):
            if row.absorbed_id in ws.profile_rows:
                names[ws.absorbed_named_after(row)] = row.absorbed_id
        return names

    @cached_property
    def by_profile(self) -> dict[int, list[Piece]]:
        return grouped(self.found, "profile_id")

    def skipped(self, command: Regroup) -> frozenset[int]:
        """The profiles that are named if the component is left as it is."""
        return self.core.intersection(command.profiles)

    @property
    def most_held(self) -> Identifier | None:
        """The matching value that most records hold, among those of this component that were reached."""
        held = [
            (key.holders, key.identifier)
            for profile_id in self.core
            for record in self.ws.profiles[profile_id].records.values()
            for key in map(self.ws.key, record.observations)
            if key.state == "normal" and key.identifier.type in self.env.policy.key_types
        ]
        return max(held)[1] if held else None


def grouped(found: Iterable[Piece], by: str) -> dict[int, list[Piece]]:
    grouped: defaultdict[int, list[Piece]] = defaultdict(list)
    for piece in found:
        grouped[getattr(piece, by)].append(piece)
    return dict(grouped)
