"""Figures about the database for the metrics: what waits for an operator, signatures of the audit log, sizes, rows of tables."""

from time import perf_counter

from gateway.clock import SECOND, Clock
from gateway.store import Store
from gateway.store.gateway_reads import newest_moment, newest_signature, open_reviews
from gateway.store.queries.jobs import count_distrusted
from gateway.store.queries.overview import failed
from gateway.store.sizes import counted_rows, estimated_tables, keep_size, sizes_of, tables
from gateway.telemetry.metrics import Metrics

_BETWEEN_TABLES = 2.0
_BETWEEN_ESTIMATES = 60.0
_SHARE = 1_000
"""A count is followed by a pause this many times as long, so that counting takes a thousandth of the time at most."""


class RowCounter:
    """Counts the rows of SQLite's tables, one table in each step. PostgreSQL is asked for its own estimate of all, and for their
    sizes."""

    def __init__(self, store: Store, metrics: Metrics, *, is_file: bool) -> None:
        self._store = store
        self._rows, self._bytes = metrics.database.rows, metrics.database.table_bytes
        self._is_file = is_file
        self._left: list[str] = []

    async def step(self) -> float:
        started = perf_counter()
        if not self._is_file:
            for table, rows, size in await estimated_tables(self._store):
                self._rows.labels(table).set(rows)
                self._bytes.labels(table).set(size)
            return _BETWEEN_ESTIMATES
        self._left = self._left or await tables(self._store)
        table = self._left.pop(0)
        self._rows.labels(table).set(await counted_rows(self._store, table))
        return max(_BETWEEN_TABLES, _SHARE * (perf_counter() - started))


async def measure(store: Store, path: str | None, clock: Clock, metrics: Metrics) -> None:
    """`path` is that of the database file; None if the database is on a server."""
    metrics.reviews.clear()
    for reason, number in await open_reviews(store):
        metrics.reviews.labels(reason).set(number)
    counts = await failed(store)
    metrics.regrouping.failed.set(counts.regroupings)
    metrics.stopped.grants.set(counts.grants)
    metrics.stopped.jobs.labels("failed").set(counts.jobs)
    metrics.stopped.jobs.labels("distrusted").set(await count_distrusted(store))
    metrics.audit.checkpoint_age.set(await _unsigned_for(store, clock) / SECOND)
    sizes = await sizes_of(store, path)
    if sizes.database is not None:
        await keep_size(store, sizes.database, clock.now())
    for gauge, size in zip(
        (metrics.database.bytes, metrics.database.wal_bytes, metrics.database.disk_free_bytes),
        sizes,
        strict=True,
    ):
        if size is not None:
            gauge.set(size)


async def _unsigned_for(store: Store, clock: Clock) -> int:
    """How long ago the audit log was signed last, while it has newer events; 0 otherwise."""
    signed = await newest_signature(store)
    return max(0, clock.now() - signed) if signed and await newest_moment(store) > signed else 0
