"""What is stored, in SQLite or PostgreSQL: `Store` says what each engine can do."""

from gateway.store.protocol import Store, Work, Works

__all__ = ["Store", "Work", "Works"]
