"""Why a true pair was missed: what its two records still have in common, the strongest first."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gateway.simulate.labelled import Customers
from rules.record import Record

SAME_VALUE = "share a value, kept apart"
NOTHING = "nothing alike"
_NAMES = ("firstName", "lastName")
_MAIL_SLIPS = 2


def kind_of(customers: Customers, one: int, other: int) -> str:
    records = customers.records[one], customers.records[other]
    attributes = customers.attributes[one], customers.attributes[other]
    return next(kind for kind, holds in _KINDS.items() if holds(*records, *attributes))


def slips(one: str, other: str) -> int:
    """How many slips of the hand make one text of the other: a letter changed, added or left out, or two neighbours swapped."""
    before: Sequence[int] = ()
    last: Sequence[int] = range(len(other) + 1)
    for place, letter in enumerate(one, 1):
        row = [place]
        for at, its in enumerate(other, 1):
            cost = min(last[at] + 1, row[at - 1] + 1, last[at - 1] + (letter != its))
            if place > 1 and at > 1 and letter == other[at - 2] and one[place - 2] == its:
                cost = min(cost, before[at - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[len(other)]


def _values(record: Record, type_: str) -> list[str]:
    return [one.value for one in record.observations if one.type == type_]


_Texts = Mapping[str, str]
_Holds = Callable[[Record, Record, _Texts, _Texts], bool]


def _share_a_value(one: Record, other: Record, _: _Texts, __: _Texts) -> bool:
    return bool(one.observations.keys() & other.observations.keys())


def _near_mobile(one: Record, other: Record, _: _Texts, __: _Texts) -> bool:
    return any(slips(a, b) == 1 for a in _values(one, "mobile") for b in _values(other, "mobile"))


def _near_mail(one: Record, other: Record, _: _Texts, __: _Texts) -> bool:
    pairs = [(a, b) for a in _values(one, "email") for b in _values(other, "email")]
    return any(slips(a, b) <= _MAIL_SLIPS for a, b in pairs if abs(len(a) - len(b)) <= _MAIL_SLIPS)


def _same_mailbox(one: Record, other: Record, _: _Texts, __: _Texts) -> bool:
    boxes = ({value.partition("@")[0] for value in _values(record, "email")} for record in (one, other))
    return bool(set.intersection(*boxes))


def _same_name(_: Record, __: Record, one: _Texts, other: _Texts) -> bool:
    return bool(_name(one)) and _name(one) == _name(other)


def _near_name(_: Record, __: Record, one: _Texts, other: _Texts) -> bool:
    a, b = _name(one), _name(other)
    return bool(a and b) and slips(a, b) <= max(len(a), len(b)) // 4


def _name(texts: _Texts) -> str:
    """Its words in the order of the alphabet, whatever field they were written in."""
    return " ".join(sorted(" ".join(texts.get(name, "") for name in _NAMES).casefold().split()))


def _always(_: Record, __: Record, ___: _Texts, ____: _Texts) -> bool:
    return True


_KINDS: Final[Mapping[str, _Holds]] = {
    SAME_VALUE: _share_a_value,
    "mobile one slip off": _near_mobile,
    "e-mail one or two slips off": _near_mail,
    "same mailbox at another provider": _same_mailbox,
    "same name": _same_name,
    "name nearly the same": _near_name,
    NOTHING: _always,
}
