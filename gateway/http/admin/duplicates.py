"""The duplicate check: customers that look like one person but are not joined, with the reason. A person decides; nothing is
merged."""

from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from gateway.audit.pseudonym import mask
from gateway.http.admin.download import NDJSON
from gateway.http.admin.listing import Limit, Page, Query, read_cursor, write_cursor
from gateway.http.admin.operation import Call, Operation
from gateway.ids import show
from gateway.store.queries import duplicates as queries
from gateway.store.queries.duplicates import REASONS, START, Group, Place, Reason

_USUAL, _PART = 50, 10_000
"""The most groups on a page, and in one step of the stream. Some reasons scan the whole table in each step."""
_encode_line = msgspec.json.Encoder().encode
Cursor = tuple[Reason, str, str]


class DuplicateQuery(Query, kw_only=True):
    reason: Annotated[
        Literal["", "same_identifier", "provider_form", "number_ending", "customer_id"],
        Meta(description="only this one"),
    ] = ""
    limit: Annotated[Limit | None, Meta(description="as x-ndjson: all of them unless given")] = None
    cursor: str = ""


class DuplicateMember(msgspec.Struct):
    """One record of a group, with its own value masked."""

    profile: str
    record: str
    id_space: str
    customer_id: str
    mask: str


class DuplicateView(msgspec.Struct):
    """Profiles that share `mask` (a customer id is shown in clear). `state` says why a value joins no profiles: `generic`,
    `shared` or `blocked`. `profiles` and `records` count all of them; `members` has at most the first 50 records."""

    reason: Reason
    type: str
    mask: str
    state: str
    profiles: int
    records: int
    members: list[DuplicateMember]


async def list_duplicates(call: Call[DuplicateQuery]) -> Page[DuplicateView] | web.StreamResponse:
    """Sorted by reason, then by type and value."""
    at = read_cursor(call.query.cursor, Cursor, (call.query.reason or REASONS[0], *START))
    if NDJSON in call.request.headers.get("Accept", ""):
        return await _stream(call, at)
    limit = call.query.limit or _USUAL
    found = await _groups(call, at, limit + 1)
    kept = found[:limit]
    following = write_cursor((kept[-1].reason, *kept[-1].place)) if len(found) > limit else None
    return Page([_view(group) for group in kept], following)


async def _stream(call: Call[DuplicateQuery], at: Cursor) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"Content-Type": NDJSON, "Cache-Control": "no-store", "X-Request-Id": call.caller.request_id}
    )
    await response.prepare(call.request)
    left = call.query.limit
    while found := await _groups(call, at, min(left or _PART, _PART)):
        await response.write(b"".join(_encode_line(_view(group)) + b"\n" for group in found))
        if left is not None and len(found) >= left:
            break
        at = (found[-1].reason, *found[-1].place)
    await response.write_eof()
    return response


async def _groups(call: Call[DuplicateQuery], at: Cursor, limit: int) -> list[Group]:
    """Up to `limit` groups after the cursor, over the remaining reasons. One query at a time: SQLite has few readers, and other
    pages need them."""
    reason, *place = at
    after: Place = (place[0], place[1])
    phones = call.services.env.policy.phone_types
    asked = (reason,) if call.query.reason else REASONS[REASONS.index(reason) :]
    found: list[Group] = []
    for one in asked:
        async with call.services.duplicates_lock:
            found += await queries.duplicates(call.services.store, one, after, limit - len(found), phones)
        if len(found) >= limit:
            break
        after = START
    return found


def _view(group: Group) -> DuplicateView:
    shown = _shown(group, group.value)
    members = [
        DuplicateMember(show("prf", m.profile_id), show("rec", m.record_id), m.id_space, m.customer_id, _shown(group, m.value))
        for m in group.members
    ]  # fmt: skip
    return DuplicateView(group.reason, group.type, shown, group.state, group.profiles, group.records, members)


def _shown(group: Group, value: Any) -> str:
    return value if group.reason == "customer_id" else mask(group.type, value)


OPERATIONS = (
    Operation(
        method="GET",
        path="/duplicates",
        handler=list_duplicates,
        role="viewer",
        summary="Live profiles that look like one person but are not joined, with the reason; nothing is merged",
        query=DuplicateQuery,
        answer=Page[DuplicateView],
        streams=True,
        refusals=("bad_cursor",),
    ),
)
