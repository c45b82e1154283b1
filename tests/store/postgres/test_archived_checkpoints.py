"""Checkpoints of the audit log that go to the archive, while several gateways share the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.clock import MINUTE
from tests.support.store_batches import log, run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.store import Store
    from tests.support.audit_history import ArchivedDatabase


async def test_no_checkpoint_goes_beside_a_gateway_that_could_not_read_the_log_then(
    fresh: ArchivedDatabase, store_factory: Callable[[], Awaitable[Store]]
) -> None:
    """One of an earlier version."""
    until = fresh.clock.now() + MINUTE
    await fresh.tamper(f"INSERT INTO lease VALUES ('chain:{'e' * 32}', '{'e' * 32} covers 70', {until})")
    assert (await fresh.archive()).checkpoints == 0
    fresh.clock.advance(2 * MINUTE)
    assert (await fresh.archive()).checkpoints > 0
    store = await store_factory()
    await run(store, log)
