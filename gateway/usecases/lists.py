"""Operators' own lists: phone numbers of the shops, which belong to no customer. A number that is put on a list stops matching at
once, for all its holders. One that is taken off matches again."""

from collections.abc import Iterable

from gateway.audit.event import Action
from gateway.model import (
    ChangeList,
    Listed,
    ListedValue,
)
from gateway.usecases.detach import request_regrouping
from gateway.usecases.env import Env
from gateway.usecases.observe import pseudonym
from gateway.workingset import WorkingSet
from rules.identifier import Identifier
from rules.normalize import Normalizer
from rules.normalize.blocked import OWN
from rules.record import Key


def wants(command: ChangeList, ws: WorkingSet, env: Env) -> bool:
    ws.lists.want(command.name)
    for identifier in _identifiers(command.values, env):
        ws.keys.want(identifier)
    return True


def change(command: ChangeList, ws: WorkingSet, env: Env) -> Listed:
    """Values that are already on the list, or already off it, are left as they are."""
    before, values = ws.lists[command.name], frozenset(command.values)
    changed = sorted(values - before if command.listed else values & before)
    if not changed:
        return Listed(0)
    after = before | values if command.listed else before - values
    ws.lists.put(command.name, after)
    for value in changed:
        if command.listed:
            row = ListedValue(command.name, value, ws.now, command.caller.actor)
            ws.listed.add((command.name, value), row)
        else:
            ws.listed.drop((command.name, value))
    if f"{OWN}{command.name}" in env.rules.blocked.phones:
        normalizer = Normalizer(env.rules, {**env.own, command.name: after})
        for identifier in _identifiers(changed, env):
            _update_key(command, ws.key(identifier), normalizer, ws, env)
    ws.record_event(
        Action.LIST_CHANGED,
        outcome="added" if command.listed else "removed",
        actor=command.caller.actor,
        subject=command.name,
        request_id=command.caller.request_id,
        detail={"values": len(changed)},
    )
    return Listed(len(changed))


def _identifiers(values: Iterable[str], env: Env) -> list[Identifier]:
    return [Identifier(type_, value) for value in values for type_ in env.policy.phone_types]


def _update_key(command: ChangeList, key: Key, normalizer: Normalizer, ws: WorkingSet, env: Env) -> None:
    """Set the key's state, and have its holders looked at again."""
    blocked = normalizer.blocks(key.identifier)
    if key.holders == 0 or blocked == (key.state == "blocked"):
        return
    key.state = "blocked" if blocked else env.policy.state(key.identifier.type, key.holders)
    key.owner = None
    ws.touch_key(key)
    action, cause = (
        (Action.IDENTIFIER_BLOCKED, "blocked") if blocked else (Action.IDENTIFIER_UNBLOCKED, "unblocked")
    )
    ws.record_event(
        action,
        actor=command.caller.actor,
        request_id=command.caller.request_id,
        reason=f"{OWN}{command.name}",
        detail=pseudonym(key.identifier, env),
    )
    request_regrouping(ws, "value", cause, identifier=key.identifier)
