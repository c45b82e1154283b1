"""The rows of an import as commands: what a call to `POST /customers` would make of them, or the code of what is wrong. A
file writes everything as text, so a number, a list or a yes may come as its text; an empty cell is an omitted value."""

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.config import Channel
from gateway.errors import Refusal
from gateway.http.gameball.attributes import ATTRIBUTES, CUSTOM, read_attributes
from gateway.http.gameball.decode import fault_in_customer_id
from gateway.http.gameball.envelope import (
    CUSTOMER_ID_MISSING,
    CUSTOMER_ID_TOO_LONG,
    TOO_MANY_VALUES,
    Fault,
)
from gateway.http.gameball.identify import identify
from gateway.model import Caller, SaveCustomer
from gateway.usecases.env import Env

CUSTOMER_ID, GUEST = "customer_id", "guest"
_CUSTOMER_ID_CODES = {
    CUSTOMER_ID_MISSING: "customer_id_missing",
    CUSTOMER_ID_TOO_LONG: "customer_id_too_long",
}
_YES, _NO = frozenset({"true", "yes", "y", "1"}), frozenset({"false", "no", "n", "0"})


class RowReader:
    """`columns` says what each value of a row is: `customer_id`, `guest`, an identifier type of the rules, an attribute
    of the API, or `custom.` and a name. Raises Refusal for columns that cannot be."""

    def __init__(self, columns: Sequence[str], channel: Channel, caller: Caller, env: Env) -> None:
        self._columns = tuple(columns)
        self._channel, self._caller, self._env = channel, caller, env
        self._identifiers = tuple(name for name in columns if name in env.rules.identifiers)
        self._attributes = frozenset(columns).difference(self._identifiers, (CUSTOMER_ID, GUEST))
        self._refuse_what_cannot_be()

    def _refuse_what_cannot_be(self) -> None:
        if CUSTOMER_ID not in self._columns:
            raise Refusal("bad_body", "columns: none is the customer id; say which, as in customer_id=COLUMN")
        if len(set(self._columns)) < len(self._columns):
            raise Refusal("bad_body", "columns: one is named twice; name each once")
        for name in self._attributes:
            custom = isinstance(read_attributes({"custom": {name.removeprefix(CUSTOM): ""}}), dict)
            if name not in ATTRIBUTES and not (name.startswith(CUSTOM) and custom):
                raise Refusal(
                    "bad_body",
                    f"columns: {name[:50]!r} is no identifier type of the active rules and no customer attribute; "
                    "write custom.NAME for one of your own",
                )

    def read(self, values: Sequence[Any]) -> SaveCustomer | str:
        """The command, or a code."""
        if len(values) != len(self._columns):
            return "wrong_columns"
        given = dict(zip(self._columns, [None if value == "" else value for value in values], strict=True))
        customer_id = _text(given.get(CUSTOMER_ID))
        fault = fault_in_customer_id(customer_id)
        if fault is not None:
            return _CUSTOMER_ID_CODES.get(fault, "customer_id_unusable")
        guest = _flag(given.get(GUEST))
        if isinstance(guest, str):
            return guest
        identity = identify(
            {name: _text(given[name]) for name in self._identifiers},
            self._channel,
            self._env,
        )
        if isinstance(identity, Fault):
            return "identifier_unusable"
        attributes = self._read_attributes(given) if self._attributes else {}
        if isinstance(attributes, Fault):
            return "attribute_too_long" if attributes == TOO_MANY_VALUES else "attribute_unusable"
        return SaveCustomer(self._caller, customer_id, identity.evidence, attributes, guest)

    def _read_attributes(self, given: dict[str, Any]) -> dict[str, Any] | Fault:
        values = {name: _typed(name, given[name]) for name in self._attributes if given[name] is not None}
        custom = {
            name.removeprefix(CUSTOM): values.pop(name) for name in tuple(values) if name.startswith(CUSTOM)
        }
        return read_attributes(values | {"custom": custom})


def _text(value: Any) -> Any:
    """Customer ids and numbers are text; a file's writer may have taken them for numbers."""
    return str(value) if type(value) is int else value


def _flag(value: Any) -> bool | str | None:
    if value is None or isinstance(value, bool):
        return value
    word = str(value).strip().casefold()
    if word in _YES:
        return True
    return False if word in _NO else "guest_unusable"


def _typed(name: str, value: Any) -> Any:
    if ATTRIBUTES.get(name, "string") == "string" or not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (ValueError, RecursionError):
        return value
