"""Times in the admin API: answers have RFC 3339 in UTC with milliseconds; requests may use RFC 3339, a date, a span, or a
moment as the console shows it."""

import re
from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta

from gateway.clock import LATEST, timestamp
from gateway.config.notation import duration, instant
from gateway.errors import Refusal

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
When = Annotated[str, Meta(description="RFC 3339, a date (UTC), or a span back from now such as 30m, 1h, 7d")]
_AS_SHOWN = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d(?::\d\d)?)", re.ASCII)
"""As the console shows a moment, in UTC: an operator copies it from a page into a filter."""


def shown(at: int) -> Time:
    """`2026-11-23T04:00:00.123Z`."""
    return timestamp(at)


def shown_or_none(at: int | None) -> Time | None:
    return None if at is None else shown(at)


def read(name: str, text: str, now: int) -> int | None:
    """Milliseconds UTC; None for an empty text. Raises Refusal."""
    if not text:
        return None
    try:
        return max(0, now - duration(text))
    except ValueError:
        return _moment(name, text, "back from now such as 1h")


def ahead(name: str, text: str, now: int) -> int | None:
    """A future time, in milliseconds UTC; None for an empty text. Raises Refusal."""
    if not text:
        return None
    try:
        moment = now + duration(text)
    except ValueError:
        moment = _moment(name, text, "from now such as 90d")
    if moment <= now:
        raise Refusal("bad_parameter", f"{name}: is not in the future; give a later time, or none for no end")
    if moment > LATEST:
        raise Refusal("bad_parameter", f"{name}: is too far ahead; give an earlier time, or none for no end")
    return moment


def _moment(name: str, text: str, span: str) -> int:
    try:
        moment = datetime.fromisoformat(
            _AS_SHOWN.sub(r"\1T\2Z", text) if _AS_SHOWN.fullmatch(text) else text.replace(" ", "+")
        )  # a plus sign of an offset that was not escaped
        return instant(
            moment if moment.tzinfo or len(text) > len("2026-11-23") else moment.replace(tzinfo=UTC)
        )
    except ValueError:
        raise Refusal(
            "bad_parameter",
            f"{name}: is not a time; write 2026-11-23T04:00:00Z, 2026-11-23, or a span {span}",
        ) from None
