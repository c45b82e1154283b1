"""What a text of a call may hold, whether it came as JSON, in the path or in a file."""

import re

from gateway.http.gameball.envelope import CUSTOMER_ID_MISSING, CUSTOMER_ID_TOO_LONG, INVALID_PAYLOAD, Fault
from rules.normalize.customer_id import LONGEST, LONGEST_WRITTEN, normal_form

_EXACT = 1 << 53
"""Below this a float holds every whole number."""
_LONGEST_NUMBER = 10**40
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def text_of(value: object) -> str | None:
    """A text, or a number that stands for a text by its digits; None for anything else."""
    if type(value) is str:
        return value
    if type(value) is float and value.is_integer() and abs(value) < _EXACT:
        value = int(value)
    return str(value) if type(value) is int and abs(value) < _LONGEST_NUMBER else None


def read_customer_id(value: object) -> str | Fault:
    """A customer id as it was sent, as text."""
    if value is None:
        return CUSTOMER_ID_MISSING
    text = text_of(value)
    return INVALID_PAYLOAD if text is None else fault_in_customer_id(text) or text


def fault_in_customer_id(text: str) -> Fault | None:
    """None for a usable customer id: 1 to 100 characters without the blanks around them, no control characters."""
    if len(text) > LONGEST_WRITTEN:
        return CUSTOMER_ID_TOO_LONG
    value = normal_form(text)
    if not value:
        return CUSTOMER_ID_MISSING
    if len(value) > LONGEST:
        return CUSTOMER_ID_TOO_LONG
    return INVALID_PAYLOAD if has_controls(value) else None


def has_controls(text: str) -> bool:
    return not text.isprintable() and _CONTROL.search(text) is not None
