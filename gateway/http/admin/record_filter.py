"""Lists of what concerns records, such as pins: all of them, or those of one profile or record."""

from typing import Annotated

from msgspec import Meta

from gateway.errors import Refusal
from gateway.http.admin.ids_and_names import number
from gateway.http.admin.listing import ListQuery
from gateway.store import Store
from gateway.store.queries.pins import records_of
from gateway.store.queries.profiles import survivor_of


class OfRecordsQuery(ListQuery, kw_only=True):
    profile: Annotated[str, Meta(description="prf_…; those of all its records")] = ""
    record: Annotated[str, Meta(description="rec_…")] = ""


async def wanted_records(store: Store, query: OfRecordsQuery) -> list[int] | None:
    """None: every record. Raises Refusal."""
    if query.profile and query.record:
        raise Refusal("bad_parameter", "profile: cannot be combined with record; give one of the two")
    if query.record:
        return [number("rec", "record", query.record)]
    if not query.profile:
        return None
    survivor = await survivor_of(store, number("prf", "profile", query.profile))
    if survivor is None:
        raise Refusal("not_found", "profile: there is no such profile, or it was erased")
    return await records_of(store, survivor)
