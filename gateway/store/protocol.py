"""The Store protocol: load and save, no decisions. One call runs a batch whole or not at all; reads never wait for it."""

from collections.abc import Sequence
from typing import Any, Protocol

from gateway.audit.checkpoint import Moved
from gateway.audit.segment import Header
from gateway.model import Erasure
from gateway.store.statement import Write
from gateway.workingset import WorkingSet


class Work(Protocol):
    """A batch as the store sees it. Both methods are synchronous, may run more than once, and must not block."""

    def wants(self, ws: WorkingSet) -> None:
        """Ask the collections for what is missing. It is called again after each load until nothing is missing."""
        ...

    def process(self, ws: WorkingSet) -> None:
        """Decide, and change the working set. An exception undoes the whole batch."""
        ...


class BatchSource(Protocol):
    """Batches that wait, one after the other. Both methods are called on the store's own threads, and must not block."""

    def next(self) -> Work | None:
        """The batch to carry out now, if one waits."""
        ...

    def stored(self, work: Work) -> None:
        """Called once the batch is on disk."""
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
        """A transaction for each batch of `source`, in their order, until there is no next one or other work wants the store. A
        batch may be decided while the one before is still being committed; it is never stored without it.

        Raises as `run` does. The first batch that was not reported as stored is the one that failed, and nothing after it is
        stored.
        """
        ...

    async def fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of one read-only statement with `?` placeholders, from the newest committed state. Raises
        StoreUnavailable and ReadFailed."""
        ...

    async def write(self, *writes: Write) -> bool:
        """Run statements, in one transaction, over what the process keeps for itself, which no batch changes and no audit event
        records. False, and nothing is stored: another process wrote the same at this moment."""
        ...

    async def probe(self) -> None:
        """Raises StoreUnavailable if a write would not be accepted now."""
        ...

    async def server_time(self) -> int | None:
        """The time of the database server (ms UTC); None if the database is a file of this machine."""
        ...

    async def take_lead(self, work: str) -> bool:
        """Take or keep the lead in `work` among the processes that share the database, unless another one has it. Returns whether
        this one leads now. It only avoids collisions. If the leader ends, another takes over within 25 s."""
        ...

    async def maintain(self, limit: int) -> int:
        """Housekeeping of about `limit` rows: the lookup tables, checkpoints, expired windows and answers.

        Returns how many rows were worked on; fewer than `limit`: nothing is left to do for now.
        """
        ...

    def is_signature_due(self) -> bool:
        """Whether this process has written audit events that `maintain` should sign by now. It asks no database."""
        ...

    async def seal(self) -> None:
        """Sign the end of this process's part of the audit log; nothing may be stored afterwards. May be called again."""
        ...

    async def rotate_secret(self, actor: str) -> int:
        """Replace every checkpoint by one of this process, signed with its own key, and record that in the audit log. Returns how
        many there were."""
        ...

    async def sign_what_is_open(self) -> None:
        """Sign the ends of chains that are no longer written to, so that they can be archived."""
        ...

    async def cut(self, header: Header, actor: str) -> bool:
        """Sign that the events of this segment are in the archive, with its file on disk, and record that in the audit log. False,
        and nothing is stored: it is not the next segment any more, or another process was faster."""
        ...

    async def move_checkpoints(self, moved: Moved, name: str, actor: str) -> bool:
        """Sign that the checkpoints up to one are in the archive, with the file of this name on disk, and record that in the audit
        log. False, and nothing is stored: another process was faster, or one of an earlier version runs beside this one."""
        ...

    async def prune(self, limit: int) -> int:
        """Remove about `limit` rows that are in the archive, as housekeeping does too. Fewer: nothing is left."""
        ...

    async def keep_erasures_outside(self) -> None:
        """Bring the copies of erasures outside the database up to date. `run` does so after an erasure, before it returns."""
        ...

    async def erasures_lacking(self) -> list[Erasure]:
        """The erasures that are kept outside and that this database has not seen, because it was restored from an older backup.
        Raises ErasuresUnreadable."""
        ...

    async def scrub(self) -> tuple[str, ...]:
        """Rewrite the database, so that its unused bytes hold no copy of erased data. Returns where a copy may be left all the
        same, and until when. Calls wait in the meantime."""
        ...

    async def report_alive(self) -> None:
        """Record that this process is alive. One that stops doing so counts for 20 s more."""
        ...

    async def replicas(self) -> int:
        """How many processes use this database: those that reported it, and this one."""
        ...
