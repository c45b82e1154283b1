"""Which looks at customers are audited, if `[audit] reads` asks for it. An event is stored before the answer is made,
so nothing is shown that the log does not have. An export has its event always (`export.py`)."""

from aiohttp import web
from msgspec.structs import fields

from gateway.audit.event import Action
from gateway.http.admin.listing import Query
from gateway.http.services import Services
from gateway.ids import read
from gateway.model import Caller, NoteEvent


async def note_read(
    services: Services, caller: Caller, request: web.Request, action: Action, query: Query
) -> None:
    """A search is noted with the names of what was searched by, and never with the values."""
    if not services.config.audit.reads:
        return
    if action is Action.CUSTOMER_SEARCHED:
        by = sorted(one.name for one in fields(query) if getattr(query, one.name) != one.default)
        await services.pipeline.submit(NoteEvent(caller, action, {"by": by}))
        return
    profile = request.match_info["id"]
    if read("prf", profile) is not None:
        await note_view(services, caller, profile)


async def note_view(services: Services, caller: Caller, profile: str) -> None:
    """For an operation that shows people without naming them in its path."""
    if services.config.audit.reads:
        await services.pipeline.submit(NoteEvent(caller, Action.CUSTOMER_VIEWED, profile=profile))
