"""Whole lists as a file: one JSON item on each line, or CSV, read from the database part by part."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import msgspec
from aiohttp import web

from gateway.http.admin.operation import Call
from gateway.telemetry.escape import csv_line

NDJSON = "application/x-ndjson"
CSV = "text/csv"
_encode = msgspec.json.Encoder().encode


def wanted_form(call: Call[Any]) -> str | None:
    """The form in which the caller wants the whole list; None: as pages."""
    accepted = call.request.headers.get("Accept", "")
    return next((form for form in (NDJSON, CSV) if form in accepted), None)


async def download(
    call: Call[Any], form: str, kind: type[msgspec.Struct], parts: AsyncIterator[Sequence[msgspec.Struct]]
) -> web.StreamResponse:
    """`kind` is that of the items; its fields are the columns of CSV."""
    response = web.StreamResponse(
        headers={"Content-Type": form, "Cache-Control": "no-store", "X-Request-Id": call.caller.request_id}
    )
    await response.prepare(call.request)
    if form == CSV:
        await response.write(_csv([kind.__struct_fields__]))
    async for part in parts:
        if form == CSV:
            await response.write(_csv(map(_row, part)))
        else:
            await response.write(b"".join(_encode(item) + b"\n" for item in part))
    await response.write_eof()
    return response


def _row(item: msgspec.Struct) -> list[Any]:
    return [
        bytes(value).decode() if isinstance(value, msgspec.Raw) else value
        for value in msgspec.structs.astuple(item)
    ]


def _csv(rows: Iterable[Iterable[Any]]) -> bytes:
    return "".join(
        csv_line(("" if cell is None else cell for cell in row), ends="\r\n") for row in rows
    ).encode()
