"""Regroupings, and what a batch found out about the components that it regroups."""

from gateway.ids import Ids
from gateway.model import Regrouping
from gateway.workingset.batch_context import BatchContext
from gateway.workingset.collection import Collection, Of
from rules.batch.partition import Partition
from rules.identifier import Identifier


class Regroupings(BatchContext):
    """`components` and `partitions` are by the profile from which a component was reached. They do not change when the batch
    changes other components."""

    regroupings = Of(Collection[int, Regrouping | None])

    def __init__(self, now: int, ids: Ids, *, stamp: int | None = None) -> None:
        super().__init__(now, ids, stamp=stamp)
        self.requested_regroupings: set[tuple[Identifier, int]] = set()
        self.components: dict[int, tuple[frozenset[int], frozenset[int], bool]] = {}
        self.partitions: dict[int, Partition] = {}

    def keep_regrouping(self, run: Regrouping) -> None:
        self.regroupings.keep(run.regrouping_id, run)

    def forget_regrouping(self, run: Regrouping) -> None:
        """It is done and not worth keeping: the audit log has what it changed."""
        self.regroupings.remove(run.regrouping_id, None)
