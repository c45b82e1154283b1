"""The check of the stored audit log: the chains, their signatures, the archive, and that the look-up table finds everything."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from gateway.audit.archive import ARCHIVE, Archive
from gateway.audit.archived_checkpoints import ArchivedCheckpoints
from gateway.audit.chain import Link
from gateway.audit.checkpoint import Checkpoint, Moved
from gateway.audit.segment import read_header
from gateway.audit.signed import Breach, Signed
from gateway.audit.verify import Cut, Tail, Verifier
from gateway.errors import Refusal
from gateway.ids import show
from gateway.store import Store
from gateway.store.queries.audit import (
    NEWEST,
    checkpoints,
    checkpoints_behind,
    cuts,
    findable,
    hidden,
    links,
    moved_to_archive,
)
from gateway.store.queries.state_verification import Covered, verify_rows
from gateway.store.row_digests import row_key

_HIDDEN = (
    "{} is not found by its profile, object or request: rows were taken out of the table lookup;"
    " empty lookup and lookup_progress, and the gateway fills them again"
)


class Verdict(NamedTuple):
    """`archived` are events that the cuts count; `segments` are those of the archive that were read; `earlier` are chains from
    before their beginnings were signed; `checkpoints` are those that were read, with those of the archive; `tails` are events that
    no signature covers yet."""

    events: int
    archived: int
    segments: int
    chains: int
    earlier: int
    checkpoints: int
    breaches: list[Breach]
    tails: list[Tail]
    rows: list[Covered]
    """Empty unless asked for, or if the log has a breach: then it proves nothing about rows."""
    newest: Checkpoint | None
    """The newest checkpoint that was read."""
    moved: Moved
    """The checkpoints that are in the archive."""


async def verify(store: Store, key: bytes, *, state: bool = False, directory: Path | None = None) -> Verdict:
    """With `directory`, archived segments are read there and checked as if they were still in the table. Without it, `state` counts
    rows from before the newest cut that the rest of the log does not know as earlier.

    A breach counts if it is found twice: where several gateways write, an event may be committed before the place that was just
    read, and would seem to be missing.
    """
    verdict = await _read_through(store, key, state, directory)
    if verdict.breaches:
        again = await _read_through(store, key, state, directory)
        verdict = again._replace(breaches=[one for one in again.breaches if one in verdict.breaches])
    return verdict


async def signed_and_cut(store: Store) -> tuple[list[Checkpoint], list[Cut]]:
    """The checkpoints with the cuts of the same moment."""
    cut = await cuts(store)
    while True:
        points, again = await checkpoints(store), await cuts(store)
        if again == cut:
            return points, cut
        cut = again


async def all_checkpoints(
    store: Store, key: bytes, place: int, directory: Path | None
) -> AsyncIterator[list[Checkpoint]]:
    """Those after a number, in order and in parts: archived ones from a directory, then those that stand. Raises Refusal."""
    gone = await moved_to_archive(store)
    if directory is not None and place < gone.number:
        archived = await asyncio.to_thread(ArchivedCheckpoints, directory, key, gone)
        parts = archived.parts()
        while part := await asyncio.to_thread(next, parts, None):
            yield [point for point in part if point.checkpoint_id > place]
        if archived.problem:
            raise Refusal("archive_unusable", archived.problem)
    place = max(place, gone.number)
    while found := await checkpoints_behind(store, place):
        yield found
        place = found[-1].checkpoint_id


async def _read_through(store: Store, key: bytes, state: bool, directory: Path | None) -> Verdict:
    """Checkpoints are read first, because those that are written while the links are read sign events that were not read."""
    points, signed, cut = await _signed_and_cut(store, key, directory)
    listed, place = await findable(store), cut[-1].event_id if cut else 0
    checked = _Checked(Verifier(signed, cut, whole=directory is not None), points)
    archive = None if directory is None else Archive(directory, key, cut)
    if archive is not None:
        await checked.read_archive(archive)
    verifier, in_archive = checked.verifier, checked.verifier.events
    async for chunk in links(store, place):
        await checked.feed(chunk)
        for event_id in await hidden(store, chunk, listed):
            checked.breaches.append(Breach("lookup", 0, _HIDDEN.format(show("evt", event_id))))
    breaches = await checked.end()
    rows = list[Covered]()
    if state and all(breach.chain == "lookup" for breach in breaches):
        since = verifier.rows_since if archive is not None else _since(verifier, cut)
        log, whole = partial(_log, store, place, archive), archive is not None or not cut
        changed, rows = await verify_rows(store, row_key(key), since, log, whole=whole)
        breaches += changed
    return Verdict(
        verifier.events - in_archive,
        verifier.archived,
        archive.segments if archive is not None else 0,
        len(verifier.heads),
        verifier.earlier,
        signed.fingerprint.points,
        breaches,
        verifier.tails(),
        rows,
        points.newest,
        points.gone,
    )


class _Points:
    """The checkpoints of a log, in order and in parts, as often as `parts` is called: those of the archive, if they can be read
    there, and those behind `gone`. Once `read`, the same ones again."""

    def __init__(self, store: Store, gone: Moved, archived: ArchivedCheckpoints | None) -> None:
        self.gone, self.archived = gone, archived
        self.newest: Checkpoint | None = None
        self._store = store
        self._upto = NEWEST

    async def read(self, key: bytes) -> Signed:
        is_whole = self.archived is not None and not self.archived.problem
        signed = Signed(key, b"" if is_whole else self.gone.as_bytes)
        async for part in self.parts():
            signed.read(part)
            self.newest = part[-1]
        self._upto = self.newest.checkpoint_id if self.newest is not None else 0
        return signed

    async def parts(self) -> AsyncIterator[list[Checkpoint]]:
        archived = self.archived.parts() if self.archived is not None else iter(())
        while part := await asyncio.to_thread(next, archived, None):
            yield part
        place = self.gone.number
        while part := await checkpoints_behind(self._store, place, upto=self._upto):
            yield part
            place = part[-1].checkpoint_id


class _Checked:
    """What a verifier finds in links, with the checkpoints that it lacks for them."""

    def __init__(self, verifier: Verifier, points: _Points) -> None:
        self.verifier = verifier
        self.breaches: list[Breach] = []
        self._points = points
        self._again = points.parts()

    async def read_archive(self, archive: Archive) -> None:
        self.breaches += archive.breaches
        for piece in archive.pieces(self.verifier):
            if isinstance(piece, Breach):
                self.breaches.append(piece)
            else:
                await self.feed(piece)
            await asyncio.sleep(0)
        self.verifier.reach_cut()

    async def feed(self, chunk: list[Link]) -> None:
        while self.verifier.lacks(chunk) and (part := await anext(self._again, None)):
            self.verifier.expect(part)
        self.breaches += self.verifier.feed(chunk)

    async def end(self) -> list[Breach]:
        async for part in self._again:
            self.verifier.expect(part)
        archived = self._points.archived
        if archived is not None and archived.problem:
            self.breaches.insert(0, Breach(ARCHIVE, archived.number, archived.problem))
        return [*self.breaches, *self.verifier.check()]


async def _signed_and_cut(
    store: Store, key: bytes, directory: Path | None
) -> tuple[_Points, Signed, list[Cut]]:
    """What the checkpoints say, with the cuts of the same moment."""
    while True:
        known = await cuts(store), await moved_to_archive(store)
        cut, gone = known
        archived = await asyncio.to_thread(ArchivedCheckpoints, directory, key, gone) if directory else None
        points = _Points(store, gone, archived)
        signed = await points.read(key)
        if (await cuts(store), await moved_to_archive(store)) == known:
            return points, signed, cut


def _since(verifier: Verifier, cut: list[Cut]) -> int | None:
    """Rows of before can only be known to the archive."""
    if not cut:
        return verifier.rows_since
    return max(verifier.rows_since or 0, read_header(cut[-1].header).until + 1)


async def _log(store: Store, place: int, archive: Archive | None) -> AsyncIterator[list[Link]]:
    """All of it that can be read, in order."""
    for chunk in archive.links() if archive is not None else ():
        yield chunk
        await asyncio.sleep(0)
    async for chunk in links(store, place):
        yield chunk
