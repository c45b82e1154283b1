"""Tags, attached to and detached from the whole customer. The body is `{"tags": "a, b"}`: one string, comma-separated."""

from typing import Any, assert_never

from gateway.http.gameball.call import Answer, Call, carried_out
from gateway.http.gameball.decode import read_object
from gateway.http.gameball.envelope import (
    CUSTOMER_UNKNOWN,
    INVALID_PAYLOAD,
    TAGS_MISSING,
    TOO_MANY_VALUES,
    Fault,
)
from gateway.http.gameball.texts import has_controls
from gateway.model import EditTags, Saved, UnknownCustomer

MOST_TAGS = 15
LONGEST_TAG = 100


async def attach(call: Call) -> Answer | Fault:
    tags = await _read_tags(call)
    if isinstance(tags, Fault):
        return tags
    return await _edit(call, EditTags(call.caller, call.customer_id, attach=tags), "tags attached")


async def detach(call: Call) -> Answer | Fault:
    tags = await _read_tags(call)
    if isinstance(tags, Fault):
        return tags
    return await _edit(call, EditTags(call.caller, call.customer_id, detach=tags), "tags removed")


async def _read_tags(call: Call) -> frozenset[str] | Fault:
    body = await read_object(call.request, call.services.config.server, ("tags",))
    return body if isinstance(body, Fault) else parse_tags(body)


def parse_tags(body: dict[str, Any]) -> frozenset[str] | Fault:
    text = body.get("tags")
    if text is None:
        return TAGS_MISSING
    if not isinstance(text, str) or has_controls(text):
        return INVALID_PAYLOAD
    tags = frozenset(tag for part in text.split(",") if (tag := part.strip()))
    if not tags:
        return TAGS_MISSING
    if len(tags) > MOST_TAGS or any(len(tag) > LONGEST_TAG for tag in tags):
        return TOO_MANY_VALUES
    return tags


async def _edit(call: Call, command: EditTags, message: str) -> Answer | Fault:
    outcome = await call.services.pipeline.submit(command)
    match outcome:
        case Saved(resolution=resolution):
            return carried_out({"success": True, "message": message}, resolution)
        case UnknownCustomer():
            return CUSTOMER_UNKNOWN
        case _:
            assert_never(outcome)
