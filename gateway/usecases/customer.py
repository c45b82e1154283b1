"""Customers as the API keeps them: attributes, the active flag and tags, each on the record that stated it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.audit.event import Action, Words
from gateway.ids import show
from gateway.model import (
    Caller,
    CustomerRecord,
    EditTags,
    Resolution,
    SaveCustomer,
    Saved,
    SetActive,
    UnknownCustomer,
)
from gateway.model.tags import distinct, folded
from gateway.usecases import claims
from gateway.usecases.detach import request_regrouping
from gateway.usecases.env import Env
from gateway.usecases.observe import observe, unusable, wants_of_identity
from gateway.workingset import WorkingSet

_encode = msgspec.json.Encoder(order="sorted").encode


def wants_of_save(command: SaveCustomer, ws: WorkingSet, env: Env) -> bool:
    caller, customer_id = command.caller, command.customer_id
    if not wants_of_identity(
        caller,
        customer_id,
        command.evidence,
        ws,
        env,
        may_create=caller.trust != "ignore",
        claims=caller.trust == "claim",
    ):
        return False
    record = ws.records[caller.id_space, customer_id]
    if record is not None:
        ws.attributes.want(record.record_id)
    return True


def save(command: SaveCustomer, ws: WorkingSet, env: Env) -> Saved | UnknownCustomer:
    """Create or update. Values that are already there are not written again. A caller that may not state anything creates the
    customer and claims the rest."""
    caller, events = command.caller, len(ws.events)
    attributes = command.attributes if caller.trust == "state" else {}
    was_known = ws.record(caller.id_space, command.customer_id) is not None
    resolution = observe(
        caller,
        command.customer_id,
        command.evidence,
        ws,
        env,
        may_create=caller.trust != "ignore",
        guest=bool(command.guest),
        attributes=attributes,
    )
    if resolution is None:
        return UnknownCustomer()
    record = ws.by_record_id[resolution.record_id]
    changed = keep_attributes(caller, attributes, record, ws, env, was_known=was_known)
    if caller.trust == "state" and command.guest is not None and record.guest != command.guest:
        record.guest = command.guest
        ws.touch_record(record)
        changed.append("guest")
    if changed:
        words = Words({"changed": sorted(changed)}, (resolution.record_id,), env.pseudonyms)
        note(Action.CUSTOMER_UPDATED, caller, resolution, ws, unusable(command.evidence, env), words)
    claims.keep(command, resolution, ws, env, command.attributes if caller.trust == "claim" else {})
    return Saved(resolution, len(ws.events) > events)


def keep_attributes(
    caller: Caller,
    attributes: Mapping[str, Any],
    record: CustomerRecord,
    ws: WorkingSet,
    env: Env,
    *,
    was_known: bool,
) -> list[str]:
    """The names of those that changed. If rules compare one of them, the profile is looked at again."""
    if not attributes:
        return []
    known = ws.attributes[record.record_id]
    changed: list[str] = []
    for name, value in attributes.items():
        text = _encode(value).decode()
        if known.get(name) != text:
            ws.set_attribute(record, name, text, caller.source)
            changed.append(name)
    if was_known and not env.policy.kinds.keys().isdisjoint(changed):
        request_regrouping(ws, "profile", "attributes", profile_id=record.profile_id)
    return changed


def wants_of_profile(command: SetActive | EditTags, ws: WorkingSet, env: Env) -> bool:
    """The whole profile behind a customer id, with the tags of its records."""
    place = (command.caller.id_space, command.customer_id)
    if not ws.records.want(place):
        return False
    record = ws.records[place]
    if record is None:
        return True
    if not ws.profiles.want(record.profile_id):
        return False
    for record_id in ws.profile(record.profile_id).records:
        ws.attributes.want(record_id)
    return True


def set_active(command: SetActive, ws: WorkingSet, env: Env) -> Saved | UnknownCustomer:
    """Switch the whole profile on or off; `changed` is False if it already was."""
    records = _records_behind(command.caller, command.customer_id, ws)
    if not records:
        return UnknownCustomer()
    resolution = Resolution(records[0].profile_id, records[0].record_id, "attached", "known")
    others = [record for record in records if record.active != command.active]
    for record in others:
        record.active = command.active
        ws.touch_record(record)
    if others:
        action = Action.CUSTOMER_ACTIVATED if command.active else Action.CUSTOMER_DEACTIVATED
        note(action, command.caller, resolution, ws, {"records": len(others)}, None)
    return Saved(resolution, bool(others))


def edit_tags(command: EditTags, ws: WorkingSet, env: Env) -> Saved | UnknownCustomer:
    """Attach to the caller's record, detach from every record of the profile. Tags are compared without case, and the first
    spelling is kept."""
    records = _records_behind(command.caller, command.customer_id, ws)
    if not records:
        return UnknownCustomer()
    own, resolution = records[0], Resolution(records[0].profile_id, records[0].record_id, "attached", "known")
    present = [(record, tag) for record in records for tag in ws.tags[record.record_id]]
    known, unwanted = {folded(tag) for _, tag in present}, {folded(tag) for tag in command.detach}
    attached = [tag for tag in distinct(sorted(command.attach)) if folded(tag) not in known]
    dropped = [(record, tag) for record, tag in present if folded(tag) in unwanted]
    for tag in attached:
        ws.set_tag(own, tag)
    for record, tag in dropped:
        ws.drop_tag(record, tag)
    about = [record.record_id for record in records]
    if attached:
        words = Words({"tags": attached}, about, env.pseudonyms)
        note(Action.CUSTOMER_TAGGED, command.caller, resolution, ws, {}, words)
    if dropped:
        words = Words({"tags": sorted({tag for _, tag in dropped})}, about, env.pseudonyms)
        note(Action.CUSTOMER_UNTAGGED, command.caller, resolution, ws, {}, words)
    return Saved(resolution, bool(attached or dropped))


def _records_behind(caller: Caller, customer_id: str, ws: WorkingSet) -> list[CustomerRecord]:
    """All records of the profile, the caller's own first; empty when the customer is unknown."""
    own = ws.record(caller.id_space, customer_id)
    if own is None:
        return []
    others = ws.profile(own.profile_id).records
    return [own, *(ws.by_record_id[record_id] for record_id in others if record_id != own.record_id)]


def note(
    action: Action,
    caller: Caller,
    resolution: Resolution,
    ws: WorkingSet,
    detail: Mapping[str, object],
    words: Words | None,
) -> None:
    ws.record_event(
        action,
        channel=caller.channel,
        actor=caller.actor,
        profile=show("prf", resolution.profile_id),
        subject=show("rec", resolution.record_id),
        request_id=caller.request_id,
        detail=detail,
        words=words,
    )
