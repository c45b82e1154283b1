"""Batch jobs about orders: their status holds order ids where other jobs' status holds customer ids."""

import codecs
from collections.abc import Mapping
from typing import Any

import msgspec

_MOST = 10_000
_NAMES = ("batchId", "jobId")
_MAKING = frozenset({"POST /batch/orders", "POST /batch/orders/transactions"})
_decode = msgspec.json.Decoder().decode


class OrderJobs:
    """The newest ones that this process started. Others, also after a restart, are recognised by their `operation`."""

    def __init__(self) -> None:
        self._known: dict[str, None] = {}

    @staticmethod
    def starts_one(route: str) -> bool:
        return route in _MAKING

    def note(self, answer: bytes) -> None:
        """Remember the job that the answer to its creation names."""
        for name in _NAMES:
            job = _members(answer).get(name)
            if isinstance(job, str | int):
                self._known[str(job)] = None
        while len(self._known) > _MOST:
            del self._known[next(iter(self._known))]

    def is_one(self, job: str, status: bytes) -> bool:
        operation = _members(status).get("operation")
        return job in self._known or (isinstance(operation, str) and "order" in operation.lower())


def _members(raw: bytes) -> Mapping[str, Any]:
    try:
        value = _decode(raw.removeprefix(codecs.BOM_UTF8))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
