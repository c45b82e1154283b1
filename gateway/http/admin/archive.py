"""The archived part of the audit log, and moving more events to the archive."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.audit.segment import name_of, read_header
from gateway.errors import Refusal
from gateway.http.admin.listing import Query
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.times import Time, When, read, shown
from gateway.store.queries.audit import cuts
from gateway.workers.archive import NOT_BEFORE, Archiver


class ArchiveQuery(Query, kw_only=True):
    since: Annotated[When, Meta(description="segments that end before are left out")] = ""


class ArchiveBody(msgspec.Struct, forbid_unknown_fields=True):
    """`to` is the absolute path of a directory on the gateway's machine; it must exist."""

    before: When
    to: str


class ArchivedView(msgspec.Struct):
    """`unsigned`: some events from before that moment stay, because no checkpoint signs them yet. `checkpoints`: how many signed
    checkpoints were moved beside the events."""

    events: int
    segments: list[str]
    unsigned: bool
    checkpoints: int


class SegmentView(msgspec.Struct):
    """`since` and `until` are the times of its first and its last event."""

    name: str
    events: int
    since: Time
    until: Time


class ArchiveView(msgspec.Struct):
    """`until`: events up to this time are in the archive, and no query finds them; null if there are none after `since`."""

    events: int
    until: Time | None
    segments: list[SegmentView]


async def show_archive(call: Call[ArchiveQuery]) -> ArchiveView:
    since = read("since", call.query.since, call.services.clock.now()) or 0
    headers = [read_header(cut.header) for cut in await cuts(call.services.store)]
    headers = [header for header in headers if header.until >= since]
    return ArchiveView(
        sum(header.events for header in headers),
        shown(headers[-1].until) if headers else None,
        [SegmentView(name_of(h.number), h.events, shown(h.since), shown(h.until)) for h in headers],
    )


async def archive_audit(call: Call[Query]) -> ArchivedView:
    body, services = await call.body(ArchiveBody), call.services
    now = services.clock.now()
    before = read("before", body.before, now)
    if before is None or before > now - NOT_BEFORE:
        raise Refusal("bad_parameter", "before: is less than an hour ago; give an earlier time")
    async with services.archive_lock:
        archiver = Archiver(
            services.store,
            services.checkpoint_key,
            Path(body.to),
            call.caller.actor,
            anchored=services.anchor.reached if services.anchor is not None else None,
        )
        done = await archiver.archive(before)
    return ArchivedView(done.events, done.segments, done.left, done.checkpoints)


OPERATIONS = (
    Operation(
        method="GET",
        path="/audit/archive",
        handler=show_archive,
        role="viewer",
        summary="The archived segments of the audit log, oldest first",
        query=ArchiveQuery,
        answer=ArchiveView,
    ),
    Operation(
        method="POST",
        path="/audit/archive",
        handler=archive_audit,
        role="admin",
        summary="Move the audit events before a moment into signed segments in a directory, and out of the database",
        body=ArchiveBody,
        answer=ArchivedView,
        refusals=("archive_refused", "archive_unusable"),
    ),
)
