"""Rows that share an e-mail or a mobile, grouped by DuckDB's SQL alone or by Splink's exact linking: a question on stdin, the
answer on stdout. Nothing is stored, and the normalisation is the least that these sheets need."""

import sys
import time
from typing import Any, Literal

import msgspec

_NORMALISED = r"""
CREATE TABLE records AS SELECT row_number() OVER () AS unique_id, customer_id, nullif(lower(trim(email)), '') AS email,
nullif(regexp_replace(regexp_replace(mobile, '[^0-9]', '', 'g'), '^(00)?(20)?0?', '20'), '20') AS mobile
FROM read_csv($sheets, all_varchar = true)
"""
_EDGES = """
CREATE TABLE edges AS
SELECT unique_id AS a, min(unique_id) OVER (PARTITION BY email) AS b FROM records WHERE email IS NOT NULL
UNION ALL
SELECT unique_id AS a, min(unique_id) OVER (PARTITION BY mobile) AS b FROM records WHERE mobile IS NOT NULL
"""
_FIRST = "CREATE TABLE groups AS SELECT unique_id AS a, unique_id AS label FROM records"
_NEXT = """
CREATE TABLE nearer AS SELECT a, min(label) AS label FROM (
SELECT e.a, g.label FROM edges AS e JOIN groups AS g ON g.a = e.b
UNION ALL SELECT e.b, g.label FROM edges AS e JOIN groups AS g ON g.a = e.a
UNION ALL SELECT a, label FROM groups) GROUP BY a
"""
_CHANGED = "SELECT count(*) FROM nearer JOIN groups USING (a) WHERE nearer.label <> groups.label"
_GROUPS = "SELECT count(DISTINCT label) FROM groups"


class Uniting(msgspec.Struct, frozen=True):
    sheets: list[str]
    by: Literal["duckdb", "splink"]


class United(msgspec.Struct, frozen=True):
    """`cpu` is of all threads, in seconds."""

    groups: int
    seconds: float
    cpu: float


def main() -> None:
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Uniting)
    import duckdb  # pyright: ignore[reportMissingImports]

    began, used = time.perf_counter(), time.process_time()
    connection = duckdb.connect()
    connection.execute(_NORMALISED, {"sheets": question.sheets})
    groups = _by_sql(connection) if question.by == "duckdb" else _by_splink(connection)
    answer = United(groups, time.perf_counter() - began, time.process_time() - used)
    sys.stdout.buffer.write(msgspec.json.encode(answer))


def _by_sql(connection: Any) -> int:
    """Each row takes the least label of its neighbours until none changes."""
    connection.execute(_EDGES)
    connection.execute(_FIRST)
    while True:
        connection.execute(_NEXT)
        ((changed,),) = connection.execute(_CHANGED).fetchall()
        connection.execute("DROP TABLE groups; ALTER TABLE nearer RENAME TO groups")
        if not changed:
            ((count,),) = connection.execute(_GROUPS).fetchall()
            return count


def _by_splink(connection: Any) -> int:
    from splink import (  # pyright: ignore[reportMissingImports]
        DuckDBAPI,
        Linker,
        SettingsCreator,
        block_on,
    )

    engine = DuckDBAPI(connection=connection)
    settings = SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=[block_on("email"), block_on("mobile")],
    )
    linker = Linker(engine.register("records"), settings, log_level=None)
    pairs = linker.inference.deterministic_link()
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs)
    ((count,),) = connection.execute(
        f"SELECT count(DISTINCT cluster_id) FROM {clusters.physical_name}"  # noqa: S608 - of Splink
    ).fetchall()
    return count


if __name__ == "__main__":
    main()
