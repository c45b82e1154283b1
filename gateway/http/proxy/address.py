"""The target of a call below the upstream's base URL: the path and the query that came, byte for byte, except for the customers in
them. Pure.

What another reader could take for another path is refused: an encoded slash, backslash or control character, a `;`. Only a customer
id may hold any text. It is decoded once, and everything in it that is not unreserved is escaped again. A text that would still
climb in the path once decoded is refused.
"""

import re
from collections.abc import Container, Mapping, Sequence
from urllib.parse import quote, unquote, unquote_to_bytes

from gateway.http.gameball.envelope import MALFORMED_PATH, Fault
from gateway.http.gameball.spelling import within

_AMBIGUOUS = re.compile(r";|%(?:2[fF]|5[cC]|[01][0-9A-Fa-f]|7[fF])")
_PAIRS = re.compile(r"[&;]")
_DEEPEST = 4
_ID = frozenset({"customerid"})


def path(raw: str, ids: Mapping[int, str]) -> str | Fault:
    """`raw` is without its query. `ids` are the customer ids that replace the segments at their places."""
    if not ids and "%" not in raw and ";" not in raw:
        return raw
    segments = raw.split("/")
    if any(climbs(one) for one in ids.values()) or any(
        _AMBIGUOUS.search(text) or ("%" in text and climbs(text))
        for place, text in enumerate(segments)
        if place not in ids
    ):
        return MALFORMED_PATH
    for place, customer_id in ids.items():
        segments[place] = quote(customer_id, safe="")
    return "/".join(segments)


def climbs(segment: str) -> bool:
    """Whether the text would make some reader leave the path: by decoding it once too often, taking a backslash for a slash, or
    dropping what follows a `;`."""
    text = segment
    for _ in range(_DEEPEST):
        if any(piece.partition(";")[0] in {".", ".."} for piece in re.split(r"[/\\]", text)):
            return True
        decoded = unquote(text)
        if decoded == text:
            return False
        text = decoded
    return True


# ---- query ----


def parameters(query: str, names: Sequence[str]) -> dict[str, str] | Fault:
    """The named parameters' values, however their names are spelled. A parameter that occurs twice is refused, and so is a `;`
    beside one, which some readers take for `&`."""
    wanted = {name.lower(): name for name in names}
    found: dict[str, str] = {}
    if ";" in query and any(_name(pair.partition("=")[0], wanted) for pair in _PAIRS.split(query)):
        return MALFORMED_PATH
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        known = wanted.get(_name(name, wanted))
        if known is None:
            continue
        try:
            text = unquote_to_bytes(value.replace("+", " ")).decode()
        except UnicodeDecodeError:
            return MALFORMED_PATH
        if known in found:
            return MALFORMED_PATH
        found[known] = text
    return found


def with_parameters(query: str, values: Mapping[str, str]) -> str:
    """The query with other values of the named parameters, which keep their places and spelling."""
    replaced = {name.lower(): quote(value, safe="") for name, value in values.items()}
    pairs = [pair.partition("=") for pair in query.split("&")]
    return "&".join(
        f"{name}={replaced[known]}"
        if (known := _name(name, replaced)) in replaced
        else f"{name}{sign}{value}"
        for name, sign, value in pairs
    )


def _name(written: str, wanted: Container[str]) -> str:
    """An e-mail inside something else is not the customer's; an id is one wherever it occurs."""
    name = within(written, _ID)
    return name if name in wanted else ""
