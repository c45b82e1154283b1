"""Whether the audit log was changed, and its signed checkpoints to compare with anchors."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from gateway.anchor.sink import CheckpointRef, ref_of
from gateway.audit.checkpoint import Checkpoint
from gateway.audit.verification_record import VerificationRecord
from gateway.errors import Refusal
from gateway.http.admin.download import download, wanted_form
from gateway.http.admin.listing import Id, ListQuery, Page, Query, page, read_cursor
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.times import Time, shown, shown_or_none
from gateway.store.queries.verification import all_checkpoints, verify
from gateway.store.row_digests import UNCOVERED

_MOST_BREACHES = 100


class BreachView(msgspec.Struct):
    """The first position of a chain where the check fails."""

    chain: str
    seq: int
    what: str


class VerifyQuery(Query, kw_only=True):
    state: Annotated[bool, Meta(description="also check the rows that the log covers")] = False
    archive: Annotated[
        str, Meta(description="a directory on the gateway's machine with the archived segments")
    ] = ""


class CheckpointQuery(ListQuery, kw_only=True):
    archive: Annotated[
        str,
        Meta(
            description="a directory on the gateway's machine with the archived checkpoints, to list these too"
        ),
    ] = ""


class MovedView(msgspec.Struct):
    """The checkpoints up to this number are in the archive. `signature` is that of the last of them, in hexadecimal digits."""

    number: int
    signature: str


class SignedView(msgspec.Struct):
    """A checkpoint: its number, when it was signed, and its signature in hexadecimal digits."""

    id: int
    at: Time
    signature: str


class RowsView(msgspec.Struct):
    """How many rows of a table were compared with the log, which covers them since `since`. `earlier`: rows from before an
    upgrade, which the log does not cover. `since` null: the rows were not checked, because an upgrade's binding is not
    finished."""

    table: str
    rows: int
    earlier: int
    since: Time | None


class TailView(msgspec.Struct):
    """Events without proof, because they were written after the last signature of their chain. `found`: a later run signed them
    as it found them, after a crash."""

    chain: str
    events: int
    since: Time
    until: Time
    found: bool


class VerificationView(msgspec.Struct):
    """`breaches` and `unproven` name at most 100. `archived` is the number of archived events, `segments` the number of
    segments that were read. `earlier`: chains from before beginnings were signed. `checkpoints` were checked; those that were
    `moved` to the archive are among them if it was read, and `moved` is null if there are none."""

    ok: bool
    events: int
    archived: int
    segments: int
    chains: int
    earlier: int
    checkpoints: int
    moved: MovedView | None
    breaches: list[BreachView]
    unproven: list[TailView]
    state: list[RowsView]
    uncovered: str
    """The rows that differ from the log; "" unless the state was requested."""


async def list_checkpoints(call: Call[CheckpointQuery]) -> Page[SignedView] | web.StreamResponse:
    """As a file, or a page of them."""
    limit, place = call.query.limit, read_cursor(call.query.cursor, Id, 0)
    directory = _directory_of(call.query.archive)
    services = call.services
    parts = all_checkpoints(services.store, services.checkpoint_key, place or 0, directory)
    if form := wanted_form(call):
        return await download(call, form, SignedView, _signed_views(parts))
    found = list[Checkpoint]()
    async for part in parts:
        found += part
        if len(found) > limit:
            break
    return page(found[: limit + 1], limit, _signed_view, lambda point: point.checkpoint_id)


async def _signed_views(parts: AsyncIterator[list[Checkpoint]]) -> AsyncIterator[list[SignedView]]:
    async for part in parts:
        yield [_signed_view(point) for point in part]


def _directory_of(path: str) -> Path | None:
    """Raises Refusal for one that is not absolute."""
    directory = Path(path) if path else None
    if directory is not None and not directory.is_absolute():
        raise Refusal("bad_parameter", "archive: is not an absolute path; write the full path, from /")
    return directory


def _signed_view(point: Checkpoint) -> SignedView:
    return SignedView(point.checkpoint_id, shown(point.at), point.signature.hex())


async def verify_audit(call: Call[VerifyQuery]) -> VerificationView:
    services, query = call.services, call.query
    directory = _directory_of(query.archive)
    begun = services.clock.now()
    verdict = await verify(services.store, services.checkpoint_key, state=query.state, directory=directory)
    upto = ref_of(verdict.newest) if verdict.newest is not None else CheckpointRef(0, "")
    verified = VerificationRecord(
        begun,
        len(verdict.breaches),
        query.state,
        upto.checkpoint_id,
        upto.signature,
        archive=directory is not None,
    )
    await services.verifications.note(verified)
    return VerificationView(
        ok=not verdict.breaches,
        events=verdict.events,
        archived=verdict.archived,
        segments=verdict.segments,
        chains=verdict.chains,
        earlier=verdict.earlier,
        checkpoints=verdict.checkpoints,
        moved=MovedView(verdict.moved.number, verdict.moved.signature) if verdict.moved.number else None,
        breaches=[BreachView(*breach) for breach in verdict.breaches[:_MOST_BREACHES]],
        unproven=[
            TailView(tail.chain, tail.events, shown(tail.since), shown(tail.until), tail.found)
            for tail in verdict.tails[-_MOST_BREACHES:]
        ],
        state=[
            RowsView(covered.table, covered.rows, covered.earlier, shown_or_none(covered.since))
            for covered in verdict.rows
        ],
        uncovered=UNCOVERED if verdict.rows else "",
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/audit/checkpoints",
        handler=list_checkpoints,
        role="viewer",
        summary="The signed checkpoints of the audit log, oldest first, to compare with anchors;"
        " with Accept: application/x-ndjson all of them, as a file",
        query=CheckpointQuery,
        answer=Page[SignedView],
        streams=True,
        refusals=("bad_cursor", "archive_unusable"),
    ),
    Operation(
        method="GET",
        path="/audit/verify",
        handler=verify_audit,
        role="viewer",
        summary="Check every chain and signed checkpoint of the audit log; with `state`, also the rows that it covers",
        query=VerifyQuery,
        answer=VerificationView,
    ),
)
