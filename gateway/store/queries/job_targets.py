"""What a job changes: the things that match its filter and still wait for the change."""

from collections.abc import Sequence
from typing import Any

from gateway.model import Filter, JobKind
from gateway.store import Store
from gateway.store.queries.achievements import WantedRetries, undecided
from gateway.store.queries.merges import WantedMerges, merges
from gateway.store.queries.outbox import WantedDeliveries, stuck_deliveries
from gateway.store.queries.reviews import WantedReviews, reviews

_NEWEST = (1 << 63) - 1
_COUNTED_AT_ONCE = 500
_IDS = {
    "merges": "merge_id",
    "reviews": "review_id",
    "deliveries": "delivery_id",
    "achievements": "achievement_id",
}
"""The field that holds it."""


async def matching(
    store: Store, kind: JobKind, chosen: Filter, before: int, limit: int
) -> tuple[Sequence[Any], int | None]:
    """The newest `limit` of them below the id `before`, and where to continue; None: that was all."""
    place: int | None = before
    found: list[Any] = []
    while place is not None and len(found) < limit:
        more, place = await _matching(store, kind, chosen, place, limit - len(found))
        found += more
    return found, place


async def _matching(
    store: Store, kind: JobKind, chosen: Filter, before: int, limit: int
) -> tuple[Sequence[Any], int | None]:
    """Perhaps fewer, although it is not all."""
    given: dict[str, Any] = dict(chosen)
    match kind:
        case "undo_merges":
            return await merges(store, WantedMerges(**given, state="standing"), before, limit)
        case "accept_reviews" | "reject_reviews":
            return await reviews(store, WantedReviews(**given, state="open"), before, limit)
        case "retry_deliveries" | "discard_deliveries":
            return await stuck_deliveries(store, WantedDeliveries(**given), before, limit)
        case "retry_achievements":
            return await undecided(store, WantedRetries(**given), before, limit)


def id_of(kind: JobKind, thing: Any) -> int:
    return getattr(thing, _IDS[kind.partition("_")[2]])


async def count_matching(store: Store, kind: JobKind, chosen: Filter) -> tuple[int, int]:
    """How many there are, and an id just above the newest of them."""
    number, above, place = 0, 0, _NEWEST
    while True:
        found, behind = await matching(store, kind, chosen, place, _COUNTED_AT_ONCE)
        number += len(found)
        above = above or (id_of(kind, found[0]) + 1 if found else 0)
        if behind is None:
            return number, above
        place = behind
