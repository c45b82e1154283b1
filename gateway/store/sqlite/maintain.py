"""Housekeeping of the SQLite file, a bounded step at a time: look-up rows for what only questions ask, signed checkpoints of
the audit log, and the removal of what has expired."""

import sqlite3
from typing import Any

import msgspec

from gateway.audit.chain import Chain, sign
from gateway.clock import HOUR

_CHECKPOINT_EVENTS = 1_000
_SWEEP_EVERY = HOUR
_AUDIT_FIELDS = ("profile", "object", "request_id")


class Maintenance:
    """The state of housekeeping between steps; all of it can be lost, nothing of it is needed for correctness."""

    def __init__(self, chain: Chain, checkpoint_key: bytes, checkpoint_every: int) -> None:
        self._chain = chain
        self._key = checkpoint_key
        self._every = checkpoint_every
        self._signed_seq = 0
        self._signed_at = 0
        self._sweep_from: tuple[int, int] = (0, 0)
        self._next_sweep = 0

    def step(self, connection: sqlite3.Connection, now: int, limit: int) -> int:
        """Work on at most about `limit` rows; answers how many there were."""
        done = self._index_audit(connection, limit)
        done += self._index_achievements(connection, limit)
        self._checkpoint(connection, now)
        if done < limit:
            done += _drop_expired_answers(connection, now, limit)
            done += self._sweep_windows(connection, now, limit)
        return done

    def _index_audit(self, connection: sqlite3.Connection, limit: int) -> int:
        rows = connection.execute(
            f"SELECT event_id, {', '.join(_AUDIT_FIELDS)} FROM audit WHERE event_id > ? ORDER BY event_id LIMIT ?",
            (_progress(connection, "audit"), limit),
        ).fetchall()
        entries = [
            (f"audit.{field}", value, row[0])
            for row in rows
            for field, value in zip(_AUDIT_FIELDS, row[1:], strict=True)
            if value
        ]
        return _index(connection, "audit", rows, entries)

    def _index_achievements(self, connection: sqlite3.Connection, limit: int) -> int:
        rows = connection.execute(
            "SELECT achievement_id, record_id FROM achievement WHERE achievement_id > ? ORDER BY achievement_id LIMIT ?",
            (_progress(connection, "achievement"), limit),
        ).fetchall()
        entries = [("achievement.record", f"{record_id:016x}", row_id) for row_id, record_id in rows]
        return _index(connection, "achievement", rows, entries)

    def _checkpoint(self, connection: sqlite3.Connection, now: int) -> None:
        fresh = self._chain.seq - self._signed_seq
        if not fresh or (fresh < _CHECKPOINT_EVENTS and now - self._signed_at < self._every):
            return
        newest = "SELECT signature FROM audit_checkpoint ORDER BY checkpoint_id DESC LIMIT 1"
        previous = connection.execute(newest).fetchone()
        heads = msgspec.json.encode({self._chain.name: (self._chain.seq, self._chain.head.hex())}).decode()
        signature = sign(self._key, now, heads, previous[0] if previous else b"")
        row = (now, heads, signature)
        connection.execute("INSERT INTO audit_checkpoint VALUES (NULL, ?, ?, ?)", row)
        self._signed_seq, self._signed_at = self._chain.seq, now

    def _sweep_windows(self, connection: sqlite3.Connection, now: int, limit: int) -> int:
        """Once an hour, walk over the dedup windows and drop the ended ones."""
        if now < self._next_sweep:
            return 0
        rows = connection.execute(
            "SELECT profile_id, campaign_id, expires_at FROM dedup WHERE (profile_id, campaign_id) > (?, ?) "
            "ORDER BY profile_id, campaign_id LIMIT ?",
            (*self._sweep_from, limit),
        ).fetchall()
        ended = [
            (profile_id, campaign_id) for profile_id, campaign_id, expires_at in rows if expires_at <= now
        ]
        connection.executemany("DELETE FROM dedup WHERE profile_id = ? AND campaign_id = ?", ended)
        if len(rows) < limit:
            self._sweep_from, self._next_sweep = (0, 0), now + _SWEEP_EVERY
        else:
            self._sweep_from = rows[-1][:2]
        return len(rows)


def _progress(connection: sqlite3.Connection, source: str) -> int:
    row = connection.execute("SELECT row_id FROM lookup_progress WHERE source = ?", (source,)).fetchone()
    return row[0] if row else 0


def _index(
    connection: sqlite3.Connection,
    source: str,
    rows: list[tuple[Any, ...]],
    entries: list[tuple[str, str, int]],
) -> int:
    if rows:
        entries.sort()
        connection.executemany("INSERT OR IGNORE INTO lookup VALUES (?, ?, ?)", entries)
        connection.execute(
            "INSERT INTO lookup_progress VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET row_id = excluded.row_id",
            (source, rows[-1][0]),
        )
    return len(rows)


def _drop_expired_answers(connection: sqlite3.Connection, now: int, limit: int) -> int:
    return connection.execute(
        "DELETE FROM idempotency WHERE (channel, route, key) IN "
        "(SELECT channel, route, key FROM idempotency WHERE expires_at <= ? LIMIT ?)",
        (now, limit),
    ).rowcount
