"""Merges: which profile absorbed which, with the records of both before."""

from gateway.ids import Ids
from gateway.model import MergeRow
from gateway.workingset.batch_context import BatchContext
from gateway.workingset.collection import Collection, Of


class Merges(BatchContext):
    """`absorptions` are, by profile, the merges that absorbed the profiles which redirect to it today."""

    merges = Of(Collection[int, MergeRow | None])
    absorptions = Of(Collection[int, list[MergeRow]])

    def __init__(self, now: int, ids: Ids, *, stamp: int | None = None) -> None:
        super().__init__(now, ids, stamp=stamp)
        self.merged: list[MergeRow] = []

    def add_merge(self, row: MergeRow) -> None:
        self.merges.add(row.merge_id, row)
        self.merged.append(row)
