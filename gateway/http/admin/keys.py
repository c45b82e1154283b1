"""Key pairs of the channels: shown in clear once, stored as HMACs. A revoked pair is refused at once by this gateway, and
within seconds by others."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.errors import Refusal
from gateway.http.admin.achievements import Changed
from gateway.http.admin.listing import ListQuery, Page, Query, page, read_cursor, refuse_unknown
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.times import Time, shown, shown_or_none
from gateway.http.services import Services
from gateway.model import CreateKey, RevokeKey
from gateway.store.gateway_reads import shared_state
from gateway.store.queries import operators as queries
from gateway.store.queries.operators import KnownKey


class KeyQuery(ListQuery, kw_only=True):
    channel: str = ""


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    channel: Annotated[str, Meta(min_length=1, max_length=50)]


class KeyView(msgspec.Struct):
    """`used_at` is when a call last used the pair, to about ten seconds; None: never."""

    id: str
    channel: str
    created_at: Time
    created_by: str
    revoked_at: Time | None
    used_at: Time | None


class IssuedView(msgspec.Struct):
    """The only answer that contains the two keys."""

    id: str
    channel: str
    api_key: str
    secret_key: str
    created_at: Time


async def list_keys(call: Call[KeyQuery]) -> Page[KeyView]:
    query = call.query
    after = read_cursor(query.cursor, str, "")
    found = await queries.channel_keys(call.services.store, query.channel, after, query.limit + 1)
    if query.channel and not found:
        refuse_unknown("channel", query.channel, (channel.name for channel in call.services.config.channels))
    return page(found, query.limit, _view, lambda known: known.key.key_id)


async def create_key(call: Call[Query]) -> IssuedView:
    services, asked = call.services, await call.body(NewKey)
    known = [channel.name for channel in services.config.channels]
    if asked.channel not in known:
        raise Refusal("unknown_channel", f"channel: is not configured; known: {', '.join(known) or 'none'}")
    issued = services.keyring.issue(asked.channel, call.caller.actor, services.clock.now())
    await call.submit(CreateKey(call.caller, issued.row))
    await _refresh(services)
    row = issued.row
    return IssuedView(row.key_id, row.channel, issued.api_key, issued.secret_key, shown(row.created_at))


async def revoke_key(call: Call[Query]) -> Changed:
    key_id = call.request.match_info["id"]
    outcome = await call.submit(RevokeKey(call.caller, key_id))
    await _refresh(call.services)
    return Changed(key_id, outcome.changed)


async def _refresh(services: Services) -> None:
    services.keyring.refresh((await shared_state(services.store)).keys)


def _view(known: KnownKey) -> KeyView:
    key = known.key
    return KeyView(
        key.key_id,
        key.channel,
        shown(key.created_at),
        key.created_by,
        shown_or_none(key.revoked_at),
        shown_or_none(known.used_at),
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/keys",
        handler=list_keys,
        role="viewer",
        summary="Key pairs that were issued, without the keys",
        query=KeyQuery,
        answer=Page[KeyView],
        refusals=("bad_cursor",),
    ),
    Operation(
        method="POST",
        path="/keys",
        handler=create_key,
        role="admin",
        summary="Issue a key pair for a channel; it is shown only once",
        body=NewKey,
        answer=IssuedView,
        status=HTTPStatus.CREATED,
        refusals=("unknown_channel", "too_many_keys"),
    ),
    Operation(
        method="DELETE",
        path="/keys/{id}",
        handler=revoke_key,
        role="admin",
        summary="Revoke a key pair",
        answer=Changed,
        refusals=("key_unknown",),
    ),
)
