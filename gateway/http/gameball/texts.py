"""What a text of a call may hold, whether it came as JSON, in the path or in a file."""

import re

from gateway.http.gameball.envelope import CUSTOMER_ID_MISSING, CUSTOMER_ID_TOO_LONG, INVALID_PAYLOAD, Fault

_LONGEST_ID = 100
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def fault_in_customer_id(value: object) -> Fault | None:
    """None for a usable customer id: 1 to 100 characters, not blank, no control characters."""
    if type(value) is not str:
        return CUSTOMER_ID_MISSING if value is None else INVALID_PAYLOAD
    if not value or value.isspace():
        return CUSTOMER_ID_MISSING
    if len(value) > _LONGEST_ID:
        return CUSTOMER_ID_TOO_LONG
    return INVALID_PAYLOAD if has_controls(value) else None


def has_controls(text: str) -> bool:
    return not text.isprintable() and _CONTROL.search(text) is not None
