"""The overview for operators: what waits for a person, and what is under way. Each is counted in an index of its own."""

from typing import NamedTuple

from gateway.ids import moment
from gateway.model import Regrouping
from gateway.sqlite_library import VERSION
from gateway.store import Store
from gateway.store.tables.regrouping import GIVEN_UP, OPEN_WALKS, REGROUPING

_FAILED = f"""
SELECT (SELECT COUNT(*) FROM achievement WHERE state = 'failed'), (SELECT COUNT(*) FROM job WHERE state = 'failed'),
(SELECT COUNT(*) FROM regrouping WHERE {GIVEN_UP})
"""


class Failed(NamedTuple):
    """How many of each wait for an operator."""

    grants: int
    jobs: int
    regroupings: int


class StuckDeliveries(NamedTuple):
    """Deliveries that wait for an operator; `oldest_at` is when the oldest was queued (ms)."""

    state: str
    number: int
    oldest_at: int


async def failed(store: Store) -> Failed:
    [counts] = await store.fetch(_FAILED)
    return Failed(*counts)


async def deliveries_for_a_person(store: Store) -> list[StuckDeliveries]:
    """The dead and the held ones."""
    rows = await store.fetch(
        "SELECT state, COUNT(*), MIN(delivery_id) FROM delivery WHERE state IN ('dead', 'held') GROUP BY state"
    )
    return [StuckDeliveries(state, number, moment(oldest)) for state, number, oldest in rows]


async def open_walks(store: Store) -> list[Regrouping]:
    """The walks over all profiles that are not finished."""
    return [REGROUPING.read(row) for row in await store.fetch(OPEN_WALKS)]


async def small_regroupings(store: Store) -> int:
    """How many values and single profiles are still to be looked at again."""
    rows = await store.fetch(
        "SELECT COUNT(*) FROM regrouping WHERE finished_at IS NULL AND failed_at IS NULL"
        " AND scope IN ('value', 'profile')"
    )
    return rows[0][0]


async def schema_version(store: Store) -> int:
    rows = await store.fetch("SELECT MAX(version) FROM schema_version")
    return rows[0][0]


async def engine(store: Store, path: str | None) -> str:
    """The database engine and its version. `path` is that of the database file; None if the database is on a server."""
    if path is not None:
        return f"SQLite {VERSION}"
    [[known]] = await store.fetch("SELECT current_setting('server_version')")
    return f"PostgreSQL {known}"
