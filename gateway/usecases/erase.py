"""Erasure: everything that identifies a person is deleted. Ledger entries and audit events stay, without it."""

from gateway.audit.event import Action
from gateway.ids import show
from gateway.model import (
    AccountsLeft,
    Caller,
    Done,
    EraseCustomer,
    Erased,
    EraseDeletedCustomer,
    Erasure,
    ForgetAgain,
    UnknownCustomer,
)
from gateway.usecases.detach import detach_records, note_split, request_regrouping, wants_of_detach
from gateway.usecases.env import Env
from gateway.workingset import WorkingSet
from rules.record import Key, Profile

_RESTORED = "restored"


def wants(command: EraseCustomer, ws: WorkingSet, env: Env) -> bool:
    if command.profile_id is not None:
        if not ws.redirects.want(command.profile_id):
            return False
        target = ws.redirects[command.profile_id]
    else:
        place = (command.caller.id_space, command.customer_id)
        if not ws.records.want(place):
            return False
        record = ws.records[place]
        target = record.profile_id if record is not None else None
    if target is None:
        return True
    if not ws.profiles.want(target):
        return False
    if target in ws.profiles:
        ws.attributes.want_all(ws.profile(target).records)
    return True


def erase(command: EraseCustomer, ws: WorkingSet, env: Env) -> Erased | UnknownCustomer:
    """The whole person, under every customer id. A second call finds nothing."""
    profile = _target(command, ws)
    return _erase(profile, command.caller, ws) if profile is not None else UnknownCustomer()


def _erase(profile: Profile, caller: Caller, ws: WorkingSet) -> Erased:
    count = len(profile.records)
    erasure = Erasure(ws.next_id(), profile.profile_id, tuple(sorted(profile.records)), ws.stamp)
    ws.erasures.add(erasure.erasure_id, erasure)
    _forget(profile, caller, "", ws)
    return Erased(profile.profile_id, count)


def _forget(profile: Profile, caller: Caller, reason: str, ws: WorkingSet) -> None:
    count = len(profile.records)
    for record_id in profile.records:
        for pair in tuple(ws.pinned.get(record_id, ())):
            if (pin := ws.all_pins[pair]) is not None:
                ws.drop_pin(pin)
        for apart in ws.apart([record_id]):
            ws.drop_side(record_id, apart.split_id)
            if row := ws.splits[apart.split_id]:
                ws.forget_reason(row)
    release_keys(profile, ws)
    ws.forget(profile)
    ws.record_event(
        Action.CUSTOMER_ERASED,
        channel=caller.channel,
        actor=caller.actor,
        profile=show("prf", profile.profile_id),
        request_id=caller.request_id,
        reason=reason,
        detail={"records": count},
    )


# ---- whom the platform deleted ----


def wants_of_deleted(command: EraseDeletedCustomer, ws: WorkingSet, env: Env) -> bool:
    place = (command.caller.id_space, command.customer_id)
    ws.records.want(place)
    ws.redirects.want(command.profile_id)
    if place not in ws.records or command.profile_id not in ws.redirects:
        return False
    homes = _homes_of_deleted(command, ws)
    ws.profiles.want_all(homes)
    ws.absorptions.want_all(homes)
    if any(home not in ws.profiles or home not in ws.absorptions for home in homes):
        return False
    for home in homes:
        ws.profiles.want_all([row.absorbed_id for row in ws.absorptions[home]])
        ws.attributes.want_all(ws.profile(home).records)
    return True


def erase_deleted(
    command: EraseDeletedCustomer, ws: WorkingSet, env: Env
) -> Erased | AccountsLeft | UnknownCustomer:
    """While the platform was asked, the profile may have become part of another, or the call's record may have left it."""
    homes = _homes_of_deleted(command, ws)
    names = {ws.canonical_id_of(one) for home in homes for one in _family(home, ws)}
    if left := names - command.deleted:
        return AccountsLeft(tuple(sorted(left)))
    erased = [_erase(ws.profile(home), command.caller, ws) for home in homes]
    return erased[0] if erased else UnknownCustomer()


def _homes_of_deleted(command: EraseDeletedCustomer, ws: WorkingSet) -> list[int]:
    """The live profiles that the call means, the one that it knew first."""
    record = ws.records[command.caller.id_space, command.customer_id]
    found = (ws.redirects[command.profile_id], record.profile_id if record is not None else None)
    return list(dict.fromkeys(home for home in found if home is not None))


def _family(home: int, ws: WorkingSet) -> list[int]:
    """The profile and those that it absorbed."""
    return [home, *(row.absorbed_id for row in ws.absorptions[home])]


# ---- in a restored database ----


def wants_of_forgetting_again(command: ForgetAgain, ws: WorkingSet, env: Env) -> bool:
    missing = [record_id for record_id in command.erasure.records if record_id not in ws.homes]
    for record_id in missing:
        ws.homes.want(record_id)
    known = [record_id for record_id in command.erasure.records if record_id not in missing]
    ws.attributes.want_all([record_id for record_id in known if ws.homes[record_id] is not None])
    homes = {ws.homes[record_id] for record_id in known}
    ready = [wants_of_detach(home, ws, env) for home in homes]
    return not missing and all(ready)


def forget_again(command: ForgetAgain, ws: WorkingSet, env: Env) -> Done:
    """Those of the records that are there. Other records that were on their profile when the backup was made stay."""
    homes: dict[int, set[int]] = {}
    for record_id in command.erasure.records:
        if (home := ws.homes[record_id]) is not None:
            homes.setdefault(home, set()).add(record_id)
    for home, leaving in homes.items():
        profile = ws.profile(home)
        if leaving < profile.records.keys():
            part, _ = detach_records(profile, frozenset(leaving), ws, env)
            note_split(profile, [part], command.caller, _RESTORED, "", ws, env)
            profile = part if leaving == part.records.keys() else profile
        _forget(profile, command.caller, _RESTORED, ws)
    ws.erasures.add(command.erasure.erasure_id, command.erasure)
    return Done(changed=bool(homes))


def _target(command: EraseCustomer, ws: WorkingSet) -> Profile | None:
    if command.profile_id is None:
        record = ws.record(command.caller.id_space, command.customer_id)
        return ws.profile(record.profile_id) if record else None
    target = ws.redirects[command.profile_id]
    if target is None or target not in ws.profiles:
        return None
    return ws.profile(target)


def release_keys(profile: Profile, ws: WorkingSet) -> None:
    """Call it before the profile is forgotten. If others hold a key too, its owner is decided again."""
    released: list[Key] = []
    for record in profile.records.values():
        for identifier in record.observations:
            key = ws.key(identifier)
            key.holders -= 1
            if key.owner == profile.profile_id:
                key.owner = None
                released.append(key)
            ws.touch_key(key)
    for key in released:
        if key.holders > 0:
            request_regrouping(ws, "value", "erased", identifier=key.identifier)
