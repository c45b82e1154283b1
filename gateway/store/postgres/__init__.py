"""The store of several gateways: PostgreSQL, or an engine that speaks its protocol."""

from gateway.store.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
