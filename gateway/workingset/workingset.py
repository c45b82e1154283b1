"""What one batch may read and what it changed: one collection for each kind of thing, grouped by subject.

A use case asks the collections for what it needs. The store fills them, and saves what they changed. Nothing here awaits.
"""

from collections.abc import Callable

from gateway.audit.event import Action
from gateway.ids import Ids
from gateway.model import Erasure
from gateway.workingset.accounts import Accounts
from gateway.workingset.audit import Audit
from gateway.workingset.collection import Collection
from gateway.workingset.deliveries import Deliveries
from gateway.workingset.identity import Identity, RecordKey
from gateway.workingset.imports import Imports
from gateway.workingset.jobs import Jobs
from gateway.workingset.operators import Operators
from gateway.workingset.regrouping import Regroupings
from gateway.workingset.suggestions import Suggestions
from rules.identifier import Identifier

BOUND = frozenset(
    (
        *("records", "removed", "stored_profiles", "erased", "merges", "all_pins", "review_items"),
        *("splits", "split_sides"),
        *("ledger", "budgets", "channel_keys", "rule_sets", "activations", "operators"),
        "jobs",
    )
)
"""The collections with rows that the audit log vouches for."""


class WorkingSet(Identity, Deliveries, Imports, Regroupings, Suggestions, Jobs, Operators, Accounts, Audit):
    """The state as one batch sees it. `created`, `merged`, `opened` and `events` are the new profiles, merges, reviews and audit
    events, in order.

    `save` is called whenever a long batch ends a step; without it, everything is saved at the end.
    """

    def __init__(
        self,
        now: int,
        ids: Ids,
        save: "Callable[[WorkingSet], None] | None" = None,
        *,
        stamp: int | None = None,
    ) -> None:
        super().__init__(now, ids, stamp=stamp)
        self._save = save
        self._erased_before = False
        self._bound_before = False
        self._erasures_before: list[Erasure] = []
        self._changed_before: set[RecordKey | Identifier] = set()

    def wanting(self) -> list[str]:
        """The collections with keys that are still to be looked up."""
        return [name for name, one in self.collections.items() if one.wanted]

    def changed(self) -> list[str]:
        """The collections that changed since the last save."""
        return [name for name, one in self.collections.items() if one.added or one.changed or one.dropped]

    def end_step(self) -> None:
        """A long batch has nothing half done here, so its changes so far may be saved while it continues."""
        if self._save is not None:
            self._save(self)
            self._erased_before = self.erases
            self._changed_before |= super().changed_identities()
            self._erasures_before = self.every_erasure()
            self._bound_before = self._is_bound()
            self.new_events = []
            for one in self.collections.values():
                one.saved()

    def bind_rest(self) -> None:
        """At the end of a batch: rows that the log vouches for may have changed without an event, for example when a review is
        closed as stale. The next event's hash covers them, so the same transaction needs one."""
        if not self.events and self._is_bound():
            self.source = "gateway"
            self.record_event(Action.STATE_NOTED, actor="gateway")

    def give_up(self) -> None:
        """Save nothing of what was changed, and let nothing that was looked up be read any more: it is no longer as it is in the
        database."""
        for one in self.collections.values():
            one.saved()
            if isinstance(one, Collection):
                one.held.clear()
                one.absent.clear()
        for some in (self.events, self.new_events, self.created, self.merged, self.opened):
            some.clear()
        self.happened.clear()
        self.requested_regroupings.clear()

    def _is_bound(self) -> bool:
        return self._bound_before or not BOUND.isdisjoint(self.changed())

    @property
    def erases(self) -> bool:
        """Whether this batch erased a customer."""
        return self._erased_before or super().erases

    def every_erasure(self) -> list[Erasure]:
        """Those of this batch."""
        if "erasures" not in self.collections:
            return self._erasures_before
        return [*self._erasures_before, *self.erasures.added.values()]

    def changed_identities(self) -> set[RecordKey | Identifier]:
        """The records and keys that this batch changed in a way that matters for resolving a call."""
        return self._changed_before | super().changed_identities()
