"""Why two profiles, or two records, are one or are not: `rules.explain` over the working set. It changes nothing."""

from gateway.ids import show
from gateway.model import (
    Explained,
    ExplainPair,
    Refused,
)
from gateway.usecases.env import Env
from gateway.usecases.merge import live
from gateway.usecases.observe import stored_attributes, wants_of_holders
from gateway.workingset import WorkingSet
from rules.explain import why, why_records
from rules.record import Profile


def wants(command: ExplainPair, ws: WorkingSet, env: Env) -> bool:
    """The two profiles whole, and every profile that one of their values leads to, because a guard may object to one of those."""
    if not _wants_of_pair(command, ws):
        return False
    found = (_profile(number, command, ws) for number in (command.a, command.b))
    pair = [one for one in found if one is not None]
    values = {value for one in pair for record in one.records.values() for value in record.observations}
    complete = True
    for key in map(ws.key, values):
        if key.owner is not None:
            ws.profiles.want(key.owner)
        complete = wants_of_holders(key, ws, env) and complete
    if env.policy.compares_attributes:
        records = [record_id for one in ws.profiles.values() for record_id in one.records]
        complete = ws.attributes.want_all(records) and complete
    return complete


def _wants_of_pair(command: ExplainPair, ws: WorkingSet) -> bool:
    pair, leads = (command.a, command.b), ws.homes if command.records else ws.redirects
    if not leads.want_all(pair):
        return False
    return ws.profiles.want_all([one for one in (leads[number] for number in pair) if one is not None])


def explain(command: ExplainPair, ws: WorkingSet, env: Env) -> Explained | Refused:
    one, other = (_profile(number, command, ws) for number in (command.a, command.b))
    if one is None or other is None:
        return Refused("not_found", f"There is no such {'record' if command.records else 'profile'}.")
    attributes = stored_attributes(ws, env)
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
