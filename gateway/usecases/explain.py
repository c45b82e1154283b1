"""Why two profiles, or two records, are one or are not: `rules.explain` over the working set. Nothing is changed."""

from functools import partial

from gateway.ids import show
from gateway.model import Explained, ExplainPair, Outcome, Refused
from gateway.usecases.env import Env
from gateway.usecases.merge import live, needs_of_live
from gateway.usecases.observe import attributes_of, needs_of_holders
from gateway.workingset import Needs, WorkingSet
from rules.explain import why, why_records
from rules.record import Profile


def needs(command: ExplainPair, ws: WorkingSet, env: Env, needs: Needs) -> bool:
    """The two profiles whole, and every profile that one of their values leads to: a guard may be met there."""
    if not _needs_of_pair(command, ws, needs):
        return False
    found = (_profile(number, command, ws) for number in (command.a, command.b))
    pair = [one for one in found if one is not None]
    values = {value for one in pair for record in one.records.values() for value in record.observations}
    complete = True
    for key in map(ws.key, values):
        if key.owner is not None:
            needs.profile(key.owner)
        complete = needs_of_holders(key, ws, env, needs) and complete
    if env.policy.confirms:
        for record_id in (record_id for one in ws.profiles.values() for record_id in one.records):
            needs.attributes_of(record_id)
        complete = not needs
    return complete


def _needs_of_pair(command: ExplainPair, ws: WorkingSet, needs: Needs) -> bool:
    if not command.records:
        return needs_of_live((command.a, command.b), ws, needs) and not needs
    for record_id in (command.a, command.b):
        needs.home(record_id)
        home = ws.homes.get(record_id)
        if home is not None:
            needs.profile(home)
    return not needs


def explain(command: ExplainPair, ws: WorkingSet, env: Env) -> Outcome:
    one, other = (_profile(number, command, ws) for number in (command.a, command.b))
    if one is None or other is None:
        return Refused("not_found", f"There is no such {'record' if command.records else 'profile'}.")
    attributes = partial(attributes_of, ws) if env.policy.confirms else None
    if command.records:
        pair = one.records[command.a], other.records[command.b]
        return Explained(why_records(ws, env.policy, *pair, ws.now, attributes))
    if one is other:
        return _same(one)
    return Explained(why(ws, env.policy, one.profile_id, other.profile_id, ws.now, attributes))


def _same(profile: Profile) -> Refused:
    known = show("prf", profile.profile_id)
    return Refused(
        "same_profile",
        f"Both are {known}; `gateway profile explain {known}` tells how it was built. Two of its records can be compared.",
    )


def _profile(number: int, command: ExplainPair, ws: WorkingSet) -> Profile | None:
    if not command.records:
        return live(number, ws)
    home = ws.homes[number]
    return ws.profile(home) if home is not None else None
