"""All stored data about one person, for a request under data protection law."""

from typing import Any

import msgspec

from gateway.audit.event import Action
from gateway.http.admin.achievements import AchievementView, achievement_view
from gateway.http.admin.audit import EventView, events_of
from gateway.http.admin.listing import MOST, NEWEST, Query
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.profiles import ProfileDetail, unknown_customer, whole_profile
from gateway.http.admin.times import Time, shown, shown_or_none
from gateway.ids import show
from gateway.model import NoteEvent, PinRow, Split
from gateway.store import Store
from gateway.store.queries import person_data
from gateway.store.queries.achievements import WantedAchievements, achievements
from gateway.store.queries.pins import records_of
from gateway.store.queries.profiles import ids_leading_to


class ExportedAttribute(msgspec.Struct):
    record: str
    name: str
    value: msgspec.Raw
    at: Time


class ExportedClaim(msgspec.Struct):
    """A statement about a record by a source that may not state it."""

    record: str
    name: str
    value: msgspec.Raw
    source: str
    at: Time


class ExportedTag(msgspec.Struct):
    record: str
    tag: str
    at: Time


class ExportedPin(msgspec.Struct):
    records: list[str]
    kind: str
    actor: str
    reason: str
    created_at: Time
    until: Time | None


class ExportedAnswer(msgspec.Struct):
    """An answer that is stored under the client's `Idempotency-Key`."""

    channel: str
    route: str
    key: str
    status: int
    body: str
    expires_at: Time


class ExportedMessage(msgspec.Struct):
    """An event of the platform about the person, until it is passed on."""

    id: str
    target: str
    created_at: Time
    body: str


class ExportedChange(msgspec.Struct):
    """A change by an import; `before` is the former value."""

    import_id: str
    record: str
    at: Time
    created: bool
    before: str


class ExportedSplit(msgspec.Struct):
    """A record of the person that is kept apart from the other sides of a split."""

    id: str
    record: str
    side: int
    actor: str
    reason: str
    created_at: Time
    until: Time | None


class PersonExport(msgspec.Struct):
    """`events` are from the audit log, oldest first, including those of absorbed profiles."""

    exported_at: Time
    profile: ProfileDetail
    attributes: list[ExportedAttribute]
    claimed_attributes: list[ExportedClaim]
    tags: list[ExportedTag]
    pins: list[ExportedPin]
    splits: list[ExportedSplit]
    achievements: list[AchievementView]
    kept_answers: list[ExportedAnswer]
    waiting_messages: list[ExportedMessage]
    import_changes: list[ExportedChange]
    events: list[EventView]


async def export_profile(call: Call[Query]) -> PersonExport:
    asked, store = call.id("prf"), call.services.store
    profile = await whole_profile(call.services, asked)
    if profile is None:
        raise unknown_customer(call)
    number = int(profile.id.removeprefix("prf_"), 16)
    await call.submit(NoteEvent(call.caller, Action.CUSTOMER_EXPORTED, profile=profile.id))
    family = [number, *(one for one in await ids_leading_to(store, number) if one != number)]
    records = await records_of(store, number)
    return PersonExport(
        shown(call.services.clock.now()),
        profile,
        [
            ExportedAttribute(show("rec", record), name, msgspec.Raw(value.encode()), shown(at))
            for record, name, value, at in await person_data.attributes(store, records)
        ],
        [
            ExportedClaim(show("rec", record), name, msgspec.Raw(value.encode()), source, shown(at))
            for record, name, value, source, at in await person_data.claimed_attributes(store, records)
        ],
        [
            ExportedTag(show("rec", record), tag, shown(at))
            for record, tag, at in await person_data.tags(store, records)
        ],
        [_pin(pin) for pin in await person_data.pins(store, records)],
        [_split(*found) for found in await person_data.splits(store, records)],
        await _achievements(store, number),
        [
            ExportedAnswer(
                channel, route, key, status, bytes(body).decode("utf-8", "replace"), shown(expires_at)
            )
            for channel, route, key, status, body, expires_at in await person_data.answers(store, records)
        ],
        [
            ExportedMessage(show("dlv", one.delivery_id), one.target, shown(one.created_at), one.payload)
            for one in await person_data.waiting(store, family)
        ],
        [
            ExportedChange(f"imp_{import_id}", show("rec", record), shown(at), bool(created), before)
            for import_id, record, at, created, before in await person_data.import_changes(store, records)
        ],
        await events_of(call, [show("prf", one) for one in family]),
    )


def _pin(pin: PinRow) -> ExportedPin:
    records = [show("rec", pin.record_a), show("rec", pin.record_b)]
    return ExportedPin(
        records, pin.kind, pin.actor, pin.reason, shown(pin.created_at), shown_or_none(pin.until)
    )


def _split(record_id: int, side: int, split: Split) -> ExportedSplit:
    return ExportedSplit(
        show("spl", split.split_id),
        show("rec", record_id),
        side,
        split.actor,
        split.reason,
        shown(split.created_at),
        shown_or_none(split.until),
    )


async def _achievements(store: Store, number: int) -> list[AchievementView]:
    found: list[Any] = []
    before = NEWEST
    while True:
        some = await achievements(store, WantedAchievements(profile_id=number), before, MOST)
        found += map(achievement_view, some)
        if len(some) < MOST:
            return found
        before = some[-1].achievement.achievement_id


OPERATIONS = (
    Operation(
        method="GET",
        path="/profiles/{id}/export",
        handler=export_profile,
        role="admin",
        summary="Everything that is stored about a person; the audit log records who asked for it",
        answer=PersonExport,
    ),
)
