"""Profiles that stand out, as of housekeeping's last walk over all of them."""

from typing import NamedTuple

from gateway.store import Store
from gateway.store.odd_profiles import WALKED


class Odd(NamedTuple):
    """`measure` is `records`, `id_spaces`, `names` or `values TYPE`."""

    measure: str
    profile_id: int
    number: int


async def odd_profiles(store: Store) -> list[Odd]:
    """By measure, the largest number first."""
    rows = await store.fetch(
        "SELECT o.measure, o.profile_id, o.number FROM odd_profile AS o"
        " JOIN profile AS p ON p.profile_id = o.profile_id WHERE p.redirect_to IS NULL"
        " ORDER BY o.measure, o.number DESC, o.profile_id"
    )
    return [Odd(*row) for row in rows]


async def walked_at(store: Store) -> int | None:
    rows = await store.fetch("SELECT row_id FROM lookup_progress WHERE source = ?", (WALKED,))
    return rows[0][0] if rows else None
