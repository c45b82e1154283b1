"""Batch jobs about orders: their status holds order ids where other jobs' status holds customer ids."""

import codecs
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.clock import Clock
from gateway.errors import StoreUnavailable
from gateway.store import Store
from gateway.store.order_jobs import is_order_job, note_order_jobs

_MOST = 10_000
_LONGEST = 200
_NAMES = ("batchId", "jobId")
_MAKING = frozenset({"POST /batch/orders", "POST /batch/orders/transactions"})
_decode = msgspec.json.Decoder().decode


class OrderJobs:
    """Those that were started through any gateway of this database. Others are recognised by their `operation`. This process knows
    its own also without the database, the newest of them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, None] = {}

    @staticmethod
    def starts_one(route: str) -> bool:
        return route in _MAKING

    async def note(self, answer: bytes) -> None:
        """Remember the job that the answer to its creation names."""
        named = [_members(answer).get(name) for name in _NAMES]
        jobs = [str(job) for job in named if isinstance(job, str | int) and _is_id(str(job))]
        if not jobs:
            return
        self._known.update(dict.fromkeys(jobs))
        while len(self._known) > _MOST:
            del self._known[next(iter(self._known))]
        try:
            await note_order_jobs(self._store, jobs, self._clock.now())
        except StoreUnavailable:
            return

    async def is_one(self, job: str, status: bytes) -> bool:
        """Raises StoreUnavailable."""
        operation = _members(status).get("operation")
        if job in self._known or (isinstance(operation, str) and "order" in operation.lower()):
            return True
        return _is_id(job) and await is_order_job(self._store, job)


def _is_id(text: str) -> bool:
    return 0 < len(text) <= _LONGEST and text.isprintable()


def _members(raw: bytes) -> Mapping[str, Any]:
    try:
        value = _decode(raw.removeprefix(codecs.BOM_UTF8))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
