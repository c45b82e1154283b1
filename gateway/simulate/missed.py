"""Why a true pair was missed: what its two records still have in common, the strongest first."""

from collections.abc import Callable, Mapping
from typing import Final

from rapidfuzz.distance import OSA

from gateway.simulate.labelled import Customers
from rules.compare import compare_values
from rules.record import Record

SAME_VALUE = "share a value, kept apart"
NOTHING = "nothing alike"
_NAMES = ("firstName", "lastName")
_MAIL_SLIPS = 2


def kind_of(customers: Customers, one: int, other: int) -> str:
    records = customers.records[one], customers.records[other]
    attributes = customers.attributes[one], customers.attributes[other]
    return next(kind for kind, holds in _KINDS.items() if holds(*records, *attributes))


def _values(record: Record, type_: str) -> list[str]:
    return [one.value for one in record.observations if one.type == type_]


_Texts = Mapping[str, str]
_Holds = Callable[[Record, Record, _Texts, _Texts], bool]


def _share_a_value(one: Record, other: Record, _: _Texts, __: _Texts) -> bool:
    return bool(one.observations.keys() & other.observations.keys())


def _near_mobile(one: Record, other: Record, _: _Texts, __: _Texts) -> bool:
    return any(OSA.distance(a, b) == 1 for a in _values(one, "mobile") for b in _values(other, "mobile"))


def _near_mail(one: Record, other: Record, _: _Texts, __: _Texts) -> bool:
    pairs = [(a, b) for a in _values(one, "email") for b in _values(other, "email")]
    return any(OSA.distance(a, b) <= _MAIL_SLIPS for a, b in pairs if abs(len(a) - len(b)) <= _MAIL_SLIPS)


def _same_mailbox(one: Record, other: Record, _: _Texts, __: _Texts) -> bool:
    boxes = ({value.partition("@")[0] for value in _values(record, "email")} for record in (one, other))
    return bool(set.intersection(*boxes))


def _similar_name(_: Record, __: Record, one: _Texts, other: _Texts) -> bool:
    return compare_values("name", _name(one), _name(other)).reaches("similar")


def _near_name(_: Record, __: Record, one: _Texts, other: _Texts) -> bool:
    return compare_values("name", _name(one), _name(other)).reaches("compatible")


def _name(texts: _Texts) -> str:
    return texts.get("displayName", "") or " ".join(filter(None, (texts.get(name) for name in _NAMES)))


def _always(_: Record, __: Record, ___: _Texts, ____: _Texts) -> bool:
    return True


_KINDS: Final[Mapping[str, _Holds]] = {
    SAME_VALUE: _share_a_value,
    "mobile one slip off": _near_mobile,
    "e-mail one or two slips off": _near_mail,
    "same mailbox at another provider": _same_mailbox,
    "similar name": _similar_name,
    "name nearly the same": _near_name,
    NOTHING: _always,
}
