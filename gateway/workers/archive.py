"""Archiving: old audit events go into signed segments in a directory, one segment after the other, and then out of the database.

A segment's file is on disk before the database records it, and the database records it before an event is deleted. If a run is
killed at any moment, the next one finishes it: it uses the file that the database does not know of yet, and housekeeping deletes
what is left of the events.
"""

import asyncio
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import structlog

from gateway.audit.chain import Link
from gateway.audit.segment import Header, Packing, header_digest, is_signed, name_of
from gateway.audit.segment_file import SegmentFile, read_segment, secure_segment, write_segment
from gateway.audit.verify import Verifier, verifier_of
from gateway.clock import DAY, HOUR, Clock
from gateway.errors import Refusal, StoreBusy
from gateway.ids import earliest
from gateway.store import Store
from gateway.store.queries.audit import any_between, links, newest_cut
from gateway.store.queries.verification import signed_and_cut
from gateway.telemetry.metrics import AuditMetrics
from gateway.workers.archive_checkpoints import CheckpointArchiver

_log = structlog.get_logger("archive")

MOST_EVENTS = 100_000
MOST_BYTES = 1 << 26
"""A segment is closed once it has so many events, or so many bytes before compression."""
NOT_BEFORE = HOUR
"""No younger event is archived: its chain may continue, or not be signed yet."""
CHUNK = 1_000
"""Events that are deleted in one transaction, for which calls wait."""
_POLL = 600.0
_BROKEN = (
    "the audit log does not hold, so nothing of it is archived ({}); look closer with: gateway audit verify"
)
_OVERTAKEN = "another run archived the same events; run it again"


class Archived(NamedTuple):
    """What one run moved. `left`: events before the moment that stay, because no checkpoint signs them yet. `checkpoints`: how many
    were moved beside the events."""

    events: int
    segments: list[str]
    left: bool
    checkpoints: int = 0


class Archiver:
    """One run at a time. `chunk`: events that are deleted in one transaction, for which calls wait. `stopping`: end as soon as
    possible; another run continues from there. `anchored`: as CheckpointArchiver has it."""

    def __init__(
        self,
        store: Store,
        key: bytes,
        directory: Path,
        actor: str,
        chunk: int = CHUNK,
        *,
        stopping: Callable[[], bool] = lambda: False,
        anchored: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        self._store = store
        self._key = key
        self._directory = directory
        self._actor = actor
        self._chunk = chunk
        self._stopping = stopping
        self._mover = CheckpointArchiver(store, key, directory, actor, anchored, stopping)

    async def archive(self, before: int) -> Archived:
        """Move every signed event from before a moment (ms), and the checkpoints that nothing needs then. Raises Refusal, and
        StoreUnavailable."""
        _refuse_unfit(self._directory)
        store = self._store
        await store.sign_what_is_open()
        points, cuts = await signed_and_cut(store)
        verifier = verifier_of(self._key, points, cuts)
        if problems := verifier.check_signatures():
            raise Refusal("archive_refused", _BROKEN.format(problems[0].what))
        place, number = (cuts[-1].event_id, cuts[-1].segment) if cuts else (0, 0)
        digest = header_digest(cuts[-1].header) if cuts else ""
        done, names, left = 0, list[str](), False
        while not left and not self._stopping():
            header, left = await self._segment(verifier, place, earliest(before), number + 1, digest)
            if header is None:
                break
            if not await store.cut(header, self._actor):
                raise StoreBusy(_OVERTAKEN)
            place, number, digest = header.last, header.number, header_digest(header.encoded())
            done, names = done + header.events, [*names, name_of(number)]
            await self._prune()
        await self._prune()
        checkpoints = 0 if self._stopping() else await self._mover.move(before)
        await self._prune()
        return Archived(done, names, left, checkpoints)

    async def _prune(self) -> None:
        while not self._stopping():
            if await self._store.prune(self._chunk) < self._chunk:
                return

    async def _segment(
        self, verifier: Verifier, place: int, end: int, number: int, previous: str
    ) -> tuple[Header | None, bool]:
        """The header of the next segment, with its file in place; and whether there are events before `end` without a signature."""
        begun = self._begun(number, previous)
        if begun is not None:
            end = begun.header.last + 1
        packing, left = Packing(), False
        async for signed, complete in _signed(verifier, links(self._store, place, end)):
            packing.add(signed, verifier.heads)
            for breach in verifier.feed(signed):
                newest = await newest_cut(self._store)
                if newest is not None and newest.segment >= number:
                    raise StoreBusy(_OVERTAKEN)
                raise Refusal("archive_refused", _BROKEN.format(f"chain {breach.chain}: {breach.what}"))
            left = not complete
            if left or (begun is None and (packing.events >= MOST_EVENTS or packing.size >= MOST_BYTES)):
                break
        if not packing.events:
            if begun is not None:
                raise self._is_another(begun)
            return None, left
        header = packing.header(number, previous)
        if begun is None:
            await self._write(header, packing.body())
        elif begun.header != header:
            raise self._is_another(begun)
        else:
            await self._secure(begun)
        return header, left

    def _begun(self, number: int, previous: str) -> SegmentFile | None:
        """What a killed run left: the next segment, which the log does not know of yet."""
        path = self._directory / name_of(number)
        try:
            found = read_segment(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Refusal("archive_unusable", f"{path}: cannot be read ({error.strerror})") from None
        except ValueError as error:
            raise Refusal("archive_unusable", f"{path}: {error}; move it away") from None
        if not is_signed(self._key, found.text, found.signature) or found.header.previous != previous:
            raise self._is_another(found)
        return found

    def _is_another(self, found: SegmentFile) -> Refusal:
        return Refusal(
            "archive_unusable",
            f"{found.path}: is there already, and is not the next segment of this log; name another directory,"
            " or move the file away",
        )

    async def _write(self, header: Header, body: list[bytes]) -> None:
        try:
            await asyncio.to_thread(write_segment, self._directory, header, self._key, body)
        except OSError as error:
            place = self._directory / name_of(header.number)
            raise Refusal("archive_unusable", f"{place}: cannot be written ({error.strerror})") from None

    async def _secure(self, begun: SegmentFile) -> None:
        """The header says what the events are. The file has to hold them, and be on disk, before they are deleted."""
        try:
            await asyncio.to_thread(secure_segment, begun)
        except OSError as error:
            raise Refusal("archive_unusable", f"{begun.path}: cannot be read ({error.strerror})") from None
        except ValueError as error:
            raise Refusal("archive_unusable", f"{begun.path}: is damaged ({error}); move it away") from None


class AutomaticArchive:
    """Archives what is older than `age`, in whole days. `archiving` is held during a run."""

    def __init__(
        self,
        archiver: Archiver,
        store: Store,
        clock: Clock,
        age: int,
        archiving: asyncio.Lock,
        metrics: AuditMetrics,
    ) -> None:
        self._archiver = archiver
        self._store = store
        self._clock = clock
        self._age = age
        self._archiving = archiving
        self._refused = metrics.archive_refused

    async def step(self) -> float:
        """Seconds until the next step."""
        before = (self._clock.now() - self._age) // DAY * DAY
        if not await self._store.take_lead("archive"):
            self._refused.set(0)
            return _POLL
        place = await newest_cut(self._store)
        if not await any_between(self._store, place.event_id if place else 0, earliest(before)):
            self._refused.set(0)
            return _POLL
        async with self._archiving:
            try:
                done = await self._archiver.archive(before)
            except Refusal as error:
                _log.error("audit_not_archived", problem=str(error))
                self._refused.set(1)
                return _POLL
        self._refused.set(done.left)
        if done.left:
            _log.error(
                "audit_not_archived", problem="no checkpoint signs the next event: gateway audit verify"
            )
        _log.info("audit_archived", events=done.events, segments=done.segments, checkpoints=done.checkpoints)
        return _POLL


def _refuse_unfit(directory: Path) -> None:
    if not directory.is_absolute() or not directory.is_dir():
        raise Refusal("archive_unusable", f"{directory}: is no directory; make it, and name it in full")
    if directory.stat().st_mode & stat.S_IWOTH:
        raise Refusal(
            "archive_unusable",
            f"{directory}: every user of the machine can replace files in it; run: chmod o-w {directory}",
        )


async def _signed(
    verifier: Verifier, chunks: AsyncIterator[list[Link]]
) -> AsyncIterator[tuple[list[Link], bool]]:
    """Chunks up to the first event that no checkpoint signs, and whether a chunk is whole."""
    async for chunk in chunks:
        unsigned = next((n for n, link in enumerate(chunk) if not verifier.is_signed(link)), None)
        yield chunk[:unsigned], unsigned is None
        if unsigned is not None:
            return
