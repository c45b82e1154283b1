"""The time of a batch, its supply of ids, and the collections that it uses."""

from typing import Any

from gateway.ids import Ids
from gateway.workingset.collection import Written
from rules.source import Source


class BatchContext:
    """`now` is the one time of the transaction (ms UTC), which decides deadlines. `stamp` is the time for what is sorted by time;
    it never goes back. `source` is the sender of the current command, in `request_id`; `traces` are by request. `declared` is the
    name that the user of the shared token gives. `collections` are those that the batch uses, by name."""

    def __init__(self, now: int, ids: Ids, *, stamp: int | None = None) -> None:
        self.now = now
        self.stamp = now if stamp is None else stamp
        self.source: Source = "gateway"
        self.request_id = ""
        self.declared = ""
        self.traces: dict[str, str] = {}
        self.ids = ids
        self.collections: dict[str, Written[Any, Any]] = {}

    def next_id(self) -> int:
        return self.ids.next(self.stamp)
