"""Attributes of a profile: what each record says, and which value wins."""

from collections.abc import Iterable
from typing import Any

import msgspec

from gateway.http.admin.listing import NEWEST
from gateway.http.admin.times import Time, shown
from gateway.http.services import Services
from gateway.ids import show
from gateway.model import CustomerRecord
from gateway.store.queries import profiles as queries
from rules.survivor import AttributeValue, winning


class ValueView(msgspec.Struct):
    """What one record says of an attribute. `wins`: the profile has this value; others stay behind it."""

    record: str
    name: str
    value: Any
    source: str
    at: Time
    wins: bool


async def values_of(
    services: Services, records: Iterable[CustomerRecord], at: int = NEWEST
) -> tuple[dict[str, Any], list[ValueView]]:
    """The values that win, by name, and all of them, by name and record: those that were said by `at`, as far as they were not
    replaced since."""
    id_spaces = {record.record_id: record.id_space for record in records}
    said = [
        (one, msgspec.json.decode(one.value))
        for one in await queries.attributes(services.store, list(id_spaces))
        if one.at <= at
    ]
    values = [
        AttributeValue(one.name, value, one.record_id, id_spaces[one.record_id], one.at)
        for one, value in said
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
        for one, value in said
    ]
    return won, views


def _wins(value: Any, won: Any) -> bool:
    return value == won or (isinstance(won, list) and value in won)
