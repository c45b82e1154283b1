"""What people are called, where a list names many of them: their name, or else the customer ids under which they are known."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from gateway.http.services import Services
from gateway.model.names import full_name
from gateway.store.queries import people as queries
from gateway.store.queries.people import Known
from gateway.store.queries.profiles import Attribute
from rules.record import Record
from rules.ruleset import RuleSet
from rules.survivor import AttributeValue, winning

_MOST_IDS = 3


async def people(services: Services, profiles: Iterable[int]) -> dict[int, str]:
    """By profile id; an absorbed one has the name of its survivor. Erased persons have no entry."""
    homes = await queries.homes(services.store, list(dict.fromkeys(profiles)))
    records: dict[int, list[Known]] = {}
    for record in await queries.first_records(services.store, list(dict.fromkeys(homes.values()))):
        records.setdefault(record.profile_id, []).append(record)
    named: dict[int, list[Attribute]] = {}
    everyone = [record.record_id for some in records.values() for record in some]
    for value in await queries.names(services.store, everyone):
        named.setdefault(value.record_id, []).append(value)
    called = {
        profile_id: _name(services.env.rules, some, named) or named_by_ids(some)
        for profile_id, some in records.items()
    }
    return {profile_id: called[home] for profile_id, home in homes.items() if home in called}


def _name(rules: RuleSet, records: Sequence[Known], named: Mapping[int, list[Attribute]]) -> str:
    values = [
        AttributeValue(one.name, msgspec.json.decode(one.value), record.record_id, record.id_space, one.at)
        for record in records
        for one in named.get(record.record_id, ())
    ]
    return full_name(winning(rules, values))


def named_by_ids(records: Sequence[Known | Record], count: int | None = None) -> str:
    """`web:1, pos:2 and 3 more`. `count`: how many there are, if these are the first of them."""
    shown = ", ".join(f"{one.id_space}:{one.customer_id}" for one in records[:_MOST_IDS])
    more = (len(records) if count is None else count) - _MOST_IDS
    return shown if more <= 0 else f"{shown} and {more} more"
