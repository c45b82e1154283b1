"""Where engines that speak PostgreSQL's protocol differ from it, and what the gateway does about it."""

from gateway.errors import SchemaMismatch
from gateway.store.postgres.connection import Connection

_SPREAD = """
SELECT c.relname::text, p.partmethod::text FROM pg_dist_partition AS p JOIN pg_class AS c ON c.oid = p.logicalrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() ORDER BY 1
"""
_REFERENCE = "n"


async def refuse_spread_tables(connection: Connection, *, one_coordinator: bool) -> None:
    """Citus sees conflicts of serializable transactions within a node only. Tables that it distributes by a column are always
    refused, reference tables unless every gateway uses `one_coordinator`. Raises SchemaMismatch."""
    if await connection.fetchval("SELECT to_regclass('pg_dist_partition')") is None:
        return
    for table, method in await connection.fetch(_SPREAD):
        if method != _REFERENCE:
            raise SchemaMismatch(
                f"The table {table} is distributed over several nodes, where transactions are not serializable."
                " Make it local: SELECT undistribute_table('…')."
            )
        if not one_coordinator:
            raise SchemaMismatch(
                f"The table {table} is a reference table of Citus. Transactions through several nodes are not serializable."
                " If every gateway uses the same coordinator, set: [store] one_coordinator = true"
            )
