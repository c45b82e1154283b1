"""Imports: their progress, what they changed, and the lines that were refused."""

from collections.abc import Iterable, Sequence

from gateway.ids import Ids
from gateway.model import (
    ChangedRecord,
    ImportChange,
    ImportPosition,
    ImportRun,
    RefusedLine,
    SaveCustomer,
    WarnedLine,
)
from gateway.workingset.batch_context import BatchContext
from gateway.workingset.collection import Collection, Of, Written
from rules.record import Record

ChangedWanted = tuple[str, int, int]
"""An import, the record after which to begin, and the most records."""


class Imports(BatchContext):
    """Of `undone_imports` only their run is left. `rows_asking` are the rows of a chunk that still need something loaded."""

    imports = Of(Collection[str, ImportRun | None])
    changed_by_import = Of(Collection[ChangedWanted, list[ChangedRecord]])
    import_changes = Of(Written[int, ImportChange])
    refused_lines = Of(Written[tuple[str, int], RefusedLine])
    warned_lines = Of(Written[tuple[str, WarnedLine], WarnedLine])
    undone_imports = Of(Written[str, None])

    def __init__(self, now: int, ids: Ids, *, stamp: int | None = None) -> None:
        super().__init__(now, ids, stamp=stamp)
        self.rows_asking: dict[tuple[str, ImportPosition], Sequence[SaveCustomer]] = {}

    def keep_import(
        self, run: ImportRun, refused: Iterable[RefusedLine], warned: Iterable[WarnedLine]
    ) -> None:
        self.imports.keep(run.import_id, run)
        for line in refused:
            self.refused_lines.keep((run.import_id, line.line), line)
        for warning in warned:
            self.warned_lines.keep((run.import_id, warning), warning)

    def keep_import_change(self, import_id: str, record: Record, before: str, *, created: bool) -> None:
        change = ImportChange(import_id, record.record_id, self.next_id(), self.now, created, before)
        self.import_changes.add(change.change_id, change)

    def end_undo(self, run: ImportRun) -> None:
        """The import is as if it had never been; what is left of it is deleted."""
        self.keep_import(run, (), ())
        self.undone_imports.drop(run.import_id)
