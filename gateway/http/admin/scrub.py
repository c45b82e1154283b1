"""Rewrites the database, so that its unused bytes hold no erased data."""

import msgspec

from gateway.audit.event import Action
from gateway.http.admin.listing import Query
from gateway.http.admin.operation import Call, Operation
from gateway.model import NoteEvent


class ScrubView(msgspec.Struct):
    """`left` says where copies of erased data may remain, and until when."""

    left: list[str]


async def scrub_database(call: Call[Query]) -> ScrubView:
    left = await call.services.store.scrub()
    await call.submit(NoteEvent(call.caller, Action.DATABASE_SCRUBBED, {"left": len(left)}))
    return ScrubView(list(left))


OPERATIONS = (
    Operation(
        method="POST",
        path="/scrub",
        handler=scrub_database,
        role="admin",
        summary="Rewrite the database, so that no copy of erased data is left in unused bytes; calls wait",
        answer=ScrubView,
    ),
)
