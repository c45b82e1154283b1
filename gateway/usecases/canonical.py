"""Canonical ids: the customer id under which the upstream knows a profile. It is given once, when the profile is created; a
merge leaves the survivor's as it is, and an absorbed profile keeps its own for the day on which it lives again. It belongs to
the record that the profile is named after, and is wherever that record is (`parting`)."""

from collections.abc import Iterable

from gateway.usecases.env import Env
from gateway.workingset import WorkingSet

_LONGEST = 100
"""Characters that the platform takes as a customer id."""


def canonical_ids(id_space: str, customer_id: str, env: Env) -> tuple[str, ...]:
    """What a profile that begins with this record may be called, best first. No text that looks like a profile's id is
    among them: that one is every profile's last resort."""
    if env.canonical_id == "profile":
        return ()
    prefixed = f"{id_space}:{customer_id}"
    return _usable((customer_id, prefixed) if env.canonical_id == "first" else (prefixed,))


def _usable(wanted: Iterable[str]) -> tuple[str, ...]:
    return tuple([text for text in wanted if len(text) <= _LONGEST and not text.startswith("prf_")])


def stranger_ids(id_space: str, customer_id: str, env: Env) -> tuple[str, ...]:
    """What the upstream may call a customer who is nobody's record here, best first; whoever has one of them is another."""
    prefixed = f"{id_space}:{customer_id}"
    wanted = (prefixed,) if env.canonical_id == "prefixed" else (customer_id, prefixed)
    return _usable(wanted)


def wants_of_canonical_id(id_space: str, customer_id: str, ws: WorkingSet, env: Env) -> None:
    ws.canonical_ids.want_all(canonical_ids(id_space, customer_id, env))
