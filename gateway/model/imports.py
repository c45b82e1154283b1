"""Imports: their progress, what they changed, and their undo."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from gateway.model.caller import Caller
from gateway.model.command import Command, Refused
from gateway.model.customers import SaveCustomer
from rules.source import Source


class RefusedLine(msgspec.Struct, frozen=True, array_like=True):
    """A line that an import could not take, and the reason as a code."""

    line: int
    reason: str


class WarnedLine(msgspec.Struct, frozen=True, array_like=True):
    """A line that an import took without one of its identifiers: the identifier's type, and the reason as a code."""

    line: int
    identifier: str
    reason: str


class ImportPosition(msgspec.Struct, frozen=True):
    """All lines before `next_line` are taken, and the first `ahead` lines of the block that begins there, in the sender's
    order. `block` is the sender's name for that order, "" if the lines are in the order of the file."""

    next_line: int = 1
    ahead: int = 0
    block: str = ""

    def may_follow(self, reached: "ImportPosition") -> bool:
        """Whether the next lines start here, or start a new block in place of the one that was begun."""
        begun_anew = self.next_line == reached.next_line and not self.ahead and self.block != reached.block
        return begun_anew or self == reached


class ImportRun(msgspec.Struct, frozen=True):
    """The progress of an import. `counts` are rows by result, `unusable` identifiers by `<type>:<reason>`."""

    import_id: str
    channel: str
    started_at: int
    reached: ImportPosition = ImportPosition()
    counts: Mapping[str, int] = {}
    unusable: Mapping[str, int] = {}
    finished_at: int | None = None
    undo_after: int | None = None
    """The last record that is undone; None while no undo is running."""
    undone_at: int | None = None


class Overwritten(msgspec.Struct, frozen=True):
    """The changes of an import's chunk to a record: what it added, what it overwrote (the text before, None for nothing, and
    the text after), the claims that its statements replaced, and the merges that it caused."""

    seen: tuple[tuple[str, str], ...] = ()
    attributes: Mapping[str, tuple[str | None, str]] = {}
    guest: bool | None = None
    merges: tuple[int, ...] = ()
    claims: tuple[tuple[str, str, Source, int], ...] = ()


class ImportChange(msgspec.Struct, frozen=True):
    """Marks that a chunk of an import changed or created a record. `before` is an Overwritten as JSON, "" if it overwrote
    nothing."""

    import_id: str
    record_id: int
    change_id: int
    at: int
    created: bool
    before: str = ""


class ChangedRecord(msgspec.Struct, frozen=True):
    """A record that an import changed, as it is now. `profile_id` is None if it was erased; `records` are those of its profile.
    `touched` says what happened to it after the import, if that prevents its removal."""

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
        """The merges that the import caused here, oldest first."""
        told = [change.before for change in self.changes if change.before]
        return [merge_id for text in told for merge_id in msgspec.json.decode(text, type=Overwritten).merges]

    @property
    def effect(self) -> Literal["removed", "restored", "stays", "gone"]:
        """What an undo does with it."""
        if self.profile_id is None:
            return "gone"
        if not self.created:
            return "restored"
        return "stays" if self.touched else "removed"


class ImportUndone(msgspec.Struct, frozen=True):
    """`records` are those that were examined. `run.undo_after` is None once all were."""

    run: ImportRun
    records: tuple[ChangedRecord, ...]


class Imported(msgspec.Struct, frozen=True):
    """The state of the import after its newest lines."""

    run: ImportRun


class ImportRows(Command[Imported | Refused], frozen=True):
    """Import the next lines, those between two positions, as one change: all of them or none. `last`: the file ends here."""

    caller: Caller
    import_id: str
    start: ImportPosition
    end: ImportPosition
    rows: tuple[SaveCustomer, ...]
    refused: tuple[RefusedLine, ...] = ()
    warned: tuple[WarnedLine, ...] = ()
    last: bool = False


class UndoImport(Command[ImportUndone | Refused], frozen=True):
    """Undo the import of up to `limit` records after `after`, where its undo stands."""

    caller: Caller
    import_id: str
    after: int
    limit: int
    reason: str = ""
