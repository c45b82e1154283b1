"""The effects of a command: it is carried out over its working set, compared with what was there before, and not stored.

So a preview and the real command cannot differ: both are the same use case. A preview has the working set to itself. If a neighbour
of its batch changed something before it, or reads something after it, that raises `NotLoaded`, and the pipeline puts the two into
batches of their own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from gateway.model import (
    Delivery,
    Effects,
    KeyMoved,
    Lead,
    PinChange,
    PinRow,
    ProfileAfter,
    ReviewAfter,
    ReviewItem,
    Sending,
)
from gateway.usecases.webhook_events import EVENT
from gateway.workingset import NotLoaded, WorkingSet
from rules.identifier import Identifier


class _Topic(msgspec.Struct):
    type: str


_topic = msgspec.json.Decoder(_Topic).decode


@dataclass(slots=True, frozen=True)
class Before:
    """The state before a command. `leads` are all profile ids that are known here, with the live profile that each leads to;
    `absorbed` are those of them whose own rows are not loaded."""

    leads: Mapping[int, int | None]
    absorbed: Mapping[int, int]
    owners: Mapping[Identifier, int | None]
    reviews: Mapping[int, tuple[str, int, int]]
    pins: Mapping[tuple[int, int], PinRow | None]


def wants_of_effects(ws: WorkingSet) -> bool:
    """What the effects need, beside what the command itself needs: points by record, and the ids that lead to its profiles."""
    profiles = list(ws.profiles)
    is_counted = ws.counted.want_all(profiles)
    return ws.absorptions.want_all(profiles) and is_counted


def before(ws: WorkingSet) -> Before:
    if ws.changed() or ws.events:
        raise NotLoaded("a preview and what a neighbour of it changed")
    absorbed = {
        row.absorbed_id: profile_id for profile_id in ws.absorptions for row in ws.absorptions[profile_id]
    }
    return Before(
        {profile_id: _end(profile_id, ws, absorbed) for profile_id in (*ws.profiles, *absorbed)},
        absorbed,
        {identifier: key.owner for identifier, key in ws.keys.held.items()},
        {item.review_id: (item.state, item.profile_a, item.profile_b) for item in _reviews(ws)},
        dict(ws.all_pins.held),
    )


def _reviews(ws: WorkingSet) -> Iterator[ReviewItem]:
    return (item for item in ws.review_items.values() if item is not None)


def _end(profile_id: int, ws: WorkingSet, absorbed: Mapping[int, int]) -> int | None:
    """The live profile that an id leads to; None if it was erased."""
    while True:
        if profile_id in ws.profiles:
            target = ws.profiles[profile_id].redirect_to
            if target is None:
                return profile_id
        else:
            target = absorbed.get(profile_id)
            if target is None:
                return None
        profile_id = target


def effects(ws: WorkingSet, known: Before) -> Effects:
    """What changed since `known`."""
    leads = {one: _end(one, ws, known.absorbed) for one in known.leads}
    return Effects(
        tuple(_profiles(ws, known)),
        tuple(Lead(one, to) for one, to in leads.items() if to != known.leads[one]),
        tuple(_keys(ws, known)),
        tuple(_changed_reviews(ws, known)),
        tuple(_pins(ws, known)),
        tuple(ws.merges.changed),
        tuple(_sending(one) for one in ws.deliveries.added.values() if one is not None),
    )


def _profiles(ws: WorkingSet, known: Before) -> Iterator[ProfileAfter]:
    for _, profile in ws.stored_profiles.changed.values():
        if profile.redirect_to is None:
            yield ProfileAfter(
                profile.profile_id,
                profile.profile_id not in known.leads,
                profile.version,
                ws.canonical_id_of(profile.profile_id),
                sum(ws.points.get(record_id, 0) for record_id in profile.records),
                tuple(sorted(profile.records)),
            )


def _keys(ws: WorkingSet, known: Before) -> Iterator[KeyMoved]:
    for identifier, key in ws.keys.held.items():
        if key.owner != known.owners[identifier]:
            yield KeyMoved(identifier, known.owners[identifier], key.owner)


def _changed_reviews(ws: WorkingSet, known: Before) -> Iterator[ReviewAfter]:
    gone = ws.erased.added
    for item in _reviews(ws):
        pair = item.profile_a, item.profile_b
        was = known.reviews.get(item.review_id)
        is_erased = not gone.keys().isdisjoint(pair)
        if is_erased or was != (item.state, *pair):
            state = "erased" if is_erased else item.state
            yield ReviewAfter(item.review_id, was is None, pair, item.reason, state)


def _pins(ws: WorkingSet, known: Before) -> Iterator[PinChange]:
    for pair, pin in ws.all_pins.changed.items():
        if pin is not None:
            yield PinChange(*pair, pin.kind, True)
    for pair in ws.all_pins.dropped:
        if (pin := known.pins[pair]) is not None:
            yield PinChange(*pair, pin.kind, False)
    for split_id in ws.splits.added:
        yield _of_split(split_id, ws, is_set=True)
    for split_id in dict.fromkeys((*(one for _, one in ws.split_sides.changed), *ws.splits.dropped)):
        yield _of_split(split_id, ws, is_set=False)


def _of_split(split_id: int, ws: WorkingSet, *, is_set: bool) -> PinChange:
    """One change for all pins for which the split stands."""
    first, *others = sorted(ws.sides_of.get(split_id, {0: 0}))
    return PinChange(first, others[0] if others else first, "cannot", is_set)


def _sending(delivery: Delivery) -> Sending:
    return Sending(
        delivery.target, _topic(delivery.payload).type if delivery.kind == EVENT else delivery.kind
    )
