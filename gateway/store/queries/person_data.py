"""All stored data of one person that a profile does not show, record by record."""

from collections.abc import Sequence
from typing import Any

from gateway.model import Delivery, PinRow, Split
from gateway.store import Store
from gateway.store.queries.achievements import achievements_among
from gateway.store.queries.profiles import placeholders
from gateway.store.tables.deliveries import DELIVERY
from gateway.store.tables.pins import PIN, SPLIT


async def attributes(store: Store, records: Sequence[int]) -> list[tuple[Any, ...]]:
    """Record, name, value as JSON, when it was stated."""
    return await store.fetch(
        f"SELECT record_id, name, value, at FROM attribute WHERE record_id IN ({placeholders(records)})"
        " ORDER BY record_id, name",
        records,
    )


async def claimed_attributes(store: Store, records: Sequence[int]) -> list[tuple[Any, ...]]:
    """Record, name, value as JSON, source and time of the claim."""
    return await store.fetch(
        "SELECT record_id, name, value, source, claimed_at FROM claimed_attribute"
        f" WHERE record_id IN ({placeholders(records)}) ORDER BY record_id, name",
        records,
    )


async def tags(store: Store, records: Sequence[int]) -> list[tuple[Any, ...]]:
    """Record, tag, when it was attached."""
    return await store.fetch(
        f"SELECT record_id, tag, at FROM tag WHERE record_id IN ({placeholders(records)}) ORDER BY record_id, tag",
        records,
    )


async def pins(store: Store, records: Sequence[int]) -> list[PinRow]:
    among = placeholders(records)
    rows = await store.fetch(
        f"SELECT {PIN.select('p')} FROM pin AS p"
        f" WHERE p.record_a IN ({among}) OR p.record_b IN ({among}) ORDER BY p.record_a, p.record_b",
        (*records, *records),
    )
    return [PIN.read(row) for row in rows]


async def splits(store: Store, records: Sequence[int]) -> list[tuple[int, int, Split]]:
    """Record, its side, and the split that keeps it apart from the other sides."""
    rows = await store.fetch(
        f"SELECT s.record_id, s.side, {SPLIT.select('x')} FROM split_side AS s JOIN split AS x ON x.split_id = s.split_id"
        f" WHERE s.record_id IN ({placeholders(records)}) ORDER BY s.split_id, s.record_id",
        records,
    )
    return [(record_id, side, SPLIT.read(row)) for record_id, side, *row in rows]


async def answers(store: Store, records: Sequence[int]) -> list[tuple[Any, ...]]:
    """Channel, route, key, status and body of the answers that are kept under idempotency keys."""
    among, names = placeholders(records), [f"{record_id:016x}" for record_id in records]
    return await store.fetch(
        "SELECT i.channel, i.route, i.key, i.status, i.body, i.expires_at FROM answer_of AS n"
        " JOIN idempotency AS i ON i.channel = n.channel AND i.route = n.route AND i.key = n.key"
        f" AND i.expires_at = n.expires_at WHERE n.achievement_id IN ({achievements_among(among)})"
        " ORDER BY n.achievement_id",
        (*names, *records),
    )


async def waiting(store: Store, profiles: Sequence[int]) -> list[Delivery]:
    """Events of the platform about the person that are not passed on yet. `profiles` are those that make up the person."""
    rows = await store.fetch(
        f"SELECT {DELIVERY.select('d')} FROM delivery AS d WHERE d.finished_at IS NULL AND d.target <> 'upstream'"
        f" AND d.kind = 'platform' AND d.payload <> '' AND d.about IN ({placeholders(profiles)}) ORDER BY d.delivery_id",
        profiles,
    )
    return [DELIVERY.read(row) for row in rows]


async def import_changes(store: Store, records: Sequence[int]) -> list[tuple[Any, ...]]:
    """What imports changed, as it is kept for an undo."""
    return await store.fetch(
        "SELECT import_id, record_id, at, created, before FROM import_change"
        f" WHERE record_id IN ({placeholders(records)}) ORDER BY record_id, change_id",
        records,
    )
