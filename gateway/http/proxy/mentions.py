"""Customers in a call without known places for them: found by the names of members and parameters, at any depth and in lists, and
rewritten there while everything else keeps its bytes. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_to_bytes

import msgspec

from gateway.http.gameball.envelope import MALFORMED_PATH, TOO_MANY_VALUES, Fault
from gateway.http.gameball.identifiers import Normalize
from gateway.http.gameball.spelling import decoded, plain, within
from gateway.http.gameball.texts import read_customer_id, text_of
from gateway.http.proxy.body import MOST_PERSONS, Subject, clean

_NAMES = ("playeruniqueid", "customerid", "customeruniqueid", "forcustomerid")
"""The names of members with a customer's id, without `_` and in lower case; in a list with an `s`. If an object has several, an
e-mail beside them belongs to the first."""
_ONE = frozenset(_NAMES)
_MANY = frozenset(name + "s" for name in _NAMES)
_NAMED = _ONE | _MANY
_GUEST = ("guest", "isguest")
_HASH = "hash"
_decode = msgspec.json.Decoder().decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def _folded(name: str) -> str:
    return plain(name).replace("_", "").replace("-", "")


# ---- reading ----


@dataclass(slots=True)
class Mentions:
    """The customers of a call: one subject for each customer id, wherever it occurs. `kinds` are the types of identifiers that
    belong to the customer if they occur beside its id."""

    kinds: Sequence[str]
    normalize: Normalize
    subjects: dict[str, Subject] = field(default_factory=dict[str, Subject])
    texts: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """Identifiers that are sent as other texts, by type and text."""

    def add(self, value: object) -> Subject | Fault:
        """Numbers are read by their digits."""
        customer_id = read_customer_id(value)
        if isinstance(customer_id, Fault):
            return customer_id
        subject = self.subjects.get(customer_id)
        if subject is not None:
            return subject
        if len(self.subjects) == MOST_PERSONS:
            return TOO_MANY_VALUES
        subject = self.subjects[customer_id] = Subject(customer_id, mentioned=bool(self.subjects))
        if self.kinds:
            self._add_address(subject)
        return subject

    def add_path(self, customer_id: str) -> Fault | None:
        subject = self.add(customer_id)
        if isinstance(subject, Fault):
            return subject
        subject.verbatim = not self.kinds and customer_id.replace("-", "").isalpha()
        return None

    def add_query(self, query: str) -> Fault | None:
        """A `;` is refused, because some readers take it for `&`."""
        if ";" in query:
            return MALFORMED_PATH
        for name, value in _pairs(query):
            if name in _MANY and value.count(",") >= MOST_PERSONS:
                return TOO_MANY_VALUES
            for text in _ids_of(name, value):
                if text is None:
                    return MALFORMED_PATH
                fault = self.add(text)
                if isinstance(fault, Fault):
                    return fault
        return None

    def add_value(self, value: Any) -> Fault | None:
        """Everything that a JSON value names. The call is about the customer at its root; all others are only mentioned."""
        for one in _walked(value):
            owner = self._add_members(one)
            if isinstance(owner, Fault):
                return owner
            if one is value and owner is not None:
                for subject in self.subjects.values():
                    subject.mentioned = subject is not owner
        return None

    def _add_members(self, members: Mapping[str, Any]) -> Subject | Fault | None:
        """Whom the object is about."""
        folded = _by_folded_name(members)
        owner: Subject | None = None
        for name in _NAMES:
            for wanted in (name, name + "s"):
                for value in _each(folded.get(wanted)):
                    subject = self.add(value)
                    if isinstance(subject, Fault):
                        return subject
                    owner = owner or (subject if wanted == name != "forcustomerid" else None)
        if owner is not None and self.kinds:
            self._add_evidence(owner, folded)
        return owner

    def _add_evidence(self, subject: Subject, folded: Mapping[str, list[Any]]) -> None:
        for kind in self.kinds:
            for value in folded.get(_folded(kind), ()):
                if value is None:
                    continue
                text, changed = text_of(value), subject.state(kind, value, self.normalize)
                if text is not None and changed is not None:
                    self.texts[_folded(kind), text] = changed
        subject.evidence = tuple(dict.fromkeys(subject.evidence))
        subject.warnings = tuple(dict.fromkeys(subject.warnings))
        for name in _GUEST:
            for guest in folded.get(name, ()):
                if isinstance(guest, bool) and subject.guest is None:
                    subject.guest = guest

    def _add_address(self, subject: Subject) -> None:
        """Old clients write an e-mail or a mobile number in place of the id."""
        text = subject.customer_id
        kind = "email" if "@" in text else "mobile" if text.startswith("+") else ""
        if kind:
            subject.address = tuple(self.normalize(kind, text))
            subject.otherwise = clean(kind, text, subject.address) or text


def _by_folded_name(members: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The values by their folded names: two spellings of one name are two values."""
    found: dict[str, list[Any]] = {}
    for name, value in members.items():
        found.setdefault(_folded(name), []).append(value)
    return found


def _each(value: Any) -> Iterator[Any]:
    """The values that stand for customers: lists are opened, objects are left to the walk."""
    if isinstance(value, list):
        for one in value:
            yield from _each(one)
    elif value is not None and value != "" and not isinstance(value, dict):
        yield value


def _walked(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a value."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            yield one
            left += one.values()
        elif isinstance(one, list):
            left += one


def _pairs(query: str) -> Iterator[tuple[str, str]]:
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        yield _parameter_name(name), value


def _parameter_name(written: str) -> str:
    """Also of an id inside something else; in a name that a caller made up, `_` and `-` are ignored."""
    return within(decoded(written).replace("_", "").replace("-", ""), _NAMED)


def _ids_of(name: str, value: str) -> Iterator[str | None]:
    """The ids that a parameter names, None for one that is no text. A `+` that was not escaped begins a mobile number."""
    if name not in _ONE and name not in _MANY:
        return
    for one in value.split(",") if name in _MANY else [value]:
        if one:
            yield _parameter_text(one)


def _parameter_text(value: str) -> str | None:
    try:
        text = unquote_to_bytes(value.replace("+", " ")).decode()
    except UnicodeDecodeError:
        return None
    return "+" + text[1:] if text[:1] == " " and text[1:].isdigit() else text


# ---- writing ----


class Writing(NamedTuple):
    """The texts that replace others: customer ids, identifiers by type, hashes."""

    ids: Mapping[str, str]
    texts: Mapping[tuple[str, str], str] = {}
    hashes: Mapping[str, str] = {}


def rewritten_query(query: str, ids: Mapping[str, str]) -> str:
    pairs = zip(query.split("&"), _pairs(query), strict=True)
    return "&".join(_rewritten_pair(pair, name, value, ids) for pair, (name, value) in pairs)


def _rewritten_pair(pair: str, name: str, value: str, ids: Mapping[str, str]) -> str:
    if name not in _ONE and name not in _MANY:
        return pair
    values = value.split(",") if name in _MANY else [value]
    return f"{pair.partition('=')[0]}={','.join(_rewritten_parameter(one, ids) for one in values)}"


def _rewritten_parameter(value: str, ids: Mapping[str, str]) -> str:
    text = _parameter_text(value) or ""
    return quote(ids[text], safe="") if ids.get(text, text) != text else value


def rewritten(raw: bytes, writing: Writing) -> bytes:
    """JSON with other texts in it; the same bytes if nothing changes."""
    found = msgspec.Raw(raw.strip())
    changed = _rewritten(found, "", writing)
    return raw if changed is found else bytes(changed)


def _rewritten(raw: msgspec.Raw, name: str, writing: Writing) -> msgspec.Raw:
    """`name` is that of the member, folded; "" if it does not matter. The same object if nothing changes."""
    text = bytes(raw)
    if text.startswith(b"{"):
        members = _members(text)
        names = _names_that_matter(members)
        changed = {member: _rewritten(one, names.get(member, ""), writing) for member, one in members.items()}
        return raw if _is_same(members.values(), changed.values()) else msgspec.Raw(_encode(changed))
    if text.startswith(b"["):
        items = _items(text)
        others = [_rewritten(one, name, writing) for one in items]
        return raw if _is_same(items, others) else msgspec.Raw(_encode(others))
    new = _new_text(name, text, writing) if name else None
    return raw if new is None else msgspec.Raw(_encode(new))


def _names_that_matter(members: Iterable[str]) -> dict[str, str]:
    """The folded names of an object's members. Without a customer id beside them, only those that can name a customer
    themselves."""
    names = {member: _folded(member) for member in members}
    if not _ONE.isdisjoint(names.values()):
        return names
    return {member: name for member, name in names.items() if name in _MANY or name == _HASH}


def _is_same(before: Iterable[object], after: Iterable[object]) -> bool:
    return all(one is other for one, other in zip(before, after, strict=True))


def _new_text(name: str, text: bytes, writing: Writing) -> str | None:
    """What the member says instead; None if it does not change."""
    value = text_of(_decode(text))
    if value is None:
        return None
    if name in _ONE or name in _MANY:
        new = writing.ids.get(value, value)
    else:
        new = writing.hashes.get(value, value) if name == _HASH else writing.texts.get((name, value), value)
    return None if new == value else new
