"""What is stored, in SQLite or PostgreSQL: `Store` says what each engine can do."""

from gateway.store.protocol import BatchSource, Store, Work

__all__ = ["BatchSource", "Store", "Work"]
