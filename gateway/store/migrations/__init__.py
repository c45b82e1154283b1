"""The schema as numbered, forward-only steps: `NNNN_name.sql`."""

from gateway.store.migrations.steps import Migration, all_migrations, pending

__all__ = ["Migration", "all_migrations", "pending"]
