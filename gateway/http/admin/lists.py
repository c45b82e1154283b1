"""Lists of telephone numbers that belong to the operators: the numbers for `own:NAME` in a rule file. A listed number joins no
profiles."""

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.errors import Refusal
from gateway.http.admin.listing import ListQuery, Page, Query, page, read_cursor
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.times import Time, shown
from gateway.ids import read
from gateway.model import ChangeList
from gateway.store.gateway_reads import shared_state
from gateway.store.queries import lists as queries
from gateway.store.queries.generic_values import values_of
from gateway.store.queries.lists import OnList
from rules.normalize import normalize_phone
from rules.normalize.blocked import OWN
from rules.ruleset import IdentifierRules

_NAME = re.compile(r"[a-z0-9_-]{1,40}")


class NumbersOfList(msgspec.Struct, forbid_unknown_fields=True):
    """Numbers in any notation; national ones need their `region`. `val_…` stands for a value of `GET /generic-values`."""

    values: Annotated[list[Annotated[str, Meta(max_length=100)]], Meta(min_length=1, max_length=1_000)]
    region: Annotated[str, Meta(description="two letters, such as EG", pattern=r"^([A-Z]{2})?$(?!\n)")] = ""


class ListView(msgspec.Struct):
    """`in_use`: the active rules name it."""

    name: str
    size: int
    in_use: bool


class ListedView(msgspec.Struct):
    value: str
    added_at: Time
    added_by: str


class ChangedList(msgspec.Struct):
    """`values` as they are stored. `changed` is how many of them were added or removed."""

    name: str
    values: list[str]
    changed: int
    in_use: bool


async def list_lists(call: Call[Query]) -> Page[ListView]:
    found = await queries.lists(call.services.store)
    return Page([ListView(one.name, one.size, _in_use(call, one.name)) for one in found], None)


async def show_list(call: Call[ListQuery]) -> Page[ListedView]:
    query = call.query
    after = read_cursor(query.cursor, str, "")
    found = await queries.values(call.services.store, _name(call), after, query.limit + 1)
    return page(found, query.limit, _view, lambda one: one.value)


async def add_to_list(call: Call[Query]) -> ChangedList:
    return await _change(call, listed=True)


async def remove_from_list(call: Call[Query]) -> ChangedList:
    return await _change(call, listed=False)


async def _change(call: Call[Query], *, listed: bool) -> ChangedList:
    name, asked = _name(call), await call.body(NumbersOfList)
    written = await _written(call, asked.values)
    values = tuple(dict.fromkeys(_number(place, raw, asked.region) for place, raw in enumerate(written)))
    outcome = await call.submit(ChangeList(call.caller, name, values, listed))
    services = call.services
    own = (await shared_state(services.store)).lists
    await services.pipeline.between_batches(lambda: services.env.use(services.env.rules, own))
    return ChangedList(name, list(values), outcome.changed, _in_use(call, name))


def _name(call: Call[Any]) -> str:
    return checked_name(call.request.match_info["name"])


def checked_name(name: str) -> str:
    """Raises Refusal for what cannot be the name of a list."""
    if not _NAME.fullmatch(name):
        raise Refusal(
            "bad_parameter", "the list's name: write lower-case letters, digits, _ and -, 40 of them at most"
        )
    return name


async def _written(call: Call[Any], given: list[str]) -> list[str]:
    """The given texts. Ids of values (`val_…`) are replaced by the values."""
    ids = {text: number for text in given if (number := read("val", text)) is not None}
    found = await values_of(call.services.store, list(ids.values())) if ids else {}
    for text, number in ids.items():
        if number not in found:
            raise Refusal("not_found", f"{text}: is no longer a value of GET /generic-values")
        if found[number].type not in call.services.env.policy.phone_types:
            raise Refusal(
                "bad_body", f"{text}: is not a number ({found[number].type}); name it in the rule file"
            )
    return [found[ids[text]].value if text in ids else text for text in given]


def _number(place: int, raw: str, region: str) -> str:
    found = normalize_phone(raw, region or None, IdentifierRules("phone"))
    if not found.value:
        raise Refusal(
            "bad_body",
            f"values[{place}] is not a telephone number ({found.reason}); write it with + and country code",
        )
    return found.value


def _in_use(call: Call[Query], name: str) -> bool:
    return f"{OWN}{name}" in call.services.env.rules.blocked.phones


def _view(one: OnList) -> ListedView:
    return ListedView(one.value, shown(one.added_at), one.added_by)


OPERATIONS = (
    Operation(
        method="GET",
        path="/lists",
        handler=list_lists,
        role="viewer",
        summary="The operators' own lists of numbers; a rule file names one as `own:NAME`",
        answer=Page[ListView],
    ),
    Operation(
        method="GET",
        path="/lists/{name}",
        handler=show_list,
        role="viewer",
        summary="The numbers of one list",
        query=ListQuery,
        answer=Page[ListedView],
        refusals=("bad_cursor",),
    ),
    Operation(
        method="POST",
        path="/lists/{name}",
        handler=add_to_list,
        role="steward",
        summary="Put numbers on a list: they stop joining customers, and `resplit` decides about those they joined",
        body=NumbersOfList,
        answer=ChangedList,
        refusals=("not_found",),
    ),
    Operation(
        method="DELETE",
        path="/lists/{name}",
        handler=remove_from_list,
        role="steward",
        summary="Remove numbers from a list, so that they can join customers again",
        body=NumbersOfList,
        answer=ChangedList,
        refusals=("not_found",),
    ),
)
