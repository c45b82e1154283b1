"""The rows of an import as commands: what a call to `POST /customers` would make of them, or the code of what is wrong. A file
writes everything as text, so a number, a list or a boolean may come as text; an empty cell is an omitted value."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from gateway.errors import Refusal
from gateway.http.gameball.attributes import read_attributes
from gateway.http.gameball.envelope import (
    CUSTOMER_ID_MISSING,
    CUSTOMER_ID_TOO_LONG,
    TOO_MANY_VALUES,
    Fault,
)
from gateway.http.gameball.identifiers import identify
from gateway.http.gameball.texts import read_customer_id, text_of
from gateway.http.rows.frames import Answer, ReadRow, Row
from rules.attributes import CUSTOM, KINDS
from rules.normalize import Normalizer
from rules.normalize.customer_id import from_spreadsheet

CUSTOMER_ID, GUEST = "customer_id", "guest"
_CUSTOMER_ID_CODES = {
    CUSTOMER_ID_MISSING: "missing",
    CUSTOMER_ID_TOO_LONG: "too_long",
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_YES = _words(
    """
    true yes y 1 1.0 t on x ja wahr oui vrai sí si s verdadero sim verdadeiro sì vero waar sant kyllä tosi tak prawda ano igen
    igaz da evet doğru dogru да истина так נכון כן نعم صحيح 是 真 はい 예 네
    """
)
_NO = _words(
    """
    false no n 0 0.0 f off nein falsch non faux falso não nao nee onwaar nej falskt falsk nei ei epätosi nie fałsz ne nem hamis
    nu hayır hayir yanlış yanlis нет ложь ні לא لا خطأ 否 假 いいえ 아니요
    """
)
"""What spreadsheets and programs of many languages write for true and false."""


class RowReader:
    """`columns` says what each value of a row is: `customer_id`, `guest`, an identifier type of the rules, an attribute of the API,
    or `custom.` and a name. Raises Refusal for impossible columns."""

    def __init__(self, columns: Sequence[str], id_space: str, region: str, normalizer: Normalizer) -> None:
        self._id_space, self._region, self._normalizer = id_space, region, normalizer
        self._width = len(columns)
        places = {name: place for place, name in enumerate(columns)}
        _refuse_what_cannot_be(columns, normalizer.types)
        self._place_of_id = places.pop(CUSTOMER_ID)
        self._guest = places.pop(GUEST, None)
        self._identifiers = [(name, places.pop(name)) for name in normalizer.types if name in places]
        self._attributes = list(places.items())

    def read_all(self, rows: Iterable[Row]) -> Answer:
        return Answer([self._read(row) for row in rows])

    def _read(self, row: Row) -> ReadRow:
        found = self._says(row)
        return ReadRow(row.line, "", fault=found) if isinstance(found, str) else found

    def _says(self, row: Row) -> ReadRow | str:
        """What it says, or a code."""
        values = row.values
        if len(values) != self._width:
            return "wrong_columns"
        customer_id, code = self._customer_id(values[self._place_of_id])
        if code:
            return f"customer_id_{code}"
        guest = None if self._guest is None else _flag(values[self._guest])
        if isinstance(guest, str):
            return guest
        stated = {name: self._identifier(name, values[place]) for name, place in self._identifiers}
        identity = identify(stated, self._region, self._normalizer)
        attributes = self._read_attributes(values) if self._attributes else {}
        if isinstance(attributes, Fault):
            return "attribute_too_long" if attributes == TOO_MANY_VALUES else "attribute_unusable"
        return ReadRow(row.line, customer_id, identity.evidence, attributes, guest)

    def _customer_id(self, cell: Any) -> tuple[str, str]:
        """The id, and a code if it cannot be used."""
        text = text_of(cell)
        sent = read_customer_id(cell if text is None else from_spreadsheet(text))
        if isinstance(sent, Fault):
            return "", _CUSTOMER_ID_CODES.get(sent, "unusable")
        return self._normalizer.customer_id(sent, self._id_space)

    def _identifier(self, name: str, cell: Any) -> Any:
        """Customer ids and numbers are text; the writer of a file may have taken them for numbers."""
        text = text_of(cell)
        if text is None:
            return cell
        return (from_spreadsheet(text) if name in self._normalizer.opaque else text) or None

    def _read_attributes(self, values: Sequence[Any]) -> dict[str, Any] | Fault:
        given: dict[str, Any] = {}
        custom: dict[str, Any] = {}
        for name, place in self._attributes:
            value = values[place]
            if value is None or value == "":
                continue
            if name.startswith(CUSTOM):
                custom[name.removeprefix(CUSTOM)] = value
            else:
                given[name] = _typed(name, value)
        return read_attributes(given | {"custom": custom})


def _refuse_what_cannot_be(columns: Sequence[str], types: Sequence[str]) -> None:
    if CUSTOMER_ID not in columns:
        raise Refusal("bad_body", "columns: none is the customer id; say which, as in customer_id=COLUMN")
    if len(set(columns)) < len(columns):
        raise Refusal("bad_body", "columns: one is named twice; name each once")
    for name in columns:
        if name in KINDS or name in types or name in (CUSTOMER_ID, GUEST):
            continue
        custom = isinstance(read_attributes({"custom": {name.removeprefix(CUSTOM): ""}}), dict)
        if not (name.startswith(CUSTOM) and custom):
            raise Refusal(
                "bad_body",
                f"columns: {name[:50]!r} is no identifier type of the active rules and no customer attribute; "
                "write custom.NAME for one of your own",
            )


def _flag(value: Any) -> bool | str | None:
    if isinstance(value, bool):
        return value
    if value is None or value == "":
        return None
    word = str(value).strip().casefold()
    if word in _YES:
        return True
    return False if word in _NO else "guest_unusable"


def _typed(name: str, value: Any) -> Any:
    if KINDS.get(name, "string") == "string" or not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (ValueError, RecursionError):
        return value
