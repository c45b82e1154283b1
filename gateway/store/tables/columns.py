"""The columns of a table, made from the fields of its entity, so that each is written once."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Generic, TypeVar, get_origin, get_type_hints

import msgspec

from gateway.store.statement import columns_of

V = TypeVar("V")
_encode = msgspec.json.Encoder(order="sorted").encode


class Columns(Generic[V]):
    """`key` is the primary key, as `keys(…)` writes it. Key columns that are no fields of the entity come first: such an entity is
    kept under its key. `fixed` are fields that an upsert and an update do not change. `renamed` are columns with another name than
    their field.

    Truth is stored as 0 or 1; a tuple, set or mapping as JSON text.
    """

    def __init__(
        self,
        table: str,
        entity: type[V],
        key: str,
        *,
        fixed: Sequence[str] = (),
        renamed: Mapping[str, str] = {},
    ) -> None:
        self.table, self.entity = table, entity
        self.key = columns_of(key)
        self.fields = _fields(entity)
        self.names = tuple(renamed.get(name, name) for name in self.fields)
        self.outside = tuple(column.name for column in self.key if column.name not in self.names)
        self.all = (*self.outside, *self.names)
        keys = [column.name for column in self.key]
        self.changing = [name for name in self.names if name not in keys and name not in fixed]
        self._key_text = key
        self._codecs = _codecs(entity, self.fields)
        self._values: Callable[[V], tuple[Any, ...]] = attrgetter(*self.fields)
        if len(self.fields) == 1:
            self._values = lambda entity: (getattr(entity, self.fields[0]),)
        self._changing_at = [self.names.index(name) for name in self.changing]
        self._changes: Callable[[V], tuple[Any, ...]] | None = None
        if len(self.changing) > 1 and not self._codecs:
            self._changes = attrgetter(*(self.fields[place] for place in self._changing_at))

    # ---- SQL ----

    def select(self, alias: str) -> str:
        return ", ".join(f"{alias}.{name}" for name in self.all)

    @property
    def by_key(self) -> str:
        """The rows with these keys."""
        same = " AND ".join(f"t.{column.name} = k.{column.name}" for column in self.key)
        return f"SELECT {self.select('t')} FROM keys({self._key_text}) AS k CROSS JOIN {self.table} AS t ON {same}"

    @property
    def insert(self) -> str:
        marks = ", ".join("?" * len(self.all))
        return f"INSERT INTO {self.table} ({', '.join(self.all)}) VALUES ({marks})"

    @property
    def insert_new(self) -> str:
        """Rows that exist are not changed."""
        return f"{self.insert} ON CONFLICT ({self._keys()}) DO NOTHING"

    @property
    def upsert(self) -> str:
        changed = ", ".join(f"{name} = excluded.{name}" for name in self.changing)
        return f"{self.insert} ON CONFLICT ({self._keys()}) DO UPDATE SET {changed}"

    @property
    def delete(self) -> str:
        return f"DELETE FROM {self.table} WHERE {' AND '.join(f'{column.name} = ?' for column in self.key)}"

    def update(self, also: str = "", *, fence: str = "") -> str:
        """For rows of `change`. `fence` is one more column that must still have its old value."""
        changed = ", ".join([f"{name} = ?" for name in self.changing] + [also] * bool(also))
        keys = [*(column.name for column in self.key), *([fence] if fence else [])]
        return f"UPDATE {self.table} SET {changed} WHERE {' AND '.join(f'{name} = ?' for name in keys)}"

    def _keys(self) -> str:
        return ", ".join(column.name for column in self.key)

    # ---- rows ----

    def row(self, entity: V) -> tuple[Any, ...]:
        """The stored values, without key columns that the entity does not have."""
        values = self._values(entity)
        if not self._codecs:
            return values
        stored = list(values)
        for place, (encode, _) in self._codecs.items():
            stored[place] = encode(stored[place])
        return tuple(stored)

    def change(self, entity: V) -> tuple[Any, ...]:
        if self._changes is not None:
            return self._changes(entity)
        row = self.row(entity)
        return tuple([row[place] for place in self._changing_at])

    def read(self, row: Sequence[Any]) -> V:
        """From the values of the columns."""
        if not self._codecs:
            return self.entity(*row)
        values = list(row)
        for place, (_, decode) in self._codecs.items():
            values[place] = decode(values[place])
        return self.entity(*values)


def _fields(entity: type[Any]) -> tuple[str, ...]:
    if dataclasses.is_dataclass(entity):
        return tuple(one.name for one in dataclasses.fields(entity) if one.init)
    if issubclass(entity, msgspec.Struct):
        return entity.__struct_fields__
    return entity._fields


def _codecs(
    entity: type[Any], fields: Sequence[str]
) -> dict[int, tuple[Callable[[Any], Any], Callable[[Any], Any]]]:
    hints = get_type_hints(entity)
    found: dict[int, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {}
    for place, name in enumerate(fields):
        kind = hints[name]
        if kind is bool:
            found[place] = (bool, bool)
        elif get_origin(kind) in (tuple, frozenset, dict, Mapping):
            found[place] = (_to_json, msgspec.json.Decoder(kind).decode)
    return found


def _to_json(value: Any) -> str:
    return _encode(value).decode()
