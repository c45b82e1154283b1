"""Attributes of a profile: what each record says, and which value wins."""

from collections.abc import Container, Iterable
from typing import Any

import msgspec

from gateway.http.admin.times import Time, shown
from gateway.http.services import Services
from gateway.ids import show
from gateway.model import CustomerRecord
from gateway.store.queries import profiles as queries
from gateway.store.queries.profiles import Attribute, ProfileOverview
from rules.survivor import AttributeValue, winning


class ValueView(msgspec.Struct):
    """What one record says of an attribute. `wins`: the profile has this value; others stay behind it."""

    record: str
    name: str
    value: Any
    source: str
    at: Time
    wins: bool


async def values_of(services: Services, overview: ProfileOverview) -> tuple[dict[str, Any], list[ValueView]]:
    """The values that win on the profile, by name, and what the records of the overview say, by name and record."""
    said = await queries.attributes_of(services.store, overview.profile_id)
    return _judged(services, said, {record.record_id for record in overview.records})


async def values_then(
    services: Services, records: Iterable[CustomerRecord], at: int
) -> tuple[dict[str, Any], list[ValueView]]:
    """The same of these records, by what they had said by `at`, as far as it was not replaced since."""
    id_spaces = {record.record_id: record.id_space for record in records}
    said = await queries.attributes(services.store, list(id_spaces))
    then = [(id_spaces[one.record_id], one) for one in said if one.at <= at]
    return _judged(services, then, id_spaces.keys())


def _judged(
    services: Services, found: Iterable[tuple[str, Attribute]], shown_records: Container[int]
) -> tuple[dict[str, Any], list[ValueView]]:
    said = [(id_space, one, msgspec.json.decode(one.value)) for id_space, one in found]
    values = [
        AttributeValue(one.name, value, one.record_id, id_space, one.at) for id_space, one, value in said
    ]
    won = winning(services.env.rules, values)
    views = [
        ValueView(
            show("rec", one.record_id),
            one.name,
            value,
            one.source,
            shown(one.at),
            _wins(value, won.get(one.name)),
        )
        for _, one, value in said
        if one.record_id in shown_records
    ]
    return won, views


def _wins(value: Any, won: Any) -> bool:
    return value == won or (isinstance(won, list) and value in won)
