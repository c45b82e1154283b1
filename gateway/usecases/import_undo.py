"""UNDO of an import, record by record in chunks: take back what it brought, unless later traffic was built on it. A record that the
import created is removed if it was not used since. On a record that existed before, added and overwritten values are restored if
they are still there. Merges that the import caused are undone too, and the rules look at what is left."""

from collections.abc import Collection, Iterable

import msgspec
from msgspec.structs import replace

from gateway.audit.event import Action, Words
from gateway.ids import show
from gateway.model import (
    ChangedRecord,
    Claim,
    CustomerRecord,
    ImportRun,
    ImportUndone,
    Overwritten,
    Refused,
    UndoImport,
)
from gateway.usecases.claims import put_back
from gateway.usecases.detach import detach_records, note_split, request_regrouping, wants_of_detach
from gateway.usecases.env import Env
from gateway.usecases.erase import release_keys
from gateway.usecases.merge import live, wants_of_live
from gateway.workingset import WorkingSet
from rules.identifier import Identifier
from rules.record import Profile, Record

_decode = msgspec.json.Decoder(Overwritten).decode
_CAUSE = "import_undone"


def wants(command: UndoImport, ws: WorkingSet, env: Env) -> bool:
    if not ws.imports.want(command.import_id):
        return False
    if _refused(command, ws.imports[command.import_id]) is not None:
        return True
    chunk = (command.import_id, command.after, command.limit)
    if not ws.changed_by_import.want(chunk):
        return False
    found = ws.changed_by_import[chunk]
    ready = [_wants_of(one, ws, env) for one in found if one.effect in ("removed", "restored")]
    return all(ready)


def _wants_of(one: ChangedRecord, ws: WorkingSet, env: Env) -> bool:
    ws.attributes.want(one.record_id)
    ws.claims.want(one.record_id)
    ready = wants_of_detach(one.profile_id, ws, env)
    for merge_id in one.merges:
        ws.merges.want(merge_id)
        if merge_id not in ws.merges:
            ready = False
        elif (row := ws.merges[merge_id]) is not None and row.undone_at is None:
            known = wants_of_live((row.survivor_id,), ws)
            ready &= known and wants_of_detach(ws.redirects[row.survivor_id], ws, env)
    return ready


def undo_import(command: UndoImport, ws: WorkingSet, env: Env) -> ImportUndone | Refused:
    run = ws.imports[command.import_id]
    refused = _refused(command, run)
    if refused is not None or run is None:
        return refused or Refused("not_found", "There is no such import.")
    found = ws.changed_by_import[command.import_id, command.after, command.limit]
    _Undoing(command, ws, env).carry_out(found)
    last = len(found) < command.limit
    _note(command, found, ws, env, last=last)
    if last:
        run = ImportRun(run.import_id, run.channel, run.started_at, undone_at=ws.now)
        ws.end_undo(run)
    else:
        run = replace(run, undo_after=found[-1].record_id)
        ws.keep_import(run, (), ())
    return ImportUndone(run, tuple(found))


def _refused(command: UndoImport, run: ImportRun | None) -> Refused | None:
    if run is None:
        return Refused("not_found", "There is no such import.")
    if run.undone_at is not None:
        return Refused("import_undone", "The import was undone before, and nothing was imported since.")
    if command.after != (run.undo_after or 0):
        return Refused(
            "import_moved", "The undo does not stand there: another command undoes this import too."
        )
    return None


class _Undoing:
    """One chunk. A profile that is split is noted once, however many records caused that."""

    def __init__(self, command: UndoImport, ws: WorkingSet, env: Env) -> None:
        self.command, self.ws, self.env = command, ws, env
        self.removing: frozenset[int] = frozenset()
        self.parts: dict[int, list[Profile]] = {}

    def carry_out(self, found: Iterable[ChangedRecord]) -> None:
        undone = [one for one in found if one.effect in ("removed", "restored")]
        self.removing = frozenset(one.record_id for one in undone if one.created)
        for one in undone:
            record = self.ws.by_record_id.get(one.record_id)
            if record is None:
                continue
            if one.created:
                self._remove(record)
            else:
                self._restore(one, record)
        for merge_id in sorted(merge_id for one in undone for merge_id in one.merges):
            self._take_back(merge_id)
        for profile_id, parts in self.parts.items():
            profile = self.ws.profiles[profile_id]
            note_split(profile, parts, self.command.caller, "undo", self.command.reason, self.ws, self.env)

    def _remove(self, record: CustomerRecord) -> None:
        """Remove the record, and its profile if no record is left on it."""
        ws, profile = self.ws, self.ws.profiles[record.profile_id]
        if profile.records.keys() <= self.removing:
            release_keys(profile, ws)
            ws.forget(profile)
            return
        for identifier in record.observations:
            self._release(identifier, record, profile)
        for item in ws.leave_questions(profile.profile_id):
            if record.record_id in item.records:
                ws.close_review(item, "stale", _CAUSE)
        ws.remove_record(record)
        request_regrouping(ws, "profile", _CAUSE, profile_id=profile.profile_id)

    def _release(self, identifier: Identifier, record: Record, profile: Profile) -> None:
        """The record no longer holds this value. Its profile keeps owning it if another of its records holds it."""
        key = self.ws.key(identifier)
        key.holders -= 1
        others = [
            other.observations.get(identifier) for other in profile.records.values() if other is not record
        ]
        if key.owner == profile.profile_id and all(seen is None or seen.retired for seen in others):
            key.owner = None
            if key.holders > 0:
                request_regrouping(self.ws, "value", "erased", identifier=identifier)
        self.ws.touch_key(key)

    def _restore(self, one: ChangedRecord, record: CustomerRecord) -> None:
        """A value that was stated again or changed later stays."""
        ws, profile = self.ws, self.ws.profiles[record.profile_id]
        for change in reversed(one.changes):
            before = _decode(change.before)
            for identifier in (Identifier(*pair) for pair in before.seen):
                seen = record.observations.get(identifier)
                if seen is not None and seen.last_seen <= change.at:
                    self._release(identifier, record, profile)
                    ws.drop_observation(record, identifier)
            self._restore_attributes(before, record)
            for kind, value, source, claimed_at in before.claims:
                put_back(record, Identifier(kind, value), Claim(source, claimed_at), ws)
        ws.touch_profile(profile)
        request_regrouping(ws, "profile", _CAUSE, profile_id=profile.profile_id)

    def _restore_attributes(self, before: Overwritten, record: CustomerRecord) -> None:
        known = self.ws.attributes[record.record_id]
        for name, (was, written) in before.attributes.items():
            if known.get(name) != written:
                continue
            if was is None:
                self.ws.drop_attribute(record, name)
            else:
                self.ws.set_attribute(record, name, was)
        if before.guest is not None:
            record.guest = before.guest
            self.ws.touch_record(record)

    def _take_back(self, merge_id: int) -> None:
        """The older merge goes first: its survivor may have been absorbed by a later one, so all of them leave the same profile.
        Records that belong together for another reason are joined again when the rules look at them. So the rules also look at each
        profile that this chunk created."""
        row = self.ws.merges[merge_id]
        if row is None or row.undone_at is not None:
            return
        profile = live(row.survivor_id, self.ws)
        if profile is None or profile.profile_id not in self.ws.absorptions:
            return
        leaving = frozenset(row.absorbed_records) & profile.records.keys()
        if not leaving or len(leaving) == len(profile.records):
            return
        part, _ = detach_records(profile, leaving, self.ws, self.env, undone=merge_id)
        self.ws.undo(row)
        self.parts.setdefault(profile.profile_id, []).append(part)
        for side in (profile, part):
            request_regrouping(self.ws, "profile", _CAUSE, profile_id=side.profile_id)


def _note(
    command: UndoImport, found: Collection[ChangedRecord], ws: WorkingSet, env: Env, *, last: bool
) -> None:
    effects: dict[str, list[str]] = {}
    for one in found:
        effects.setdefault(one.effect, []).append(show("rec", one.record_id))
    ws.record_event(
        Action.IMPORT_UNDONE,
        outcome="ok" if last else "part",
        channel=command.caller.channel,
        actor=command.caller.actor,
        subject=f"imp_{command.import_id}",
        request_id=command.caller.request_id,
        detail=effects,
        words=Words({"note": command.reason}, [one.record_id for one in found], env.pseudonyms),
    )
