"""Canonical ids: the customer id under which the upstream knows a profile. A profile gets it when it is created. A merge does not
change the survivor's, and an absorbed profile keeps its own, in case it is split off again. The id belongs to the record that the
profile is named after, and moves with that record (`detach`)."""

from collections.abc import Iterable

from gateway.usecases.env import Env
from gateway.workingset import WorkingSet

_LONGEST = 100
"""The longest customer id that the platform takes, in characters."""


def canonical_ids(id_space: str, customer_id: str, env: Env) -> tuple[str, ...]:
    """The names that a profile which begins with this record may get, best first. None of them looks like a profile's own id, which
    is the last resort of each profile."""
    if env.canonical_id == "profile":
        return ()
    prefixed = f"{id_space}:{customer_id}"
    return _usable((customer_id, prefixed) if env.canonical_id == "first" else (prefixed,))


def _usable(wanted: Iterable[str]) -> tuple[str, ...]:
    return tuple([text for text in wanted if len(text) <= _LONGEST and not text.startswith("prf_")])


def stranger_ids(id_space: str, customer_id: str, env: Env) -> tuple[str, ...]:
    """The ids under which the upstream may know a customer without a record here, best first. An id that a profile has is another
    customer's."""
    prefixed = f"{id_space}:{customer_id}"
    wanted = (prefixed,) if env.canonical_id == "prefixed" else (customer_id, prefixed)
    return _usable(wanted)


def wants_of_canonical_id(id_space: str, customer_id: str, ws: WorkingSet, env: Env) -> None:
    ws.canonical_ids.want_all(canonical_ids(id_space, customer_id, env))
