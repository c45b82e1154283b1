"""Operators issue and revoke channel keys, and store, plan and activate rule sets."""

from msgspec.structs import replace

from gateway.audit.event import Action
from gateway.model import (
    ActivateRules,
    Caller,
    ChannelKey,
    CreateKey,
    Done,
    NotePlan,
    Refused,
    Regrouping,
    RevokeKey,
    RulePlan,
    StoreRules,
)
from gateway.usecases.env import Env
from gateway.workingset import WorkingSet
from gateway.workingset.operators import EVERY_CHANNEL

_KEYS_PER_CHANNEL = 2


def wants_of_create_key(command: CreateKey, ws: WorkingSet, env: Env) -> bool:
    ws.keys_of_channel.want(command.key.channel)
    return True


def create_key(command: CreateKey, ws: WorkingSet, env: Env) -> Done | Refused:
    """A channel has at most two active pairs: the one in use and its successor."""
    keys = ws.keys_of_channel[command.key.channel]
    if sum(key.revoked_at is None for key in keys) >= _KEYS_PER_CHANNEL:
        return Refused(
            "too_many_keys",
            f"Channel {command.key.channel} has {_KEYS_PER_CHANNEL} active key pairs; revoke one first.",
        )
    ws.keep_channel_key(command.key)
    _note_key(Action.KEY_CREATED, command.caller, command.key, ws)
    return Done()


def wants_of_revoke_key(command: RevokeKey, ws: WorkingSet, env: Env) -> bool:
    ws.keys_of_channel.want(EVERY_CHANNEL)
    return True


def revoke_key(command: RevokeKey, ws: WorkingSet, env: Env) -> Done | Refused:
    key = next((key for key in ws.keys_of_channel[EVERY_CHANNEL] if key.key_id == command.key_id), None)
    if key is None:
        return Refused("key_unknown", "There is no key pair with this id; `gateway keys list` shows them.")
    if key.revoked_at is not None:
        return Done(changed=False)
    revoked = replace(key, revoked_at=ws.now)
    ws.keep_channel_key(revoked)
    _note_key(Action.KEY_REVOKED, command.caller, revoked, ws)
    return Done()


def _note_key(action: Action, caller: Caller, key: ChannelKey, ws: WorkingSet) -> None:
    ws.record_event(
        action, channel=key.channel, actor=caller.actor, subject=key.key_id, request_id=caller.request_id
    )


def wants_of_store_rules(command: StoreRules, ws: WorkingSet, env: Env) -> bool:
    ws.rule_sets.want(command.rule_set.version)
    return True


def store_rules(command: StoreRules, ws: WorkingSet, env: Env) -> Done | Refused:
    known = ws.rule_sets[command.rule_set.version]
    if known is not None and known.sha256 != command.rule_set.sha256:
        return Refused(
            "version_taken",
            f"Version {command.rule_set.version} is stored with another content; give the new content a new version.",
        )
    changed = known is None
    if changed:
        ws.rule_sets.add(command.rule_set.version, command.rule_set)
        _note_rules(
            Action.RULES_STORED, command.caller, command.rule_set.version, ws, command.rule_set.sha256
        )
    if command.activate and ws.active_rules != command.rule_set.version:
        _activate(command.caller, command.rule_set.version, ws)
        changed = True
    return Done(changed)


def wants_of_activate_rules(command: ActivateRules, ws: WorkingSet, env: Env) -> bool:
    ws.rule_sets.want(command.version)
    return True


def activate_rules(command: ActivateRules, ws: WorkingSet, env: Env) -> Done | Refused:
    """Make a stored version the active one. Activating an older version is a rollback."""
    if ws.rule_sets[command.version] is None:
        return Refused(
            "rules_unknown", "There is no rule set of this version; `gateway rules list` shows them."
        )
    if ws.active_rules == command.version:
        return Done(changed=False)
    _activate(command.caller, command.version, ws)
    return Done()


def note_plan(command: NotePlan, ws: WorkingSet, env: Env) -> Done:
    """A newer plan of the same content replaces the older one."""
    actor = command.caller.actor
    ws.plans.keep(command.sha256, RulePlan(command.sha256, ws.now, actor, command.summary, command.cases))
    _note_rules(Action.RULES_PLANNED, command.caller, command.version, ws, command.sha256)
    return Done()


def _activate(caller: Caller, version: str, ws: WorkingSet) -> None:
    """If rules were in force before, all profiles are regrouped under the new ones. An earlier regrouping that is not complete
    ends."""
    stored, before = ws.rule_sets[version], ws.active_rules
    assert stored is not None  # noqa: S101 - the callers looked
    for run in list(ws.regroupings.values()):
        if run is not None and run.scope == "rules" and run.finished_at is None:
            ws.keep_regrouping(replace(run, finished_at=ws.now))
    if before:
        ws.keep_regrouping(
            Regrouping(ws.next_id(), "rules", f"rules:{version}", stored.sha256, "", "", 0, ws.now)
        )
    ws.activate(version, caller.actor)
    _note_rules(Action.RULES_ACTIVATED, caller, version, ws, "")


def _note_rules(action: Action, caller: Caller, version: str, ws: WorkingSet, sha256: str) -> None:
    ws.record_event(
        action,
        actor=caller.actor,
        subject=version,
        request_id=caller.request_id,
        detail={"sha256": sha256} if sha256 else None,
    )
