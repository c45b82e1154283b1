"""Moving the oldest checkpoints to the archive, once no check of the remaining log needs them.

As with events, the file is on disk before the log signs that its checkpoints went, and they are deleted after that. What a killed
run left is used or ignored by the next one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.audit.archived_checkpoints import (
    checkpoint_file_name,
    files_of,
    movable,
    moved_of,
    write_checkpoints,
)
from gateway.audit.checkpoint import Checkpoint, standing
from gateway.audit.segment import read_header, tips
from gateway.audit.verify import verifier_of
from gateway.errors import Refusal
from gateway.store import Store
from gateway.store.queries.verification import signed_and_cut


class CheckpointArchiver:
    """`anchored` tells up to which number the anchor has the checkpoints; None: there is no anchor. `stopping`: end as soon as
    possible."""

    def __init__(
        self,
        store: Store,
        key: bytes,
        directory: Path,
        actor: str,
        anchored: Callable[[], Awaitable[int]] | None,
        stopping: Callable[[], bool],
    ) -> None:
        self._store = store
        self._key = key
        self._directory = directory
        self._actor = actor
        self._anchored = anchored
        self._stopping = stopping

    async def move(self, before: int) -> int:
        """Move what may go of the checkpoints from before a moment (ms); they stay in the database until the next pruning. Returns
        how many. Raises Refusal, and StoreUnavailable."""
        points, cuts = await signed_and_cut(self._store)
        if verifier_of(self._key, points, cuts).check_signatures():
            return 0  # something was forged since the events were archived; the next run says so
        held = tips(read_header(cut.header) for cut in cuts)
        anchored = await self._anchored() if self._anchored is not None else None
        previous, done = standing(points)[1].as_bytes, 0
        for some in files_of(movable(points, held, before, anchored)):
            moved = moved_of(some)
            await self._write(some, previous)
            if self._stopping() or not await self._store.move_checkpoints(
                moved, checkpoint_file_name(moved), self._actor
            ):
                break
            previous, done = some[-1].signature, done + len(some)
        return done

    async def _write(self, points: list[Checkpoint], previous: bytes) -> None:
        path = self._directory / checkpoint_file_name(moved_of(points))
        try:
            await asyncio.to_thread(write_checkpoints, path, points, previous)
        except OSError as error:
            raise Refusal("archive_unusable", f"{path}: cannot be written ({error.strerror})") from None
        except ValueError as error:
            raise Refusal("archive_unusable", f"{path}: {error}; move it away") from None
