"""Figures about the database for the metrics: open questions, signatures of the audit log, sizes."""

from gateway.clock import SECOND, Clock
from gateway.store import Store
from gateway.store.operations import newest_moment, newest_signature, open_reviews
from gateway.store.sizes import keep_size, sizes_of
from gateway.telemetry.metrics import Metrics


async def measure(store: Store, path: str | None, clock: Clock, metrics: Metrics) -> None:
    """`path` is that of the database file; None if the database is on a server."""
    metrics.reviews.clear()
    for reason, number in await open_reviews(store):
        metrics.reviews.labels(reason).set(number)
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
