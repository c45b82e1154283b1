"""The Store protocol: load and save, no decisions. One call runs a batch whole or not at all; reads never wait for it."""

from collections.abc import Sequence
from typing import Any, Protocol

from gateway.audit.segment import Header
from gateway.model import Erasure
from gateway.store.statement import Write
from gateway.workingset import WorkingSet


class Work(Protocol):
    """A batch as the store sees it. Both methods are synchronous, may run more than once, and must not block."""

    def wants(self, ws: WorkingSet) -> None:
        """Ask the collections for what is missing; called again after each load until nothing is."""
        ...

    def process(self, ws: WorkingSet) -> None:
        """Decide, and change the working set. An exception undoes the whole batch."""
        ...


class BatchSource(Protocol):
    """Batches that wait one behind the other. Both methods are called on the store's own threads, and must not block."""

    def next(self) -> Work | None:
        """The batch that is to be carried out now, if any waits."""
        ...

    def stored(self, work: Work) -> None:
        """It is on disk."""
        ...


class Store(Protocol):
    async def open(self) -> None:
        """Bring the schema up to date and be ready. Raises AlreadyRunning, SchemaMismatch."""
        ...

    async def close(self) -> None: ...

    async def run(self, work: Work) -> None:
        """One transaction: load what `work` wants, process, save, commit durably.

        Raises StoreUnavailable (nothing stored), StoreBroken, or what `process` raised (nothing stored).
        """
        ...

    async def run_all(self, source: BatchSource) -> None:
        """A transaction for each batch of `source`, in their order, until there is no next one or others want the store. A
        batch may be decided while the one before is still being committed; it is never stored without it.

        Raises as `run` does; the first batch that was not reported as stored is what failed, and nothing behind it is stored."""
        ...

    async def fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of one read-only statement with `?` placeholders, from the newest committed state. Raises
        StoreUnavailable and ReadFailed."""
        ...

    async def write(self, *writes: Write) -> bool:
        """Run statements, in one transaction, over what the process keeps for itself, which no batch changes and no audit event
        tells of. False, and nothing is stored: another process wrote the same at this moment."""
        ...

    async def probe(self) -> None:
        """Raises StoreUnavailable when a write would not be accepted now."""
        ...

    async def server_time(self) -> int | None:
        """What the database server's clock says (ms UTC); None where the database is a file of this machine."""
        ...

    async def take_lead(self, work: str) -> bool:
        """Take or keep the lead in `work` for all that share the database, unless another process has it; whether this one leads
        now. It spares them collisions, nothing depends on it. When the one that leads ends, another takes over within 25 s."""
        ...

    async def maintain(self, limit: int) -> int:
        """Housekeeping of about `limit` rows: the lookup tables, checkpoints, expired windows and answers.

        Answers how many rows were worked on; fewer than `limit` means that nothing is left to do for now."""
        ...

    async def seal(self) -> None:
        """Sign the end of this process's part of the audit log; nothing may be stored afterwards. May be called again."""
        ...

    async def rotate_secret(self, actor: str) -> int:
        """Replace every checkpoint by one of this process, signed with its own key, and have the audit log say so; how many
        there were."""
        ...

    async def sign_what_is_open(self) -> None:
        """Sign the ends of chains that nobody writes to any more, so that they can be archived."""
        ...

    async def cut(self, header: Header, actor: str) -> bool:
        """Sign that the events of this segment are in the archive, whose file is on disk, and have the audit log say so. False, and
        nothing is stored: it is not the next segment any more, or others were faster."""
        ...

    async def prune(self, limit: int) -> int:
        """Take away about `limit` rows of what is in the archive, as housekeeping does, too. Fewer: nothing is left."""
        ...

    async def keep_erasures_outside(self) -> None:
        """Bring what is kept of erasures outside the database up to date. `run` does so after an erasure, before it returns."""
        ...

    async def erasures_lacking(self) -> list[Erasure]:
        """Those that are kept outside and that this database has not seen: it was restored from a backup of before. Raises
        ErasuresUnreadable."""
        ...

    async def scrub(self) -> tuple[str, ...]:
        """Write the database anew, so that no copy of what was erased is left in unused bytes of it; where one may be left all
        the same, and until when. Calls wait meanwhile."""
        ...

    async def report_alive(self) -> None:
        """Say that this process lives. One that falls silent counts for 20 s more."""
        ...

    async def replicas(self) -> int:
        """How many processes live on this database: those that reported it, this one among them."""
        ...
