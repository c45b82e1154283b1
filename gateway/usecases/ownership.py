"""Ownership of keys under new rules: which values can match and which profile owns them, as if the rules had always been in
force."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import NamedTuple

from gateway.usecases.component import ValueStates
from gateway.usecases.env import Env
from gateway.workingset import WorkingSet
from rules.guards import Joining, admit
from rules.identifier import Identifier
from rules.record import Profile

_NO_PROFILE: tuple[Profile, ...] = ()


class _Holding(NamedTuple):
    """A record that holds a value. The first in order becomes the owner."""

    first_seen: int
    record_id: int
    profile_id: int


def assign_owners(profiles: Collection[Profile], states: ValueStates, ws: WorkingSet, env: Env) -> None:
    """Give every value on these profiles its state under the rules in use, and its owner. The owner does not change if none of
    these profiles may own the value, or if a profile elsewhere owns it."""
    holdings = _holdings(profiles, states, ws, env)
    here = {profile.profile_id for profile in profiles}
    wanted: defaultdict[int, list[Identifier]] = defaultdict(list)
    for identifier, holding in holdings.items():
        owner = ws.key(identifier).owner
        candidates = {one.profile_id for one in holding}
        if candidates and (owner is None or owner in here):
            wanted[owner if owner in candidates else min(holding).profile_id].append(identifier)
    owned = {one: profile_id for profile_id, of in wanted.items() for one in _admitted(of, holdings, ws, env)}
    for identifier in holdings:
        state, key = states.state(identifier), ws.key(identifier)
        owner = key.owner if key.owner not in here and state == "normal" else None
        owner = owned.get(identifier, owner)
        if (key.state, key.owner) != (state, owner):
            key.state, key.owner = state, owner
            ws.touch_key(key)


def _holdings(
    profiles: Collection[Profile], states: ValueStates, ws: WorkingSet, env: Env
) -> dict[Identifier, list[_Holding]]:
    holdings: defaultdict[Identifier, list[_Holding]] = defaultdict(list)
    for profile in profiles:
        for record in profile.records.values():
            for identifier, seen in record.observations.items():
                held = holdings[identifier]
                if states.has(seen) and env.policy.may_own(record, seen):
                    held.append(_Holding(seen.first_seen, record.record_id, profile.profile_id))
    return holdings


def _admitted(
    wanted: Collection[Identifier], holdings: dict[Identifier, list[_Holding]], ws: WorkingSet, env: Env
) -> Iterator[Identifier]:
    """The values that their profiles have room to own: the oldest, or the newest if older values make room."""

    def place(identifier: Identifier) -> tuple[int, Identifier]:
        at = min(holdings[identifier]).first_seen
        return (-at if env.policy.takes_newest_first(identifier.type) else at), identifier

    empty = Joining(_NO_PROFILE, None, "", ws.now, frozenset())
    yield from admit(ws, env.policy, empty, sorted(wanted, key=place), ()).own
