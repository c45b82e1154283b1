"""What an answer of the upstream means for the delivery, and when to try again. Pure.

The codes are those of the platform's catalogue. In clients' experience, 9001, 9003, 9004 and 7001 mean "already done".
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

import msgspec

from gateway.audit.pseudonym import mask
from gateway.clock import HOUR, SECOND
from gateway.upstream.errors import NoAnswer, Unreachable
from gateway.upstream.limiter import RandomBetween

_ALREADY_DONE: Final = frozenset({7001, 9001, 9003, 9004})
_DISABLED: Final = 6000
_BUSY: Final = 2001
_REPEATED: Final = 4000
_PASSING: Final = frozenset({408, 425, 429})
_UNKNOWN: Final = frozenset({502, 504})
_FIRST_BACKOFF: Final = 2 * SECOND
_LONGEST_BACKOFF: Final = 900 * SECOND
_LONGEST_DETAIL: Final = 2 << 10


class Delivered(NamedTuple):
    """The upstream has carried it out, now or earlier."""


class Retry(NamedTuple):
    """It was not carried out, but may be later; not before `after` milliseconds, if the upstream said so."""

    reason: str
    after: int | None = None


class Unknown(NamedTuple):
    """It may have been carried out: find out before sending it again."""

    reason: str


class Held(NamedTuple):
    """No such delivery will be carried out until an operator changes something, so it costs no attempt. `auth`: our keys are
    refused; `disabled`: the program is switched off."""

    reason: str


class Dead(NamedTuple):
    """It will never be carried out as it is. `detail` is the masked body. With `customer_unknown`, another look-up of the customer
    may help."""

    reason: str
    detail: str = ""
    customer_unknown: bool = False


Verdict = Delivered | Retry | Unknown | Held | Dead


class _Envelope(msgspec.Struct):
    code: int = 0


_decode = msgspec.json.Decoder(_Envelope).decode


def classify(
    status: int, headers: Mapping[str, str], body: bytes, *, now: int, after_unknown: bool = False
) -> Verdict:
    """`after_unknown`: an earlier attempt of this delivery ended unknown, so "sent several times" means that it arrived."""
    code = code_of(body)
    if 200 <= status < 300 or code in _ALREADY_DONE or (code == _REPEATED and after_unknown):
        return Delivered()
    if status in {401, 403}:
        return Held("auth")
    if code == _DISABLED:
        return Held("disabled")
    if status in _UNKNOWN:
        return Unknown(f"status_{status}")
    if code == _BUSY or status in _PASSING or not 400 <= status < 500 or _is_no_route(status, body):
        return Retry(f"status_{status}", retry_after(headers.get("Retry-After"), now))
    return Dead(f"status_{status}", masked(body), customer_unknown=status == 404)


def classify_failure(failure: NoAnswer) -> Verdict:
    if isinstance(failure, Unreachable):
        return Retry(failure.reason)
    return Unknown(failure.reason)


def code_of(body: bytes) -> int:
    """The platform's code in an error's body; 0 if there is none."""
    try:
        return _decode(body).code
    except msgspec.MsgspecError:
        return 0


def _is_no_route(status: int, body: bytes) -> bool:
    """The platform answers 404 with an empty body if an operation is not deployed, unlike for an unknown customer."""
    return status == 404 and not body.strip()


# ---- when to try again ----


def retry_after(value: str | None, now: int) -> int | None:
    """Milliseconds, 1 s to 1 h, from seconds or a date; None without a usable header."""
    if value is None:
        return None
    value = value.strip()
    if re.fullmatch(r"\d{1,18}", value, re.ASCII):
        return _clamped(int(value) * SECOND)
    try:
        moment = parsedate_to_datetime(value)
        return _clamped(int(moment.timestamp() * SECOND) - now)
    except (ValueError, OverflowError):
        return None


def _clamped(span: int) -> int:
    return min(max(span, SECOND), HOUR)


def backoff(attempt: int, random_between: RandomBetween) -> int:
    """Milliseconds before the try after the `attempt`-th (from 1): anything up to 2 s, doubled each time, at most 15 minutes."""
    return random_between(0, min(_LONGEST_BACKOFF, _FIRST_BACKOFF << min(attempt - 1, 16)))


# ---- what may be kept of a body ----

_WORD: Final = r"[^\s\"'<>:,;=(){}\[\]]"
_ADDRESS: Final = re.compile(rf"(?<!{_WORD})(?={_WORD}+?(?:@|%40|\\u0040){_WORD}){_WORD}+")
"""A whole word, tried once, from its beginning: a long one that is tried from each of its letters takes a tenth of a second."""
_NUMBER: Final = re.compile(r"\+?\d[\d .()/-]{5,}\d")


def masked(body: bytes) -> str:
    """The beginning of a body without e-mail addresses, also escaped ones, and long numbers."""
    text = body[:_LONGEST_DETAIL].decode("utf-8", "replace")
    nameless = _ADDRESS.sub(lambda found: mask("email", re.sub(r"%40|\\u0040", "@", found[0])), text)
    return _NUMBER.sub(lambda found: mask("mobile", found[0]), nameless)
