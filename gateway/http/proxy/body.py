"""JSON bodies: their customers get other ids, while every other member keeps its bytes: numbers, order of members, escapes. Pure.

Members are found however they are spelled, because frameworks read them so: a second `CustomerID` or `" customerId"` that only the
platform sees would be another customer than the one that was resolved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec

from gateway.http.gameball.decode import parse
from gateway.http.gameball.envelope import INVALID_PAYLOAD, TOO_MANY_VALUES, Fault
from gateway.http.gameball.identifiers import Normalize, read_identifier
from gateway.http.gameball.operations import CustomerPlaces
from gateway.http.gameball.spelling import plain, with_known_names
from gateway.http.gameball.texts import read_customer_id, text_of
from rules.attributes import CUSTOM, KINDS, OF_DIGITS
from rules.identifier import Evidence, Identifier

MOST_PERSONS = 1_000
"""Objects in one batch: the platform's own limit."""
LONGEST_TEXT = 1_000
"""Longer attributes are not compared."""
_ID = "customerId"
_ATTRIBUTES = "customerAttributes"
_GUEST = ("guest", "isguest")
_BATCH = "body"
_SENT_CLEAN = ("email", "mobile")
_KNOWN = (*KINDS, "custom")
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_items = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Subject:
    """One customer as a request names it. `claims` are identifiers that its source may not state; `changes` are the members of its
    object in the body that are sent as other texts; `warnings` are `<type>:<reason>`. `address` is the customer id if that is an
    e-mail or a mobile number; `otherwise` is the id of an unknown customer then. `verbatim`: the id of an unknown customer keeps
    its text, which may be a word of the path. `mentioned`: the call is about another customer, so it makes none of this one.
    `texts` are the attributes that are texts, under the platform's names."""

    customer_id: str = ""
    evidence: tuple[Evidence, ...] = ()
    claims: tuple[Identifier, ...] = ()
    warnings: tuple[str, ...] = ()
    guest: bool | None = None
    id_member: str = ""
    address: tuple[Evidence, ...] = ()
    otherwise: str = ""
    verbatim: bool = False
    mentioned: bool = False
    texts: dict[str, str] = field(default_factory=dict[str, str])
    changes: dict[str, Any] = field(default_factory=dict[str, Any])

    def state(self, kind: str, text: object, normalize: Normalize) -> str | None:
        """Add an identifier. Returns the text that the platform should read instead, None if it does not change."""
        found, warnings = read_identifier(kind, text, normalize)
        self.evidence += found
        self.warnings += warnings
        return clean(kind, text, found)

    def repeat(self, customer_id: str) -> None:
        """The path has this customer id; if the body has one too, it must be written the same."""
        if self.id_member and self.customer_id != customer_id:
            self.changes[self.id_member] = customer_id
        self.customer_id = customer_id

    def call_it(self, canonical_id: str) -> None:
        """Send this customer id in the body."""
        if self.id_member and self.changes.get(self.id_member, self.customer_id) != canonical_id:
            self.changes[self.id_member] = canonical_id


def clean(kind: str, text: object, found: Sequence[Evidence]) -> str | None:
    """A mobile number in E.164 or an address in its normal form, if `text` is written otherwise."""
    value = found[0].identifier.value
    if kind not in _SENT_CLEAN or found[0].status == "invalid" or ";" in value:
        return None
    return value if value != text else None


# ---- reading ----


def read(
    raw: bytes, named: CustomerPlaces, kinds: Sequence[str], normalize: Normalize
) -> list[Subject] | Fault:
    """The customers of a body: one subject for an object, one for each element of a list. `kinds` are the types of identifiers."""
    value = parse(raw)
    if isinstance(value, Fault):
        return value
    objects = _batch(value) if named.body == "many" else [value]
    if objects is None:
        return INVALID_PAYLOAD
    if len(objects) > MOST_PERSONS:
        return TOO_MANY_VALUES
    subjects: list[Subject] = []
    for one in objects:
        subject = _subject(one, named, kinds, normalize)
        if isinstance(subject, Fault):
            return subject
        subjects.append(subject)
    return subjects


def _batch(value: object) -> list[Any] | None:
    """The elements of a batch: published as `{"body": […]}`, and accepted as a bare list too."""
    if isinstance(value, dict):
        name = (_spellings(value, (_BATCH,)) or {}).get(_BATCH, "")
        value = value.get(name)
    return value if isinstance(value, list) else None


def _subject(
    value: object, named: CustomerPlaces, kinds: Sequence[str], normalize: Normalize
) -> Subject | Fault:
    if not isinstance(value, dict):
        return INVALID_PAYLOAD
    names = _spellings(value, (_ID, *kinds, *_GUEST, _ATTRIBUTES))
    if names is None:
        return INVALID_PAYLOAD
    subject = Subject()
    fault = _read_id(subject, value, names.get(_ID.lower(), ""))
    if fault is not None:
        return fault
    for kind in kinds:
        name = names.get(kind.lower())
        if name is not None and value[name] is not None:
            text = subject.state(kind, value[name], normalize)
            if text is not None:
                subject.changes[name] = text
    subject.guest = _guest(value, names)
    if named.attributes:
        return _read_attributes(subject, value, names.get(_ATTRIBUTES.lower(), ""), normalize)
    return subject


def _spellings(members: Mapping[str, Any], wanted: tuple[str, ...]) -> dict[str, str] | None:
    """How the wanted members are spelled here, by their lower-case names; None if one of them occurs twice."""
    looked_for = _in_lower_case(wanted)
    found: dict[str, str] = {}
    for name in members:
        known = plain(name)
        if known in looked_for:
            if known in found:
                return None
            found[known] = name
    return found


@lru_cache
def _in_lower_case(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def _read_id(subject: Subject, members: Mapping[str, Any], name: str) -> Fault | None:
    """Whole numbers are read by their digits, and sent as text."""
    value = members.get(name)
    if value is None:
        return None
    customer_id = read_customer_id(value)
    if isinstance(customer_id, Fault):
        return customer_id
    subject.id_member, subject.customer_id = name, customer_id
    if customer_id != value:
        subject.changes[name] = customer_id
    return None


def _guest(members: Mapping[str, Any], names: Mapping[str, str]) -> bool | None:
    values = (members[names[name]] for name in _GUEST if name in names)
    return next((value for value in values if isinstance(value, bool)), None)


def _read_attributes(
    subject: Subject, members: Mapping[str, Any], name: str, normalize: Normalize
) -> Subject | Fault:
    """Profile data, not evidence: a value that cannot be normalised stays as it is, without a warning."""
    attributes = members.get(name)
    if not isinstance(attributes, dict):
        return subject
    names = _spellings(attributes, _SENT_CLEAN)
    if names is None:
        return INVALID_PAYLOAD
    subject.texts = _texts(attributes)
    changes: dict[str, str] = {}
    for kind, written in names.items():
        value = attributes[written]
        text = clean(kind, value, normalize(kind, value)) if isinstance(value, str) else None
        if text is not None:
            changes[written] = text
    if changes:
        subject.changes[name] = changes
    return subject


def _texts(given: dict[str, Any]) -> dict[str, str]:
    """Of two spellings of one name, only the usual one counts: the platform decides about the call."""
    attributes = with_known_names(given, _KNOWN) or given
    custom = attributes.get("custom")
    own = {CUSTOM + name: value for name, value in custom.items()} if isinstance(custom, dict) else {}
    both = {name: value for name, value in attributes.items() if name in KINDS} | own
    both |= {name: text_of(both[name]) for name in OF_DIGITS & both.keys()}
    return {
        name: value for name, value in both.items() if isinstance(value, str) and len(value) <= LONGEST_TEXT
    }


# ---- writing ----


def write(raw: bytes, subjects: Sequence[Subject], *, many: bool) -> bytes:
    """The body with the subjects' changes; the same bytes if there are none. `subjects` are those that `read` found."""
    if not any(subject.changes for subject in subjects):
        return raw
    if not many:
        return _encode(_changed(_members(raw), subjects[0].changes))
    if not raw.lstrip().startswith(b"{"):
        return _changed_items(raw, subjects)
    members = _members(raw)
    name = next(name for name in members if plain(name) == _BATCH)
    members[name] = msgspec.Raw(_changed_items(members[name], subjects))
    return _encode(members)


def _changed_items(raw: bytes | msgspec.Raw, subjects: Sequence[Subject]) -> bytes:
    return _encode(
        [_changed(members, subject.changes) for members, subject in zip(_items(raw), subjects, strict=True)]
    )


def _changed(members: dict[str, msgspec.Raw], changes: Mapping[str, Any]) -> dict[str, msgspec.Raw]:
    for name, value in changes.items():
        if isinstance(value, dict):
            members[name] = msgspec.Raw(_encode(_changed(_members(members[name]), value)))
        else:
            members[name] = msgspec.Raw(_encode(value))
    return members
