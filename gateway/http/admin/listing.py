"""The one form of every list: `{"items": […], "next": …}`, limited by `limit`, continued by an opaque `cursor`."""

import binascii
import difflib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta

from gateway.errors import Refusal

T = TypeVar("T")
Place = TypeVar("Place")
Found = TypeVar("Found")

NEWEST = (1 << 63) - 1
Id = Annotated[int, Meta(ge=0, le=NEWEST)]
"""The start of a list of ids that goes from the newest to the oldest."""
MOST = 200
USUAL = 50
_NUL = rb"\u0000"
"""As JSON writes it. A database may know no text that holds it."""
Limit = Annotated[int, Meta(ge=1, le=MOST)]


class Query(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Query parameters of one operation. An undeclared parameter is an error."""


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
    """The first `limit` of up to `limit` + 1 items. One item more means that there is a next page."""
    kept = found[:limit]
    following = write_cursor(place(kept[-1])) if len(found) > limit else None
    return Page([shown(thing) for thing in kept], following)


def refuse_unknown(name: str, value: str, known: Iterable[str]) -> None:
    """Raises Refusal for a filter value that cannot exist, because an empty list would hide the typing error."""
    choices = sorted(known)
    if value in choices:
        return
    near = difflib.get_close_matches(value, choices, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"known are: {', '.join(choices) or 'none'}"
    raise Refusal("bad_parameter", f"{name}: {value[:50]!a} is unknown; {remedy}")


def write_cursor(place: object) -> str:
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read_cursor(cursor: str, kind: Any, start: Place) -> Place:
    """The position, of type `kind`, in a cursor; `start` without one. Raises Refusal for a text that no list returned."""
    if not cursor:
        return start
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        if _NUL in text:
            raise ValueError
        return msgspec.json.decode(text, type=kind)
    except (ValueError, binascii.Error):
        raise Refusal("bad_cursor", "cursor: is not one that this list returned; begin without it") from None
