"""Counts what happens: in memory at once, in the database every few seconds and at the end. Calls do not wait for it.

A gateway that is killed loses the counts since it last stored them. If it is not known whether they were stored, they are added
once more. These figures are approximate; the audit log is exact.
"""

from collections.abc import Mapping

from gateway.clock import MINUTE
from gateway.model import Activity, Happening
from gateway.store import Store
from gateway.store.activity import Counts, additions

_STORE_EVERY = 10.0
_REFUSED, _FAILED = 400, 500
_KEY = "key:"


class ActivityCounter:
    """`note_call` for each answer, `note_happened` for each commit; `store_counts` puts both into the database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counts = Counts()

    def note_call(self, channel: str, status: int, now: int, actor: str = "") -> None:
        """`actor` is the key pair of the call, as the audit log has it."""
        key = (now - now % MINUTE, channel)
        row = self._counts.channels.get(key)
        if row is None:
            row = self._counts.channels[key] = Activity()
        row.calls += 1
        row.last_call = now
        if actor.startswith(_KEY):
            self._counts.keys[actor[len(_KEY) :]] = now
        if status >= _FAILED:
            row.calls_failed += 1
        elif status >= _REFUSED:
            row.calls_refused += 1

    def note_happened(self, now: int, happened: Mapping[Happening, int]) -> None:
        minute, counts = now - now % MINUTE, self._counts.happened
        for one, number in happened.items():
            counts[minute, one] = counts.get((minute, one), 0) + number

    async def step(self) -> float:
        """Store the counts. Returns the seconds until the next step."""
        await self.store_counts()
        return _STORE_EVERY

    async def store_counts(self) -> None:
        counts, self._counts = self._counts, Counts()
        if not counts:
            return
        is_stored = False
        try:
            is_stored = await self._store.write(*additions(counts))
        finally:
            if not is_stored:
                self._take_back(counts)

    def _take_back(self, counts: Counts) -> None:
        for (minute, channel), one in counts.channels.items():
            row = self._counts.channels.setdefault((minute, channel), Activity())
            row.calls += one.calls
            row.calls_refused += one.calls_refused
            row.calls_failed += one.calls_failed
            row.last_call = max(row.last_call, one.last_call)
        for key_id, used_at in counts.keys.items():
            self._counts.keys.setdefault(key_id, used_at)
        for (minute, what), number in counts.happened.items():
            self.note_happened(minute, {what: number})
