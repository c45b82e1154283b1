"""The embedded store: one SQLite file."""

from gateway.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
