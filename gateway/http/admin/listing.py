"""The one shape of every list: `{"items": […], "next": …}`, bounded by `limit`, continued by an opaque `cursor`."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta

from gateway.errors import Refusal

T = TypeVar("T")
Place = TypeVar("Place")
Found = TypeVar("Found")

NEWEST = (1 << 63) - 1
Id = Annotated[int, Meta(ge=0, le=NEWEST)]
"""Where a list of ids begins that goes from the newest to the oldest."""
MOST = 200
USUAL = 50
Limit = Annotated[int, Meta(ge=1, le=MOST)]


class Query(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Query parameters of one operation; a parameter that is not declared is an error."""


class ListQuery(Query, kw_only=True):
    limit: Limit = USUAL
    cursor: str = ""


class Page(msgspec.Struct, Generic[T]):
    """`next` goes into `cursor`; None on the last page."""

    items: list[T]
    next: str | None


def page(
    found: Sequence[Found], limit: int, shown: Callable[[Found], T], place: Callable[[Found], object]
) -> Page[T]:
    """Of up to `limit` + 1 things found, the first `limit`; one more means that there is a next page."""
    kept = found[:limit]
    following = write_cursor(place(kept[-1])) if len(found) > limit else None
    return Page([shown(thing) for thing in kept], following)


def write_cursor(place: object) -> str:
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read_cursor(cursor: str, kind: Any, start: Place) -> Place:
    """The place, of type `kind`, behind a cursor, `start` without one. Raises Refusal for a text that no list gave out."""
    if not cursor:
        return start
    try:
        return msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=kind)
    except (ValueError, binascii.Error):
        raise Refusal("bad_cursor", "cursor: is not one that this list gave out; begin without it") from None
