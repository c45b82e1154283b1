"""Answers whose customer ids are turned into the channel's own, while everything else keeps its bytes. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

_decode = msgspec.json.Decoder().decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
Rename = Callable[[str], str]


def ids_at(raw: bytes, places: Iterable[str]) -> dict[str, set[str]] | None:
    """The customer ids at each place, such as `customerId` or `transactions[].customerId`; None when it is no JSON."""
    try:
        value = _decode(raw)
    except (ValueError, RecursionError):
        return None
    return {place: set(_found(value, place.split("."))) for place in places}


def _found(value: Any, steps: Sequence[str]) -> Iterable[str]:
    if not isinstance(value, dict):
        return
    name, rest = steps[0].removesuffix("[]"), steps[1:]
    inner = value.get(name)
    if not rest:
        if isinstance(inner, str):
            yield inner
        return
    for one in inner if steps[0].endswith("[]") and isinstance(inner, list) else (inner,):
        yield from _found(one, rest)


def renamed(raw: bytes, names: Mapping[str, Mapping[str, str]]) -> bytes:
    """`raw` with other ids: at each place those that `names` has for it. The same bytes where nothing changes."""
    changed = msgspec.Raw(raw)
    for place, new in names.items():
        if any(old != name for old, name in new.items()):
            changed = _renamed(changed, place.split("."), new)
    return bytes(changed)


def _renamed(raw: msgspec.Raw, steps: Sequence[str], new: Mapping[str, str]) -> msgspec.Raw:
    if not steps:
        value = _decode(raw)
        return msgspec.Raw(_encode(new[value])) if isinstance(value, str) and value in new else raw
    if not bytes(raw).lstrip().startswith(b"{"):
        return raw
    members = _members(raw)
    name = steps[0].removesuffix("[]")
    if name not in members:
        return raw
    inner = members[name]
    if steps[0].endswith("[]") and bytes(inner).lstrip().startswith(b"["):
        inner = msgspec.Raw(_encode([_renamed(one, steps[1:], new) for one in _list(inner)]))
    else:
        inner = _renamed(inner, steps[1:], new)
    members[name] = inner
    return msgspec.Raw(_encode(members))
