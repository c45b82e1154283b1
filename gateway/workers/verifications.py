"""When the audit log was verified last, and what was found, whichever process did it. The database keeps it, signed."""

from gateway.audit.verification_record import VerificationRecord, read, written
from gateway.clock import SECOND
from gateway.errors import StoreUnavailable
from gateway.store import Store
from gateway.store.statement import Write
from gateway.telemetry.metrics import AuditMetrics

_KEEP = """
INSERT INTO audit_verified VALUES (?, ?, ?)
ON CONFLICT (verified_id) DO UPDATE SET told = excluded.told, signature = excluded.signature
"""
_KEPT = "SELECT told, signature FROM audit_verified WHERE verified_id = 1"
_CHECKPOINT = "SELECT signature FROM audit_checkpoint WHERE checkpoint_id = ?"
_OLDEST = "SELECT checkpoint_id FROM audit_checkpoint ORDER BY checkpoint_id LIMIT 1"


class Verifications:
    """`last` never goes back to an earlier one than this process has seen."""

    def __init__(self, store: Store, key: bytes, metrics: AuditMetrics) -> None:
        self._store = store
        self._key = key
        self._metrics = metrics
        self._seen: VerificationRecord | None = None

    async def note(self, verified: VerificationRecord) -> None:
        """If the database takes no writes now, this process alone knows of it. What a wider verification found stays known."""
        try:
            verified = verified.after(await self.last())
        except StoreUnavailable:
            verified = verified.after(self._seen)
        self._see(verified)
        try:
            await self._store.write(Write(_KEEP, [(1, *written(self._key, verified))]))
        except StoreUnavailable:
            return

    async def last(self) -> VerificationRecord | None:
        """None: never, or what is stored was not signed with the master secret, or for another log. Sets the metrics."""
        for text, signature in await self._store.fetch(_KEPT):
            stored = read(self._key, text, signature)
            if stored is not None and await self._is_of_this_log(stored):
                self._see(stored)
        return self._seen

    def _see(self, verified: VerificationRecord) -> None:
        if self._seen is None or verified.at >= self._seen.at:
            self._seen = verified
        self._metrics.verified_at.set(self._seen.at / SECOND)
        self._metrics.breaches.set(self._seen.known_breaches)

    async def _is_of_this_log(self, verified: VerificationRecord) -> bool:
        """A copy of the database with the same secret may have been verified. Its log has gone on with other checkpoints. What is
        older than all checkpoints was verified before those of its time were archived."""
        found = await self._store.fetch(_CHECKPOINT, (verified.checkpoint,))
        if found:
            return found[0][0].hex() == verified.signature
        oldest = await self._store.fetch(_OLDEST)
        return not oldest or verified.checkpoint < oldest[0][0]
