"""Imports from a file: each row is saved as a call would save it, many rows to a transaction, together with the position in the
file. So if the process is killed, no row is lost and none is taken twice."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec.structs import replace

from gateway.audit.event import Action
from gateway.model import (
    CustomerRecord,
    Imported,
    ImportRows,
    ImportRun,
    Overwritten,
    Refused,
    SaveCustomer,
    Saved,
)
from gateway.usecases.customer import save, wants_of_save
from gateway.usecases.env import Env
from gateway.workingset import WorkingSet

_encode = msgspec.json.Encoder().encode
REJECTED = "rejected"
"""Counts lines that could not be read, beside the decisions; `refused` is a decision."""
_STEP = 256
"""Rows that are saved while the next ones are decided."""


def wants(command: ImportRows, ws: WorkingSet, env: Env) -> bool:
    """A row that needs nothing more is not asked again."""
    ws.imports.want(command.import_id)
    chunk = (command.import_id, command.start)
    asking = ws.rows_asking.get(chunk, command.rows)
    ws.rows_asking[chunk] = [row for row in asking if not _wants_of_row(row, ws, env)]
    return not ws.rows_asking[chunk]


def _wants_of_row(row: SaveCustomer, ws: WorkingSet, env: Env) -> bool:
    if not wants_of_save(row, ws, env):
        return False
    record = ws.records[row.caller.id_space, row.customer_id]
    if record is not None:
        ws.claims.want(record.record_id)
    return True


def import_rows(command: ImportRows, ws: WorkingSet, env: Env) -> Imported | Refused:
    """Take the next lines. Others are refused: another process is at work, or the answer to the same lines was lost on its way."""
    caller = command.caller
    run = ws.imports[command.import_id] or ImportRun(command.import_id, caller.channel, ws.now)
    start, end = command.start, command.end
    if run.undo_after is not None:
        return Refused("import_undoing", "the import is being undone; finish that first: gateway import undo")
    if not start.may_follow(run.reached):
        return Refused(
            "import_moved", f"the import stands at line {run.reached.next_line}; continue from there"
        )
    counts = Counter(_outcomes(command, ws, env))
    if command.refused:
        counts[REJECTED] += len(command.refused)
    unusable = Counter(_unusable(command.rows))
    after = replace(
        run,
        reached=end,
        counts=_sum(run.counts, counts),
        unusable=_sum(run.unusable, unusable),
        finished_at=ws.now if command.last else None,
        undone_at=None,
    )
    ws.keep_import(after, command.refused, command.warned)
    ws.record_event(
        Action.IMPORT_ROWS,
        channel=caller.channel,
        actor=caller.actor,
        subject=f"imp_{command.import_id}",
        request_id=caller.request_id,
        detail={
            "lines": [start.next_line, end.next_line],
            "ahead": [start.ahead, end.ahead],
            "counts": counts,
            "unusable": unusable,
        },
    )
    return Imported(after)


def _outcomes(command: ImportRows, ws: WorkingSet, env: Env) -> Iterator[str]:
    for number, row in enumerate(command.rows, 1):
        known = ws.record(row.caller.id_space, row.customer_id)
        before = _State(known, ws) if known is not None else None
        merged = len(ws.merged)
        saved = save(row, ws, env)
        if isinstance(saved, Saved) and saved.changed:
            _note_change(command.import_id, ws.by_record_id[saved.resolution.record_id], before, merged, ws)
        yield saved.resolution.decision if isinstance(saved, Saved) and saved.changed else "unchanged"
        if number % _STEP == 0:
            ws.end_step()


class _State:
    """The values of a known record before the import added to it or overwrote them."""

    __slots__ = ("attributes", "claims", "guest", "seen")

    def __init__(self, record: CustomerRecord, ws: WorkingSet) -> None:
        self.seen = frozenset(record.observations)
        self.attributes = dict(ws.attributes[record.record_id])
        self.claims = dict(ws.claims[record.record_id].identifiers)
        self.guest = record.guest


def _note_change(
    import_id: str, record: CustomerRecord, before: _State | None, merged: int, ws: WorkingSet
) -> None:
    """Note what the import changed, for an undo. If the import created the record, everything on it came from the import."""
    merges = tuple([row.merge_id for row in ws.merged[merged:]])
    if before is None:
        text = _encode(Overwritten(merges=merges)).decode() if merges else ""
        ws.keep_import_change(import_id, record, text, created=True)
        return
    written = ws.attributes[record.record_id]
    claimed = ws.claims[record.record_id].identifiers
    overwritten = Overwritten(
        tuple([(kind, value) for kind, value in record.observations if (kind, value) not in before.seen]),
        {
            name: (before.attributes.get(name), text)
            for name, text in written.items()
            if before.attributes.get(name) != text
        },
        before.guest if before.guest != record.guest else None,
        merges,
        tuple(
            [
                (kind, value, claim.source, claim.claimed_at)
                for (kind, value), claim in before.claims.items()
                if (kind, value) not in claimed
            ]
        ),
    )
    ws.keep_import_change(import_id, record, _encode(overwritten).decode(), created=False)


def _unusable(rows: Iterable[SaveCustomer]) -> Iterable[str]:
    for row in rows:
        for identifier, status, reason, _ in row.evidence:
            if status != "ok":
                yield f"{identifier.type}:{reason}"


def _sum(known: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted((Counter(known) + Counter(more)).items()))
