"""Imports: how far one is, what it changed, and its undo."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from gateway.model.caller import Caller
from gateway.model.command import Command, Refused
from gateway.model.customers import SaveCustomer
from rules.source import Source


class RefusedLine(msgspec.Struct, frozen=True, array_like=True):
    """A line that an import could not take, and the code that says why."""

    line: int
    reason: str


class WarnedLine(msgspec.Struct, frozen=True, array_like=True):
    """A line that an import took without one of its identifiers, the type of that and the code that says why."""

    line: int
    identifier: str
    reason: str


class ImportPosition(msgspec.Struct, frozen=True):
    """All lines before `next_line` are taken, and the first `ahead` of the block that begins there: lines that their sender
    brings in an order of its own. `block` is its name for that order, "" where the lines come as they stand in the file."""

    next_line: int = 1
    ahead: int = 0
    block: str = ""

    def may_follow(self, reached: "ImportPosition") -> bool:
        """Whether lines from here on are the next ones: also the first of a block that is another than what was begun."""
        begun_anew = self.next_line == reached.next_line and not self.ahead and self.block != reached.block
        return begun_anew or self == reached


class ImportRun(msgspec.Struct, frozen=True):
    """How far an import is. `counts` are rows by what became of them, `unusable` identifiers by `<type>:<reason>`."""

    import_id: str
    channel: str
    started_at: int
    reached: ImportPosition = ImportPosition()
    counts: Mapping[str, int] = {}
    unusable: Mapping[str, int] = {}
    finished_at: int | None = None
    undo_after: int | None = None
    """Up to this record it is undone; None while no undo is under way."""
    undone_at: int | None = None


class Overwritten(msgspec.Struct, frozen=True):
    """What a chunk of an import added to a record, what it wrote over (the text before, None for nothing, and the text after),
    the claims whose place its statements took, and the merges that it caused there."""

    seen: tuple[tuple[str, str], ...] = ()
    attributes: Mapping[str, tuple[str | None, str]] = {}
    guest: bool | None = None
    merges: tuple[int, ...] = ()
    claims: tuple[tuple[str, str, Source, int], ...] = ()


class ImportChange(msgspec.Struct, frozen=True):
    """That a chunk of an import changed a record, or created it. `before` is an Overwritten as JSON, "" where there is nothing
    to tell."""

    import_id: str
    record_id: int
    change_id: int
    at: int
    created: bool
    before: str = ""


class ChangedRecord(msgspec.Struct, frozen=True):
    """A record that an import changed, as it is now. `profile_id` is None where it was erased; `records` are those of its
    profile. `touched` says what happened to it after the import, as far as that keeps it."""

    record_id: int
    profile_id: int | None
    records: int
    changes: tuple[ImportChange, ...]
    touched: str

    @property
    def created(self) -> bool:
        return self.changes[0].created

    @property
    def merges(self) -> list[int]:
        """Those that the import caused here, oldest first."""
        told = [change.before for change in self.changes if change.before]
        return [merge_id for text in told for merge_id in msgspec.json.decode(text, type=Overwritten).merges]

    @property
    def effect(self) -> Literal["removed", "restored", "stays", "gone"]:
        """What an undo makes of it."""
        if self.profile_id is None:
            return "gone"
        if not self.created:
            return "restored"
        return "stays" if self.touched else "removed"


class ImportUndone(msgspec.Struct, frozen=True):
    """`records` are those that were looked at. `run.undo_after` is None once all were."""

    run: ImportRun
    records: tuple[ChangedRecord, ...]


class Imported(msgspec.Struct, frozen=True):
    """The import as it stands after its newest lines."""

    run: ImportRun


class ImportRows(Command[Imported | Refused], frozen=True):
    """The next lines of an import, those between two positions, as one change: all of them or none. `last`: the file ends
    here."""

    caller: Caller
    import_id: str
    start: ImportPosition
    end: ImportPosition
    rows: tuple[SaveCustomer, ...]
    refused: tuple[RefusedLine, ...] = ()
    warned: tuple[WarnedLine, ...] = ()
    last: bool = False


class UndoImport(Command[ImportUndone | Refused], frozen=True):
    """Undo an import on up to `limit` records behind `after`, where its undo stands."""

    caller: Caller
    import_id: str
    after: int
    limit: int
    reason: str = ""
