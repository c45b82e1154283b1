"""The one mechanism of a working set: entities of one kind by their keys.

A use case asks for keys (`want`). The store looks them up, puts what it finds here, and notes what does not exist; then the use
case reads. Reading a key that was not looked up raises `NotLoaded`. So «not there» and «not looked up» can never be confused, and a
use case that reads what it did not ask for fails at once. What it adds, changes or drops is kept here until the store saves it.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, ValuesView
from typing import Any, Generic, Protocol, TypeVar, get_origin

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class NotLoaded(Exception):
    """A use case read what it had not asked for, or what a neighbour in its batch changed. Names the collection."""


class AddedTwice(Exception):
    """A use case made two rows with one key without looking whether there is one."""


class Held(dict[K, V]):
    """What was looked up. It is a dictionary of its own so that hot paths read it at full speed."""

    __slots__ = ("name",)
    name: str

    def __missing__(self, key: K) -> V:
        raise NotLoaded(self.name)


class Written(Generic[K, V]):
    """Rows that a batch writes: the next save inserts `added`, updates `changed` and deletes `dropped`, in this order. They are
    never `wanted`, because their values are read elsewhere."""

    __slots__ = ("added", "changed", "dropped", "wanted")

    def __init__(self, name: str) -> None:
        self.wanted: set[K] = set()
        self.added: dict[K, V] = {}
        self.changed: dict[K, V] = {}
        self.dropped: dict[K, None] = {}

    def add(self, key: K, value: V) -> None:
        """A new row; there can be only one."""
        if key in self.added:
            raise AddedTwice
        self.added[key] = value

    def keep(self, key: K, value: V) -> None:
        """A row that was changed, or may be new."""
        if key in self.added:
            self.added[key] = value
        else:
            self.changed[key] = value

    def drop(self, key: K) -> None:
        """Delete the row."""
        self.take_back(key)
        self.dropped[key] = None

    def take_back(self, key: K) -> None:
        """The row needs no saving any more."""
        self.added.pop(key, None)
        self.changed.pop(key, None)

    def saved(self) -> None:
        """All changes are in the database."""
        self.added.clear()
        self.changed.clear()
        self.dropped.clear()


class Collection(Written[K, V]):
    """Rows that are read by their keys, too. None in `held` means: looked up, and not there. Keys in `absent` mean the same, if it
    is a fault to read what is not there."""

    __slots__ = ("absent", "held")

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.held: Held[K, V] = Held()
        self.held.name = name
        self.absent: set[K] = set()

    # ---- what is asked for ----

    def want(self, key: K) -> bool:
        """Ask for a key, unless it was looked up. True: it was."""
        if key in self.held or key in self.absent:
            return True
        self.wanted.add(key)
        return False

    def want_all(self, keys: Iterable[K]) -> bool:
        """True: all of them were looked up."""
        missing = [key for key in keys if key not in self.held and key not in self.absent]
        self.wanted.update(missing)
        return not missing

    def take_wanted(self) -> list[K]:
        """For the store: the keys to look up now."""
        wanted = [key for key in self.wanted if key not in self.held]
        self.wanted.clear()
        return wanted

    # ---- reading ----

    def __contains__(self, key: K) -> bool:
        """Whether it was looked up."""
        return key in self.held

    def __getitem__(self, key: K) -> V:
        return self.held[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self.held)

    def values(self) -> ValuesView[V]:
        """Everything that was looked up so far."""
        return self.held.values()

    # ---- changing ----

    def put(self, key: K, value: V) -> None:
        """Note a value that is in the database already, or that follows from other rows."""
        self.held[key] = value

    def add(self, key: K, value: V) -> None:
        if key in self.added:
            raise AddedTwice
        self.held[key] = self.added[key] = value

    def keep(self, key: K, value: V) -> None:
        self.held[key] = value
        if key in self.added:
            self.added[key] = value
        else:
            self.changed[key] = value

    def remove(self, key: K, left: V) -> None:
        """Delete the row. `left` is what is read here from now on."""
        self.held[key] = left
        self.drop(key)

    def forget(self, key: K) -> None:
        """What was looked up no longer holds: reading it raises `NotLoaded` again."""
        self.held.pop(key, None)


C = TypeVar("C", bound=Written[Any, Any])


class HasCollections(Protocol):
    collections: dict[str, Written[Any, Any]]


class Of(Generic[C]):
    """Declares a collection of a working set. It is made when the batch first uses it: most batches use few of them."""

    def __init__(self, kind: type[C]) -> None:
        self._make: Callable[[str], C] = get_origin(kind) or kind
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: HasCollections, owner: type) -> C:
        made = self._make(self.name)
        instance.collections[self.name] = instance.__dict__[self.name] = made
        return made
