"""Which customer a forwarded call is about. The call is resolved and learnt from like every other call; the answer is the canonical
id.

A call that teaches nothing new is answered by `store.identities.known` without coming here.
"""

from gateway.audit.event import Action, Words
from gateway.ids import show
from gateway.model import (
    Identified,
    Identify,
    Resolution,
    UnknownCustomer,
)
from gateway.usecases import claims
from gateway.usecases.customer import keep_attributes, note
from gateway.usecases.env import Env
from gateway.usecases.observe import observe, wants_of_identity
from gateway.workingset import WorkingSet


def wants(command: Identify, ws: WorkingSet, env: Env) -> bool:
    caller, customer_id = command.caller, command.customer_id
    if not wants_of_identity(
        caller,
        customer_id,
        command.evidence,
        ws,
        env,
        may_create=_may_create(command),
        claims=bool(command.claims),
    ):
        return False
    record = ws.records[caller.id_space, customer_id]
    if record is not None:
        ws.profiles.want(record.profile_id)
        if command.attributes:
            ws.attributes.want(record.record_id)
    return True


def identify(command: Identify, ws: WorkingSet, env: Env) -> Identified | UnknownCustomer:
    was_known = ws.record(command.caller.id_space, command.customer_id) is not None
    resolution = observe(
        command.caller,
        command.customer_id,
        command.evidence,
        ws,
        env,
        may_create=_may_create(command),
        guest=bool(command.guest),
        attributes=command.attributes,
    )
    if resolution is None:
        return UnknownCustomer()
    if command.caller.trust == "state":
        _keep_guest(command, resolution, ws)
        _keep_attributes(command, resolution, ws, env, was_known=was_known)
    claims.keep(command, resolution, ws, env)
    return Identified(resolution, ws.canonical_id_of(resolution.profile_id))


def _may_create(command: Identify) -> bool:
    return command.may_create and command.caller.trust != "ignore"


def _keep_attributes(
    command: Identify, resolution: Resolution, ws: WorkingSet, env: Env, *, was_known: bool
) -> None:
    record = ws.by_record_id[resolution.record_id]
    changed = keep_attributes(command.caller, command.attributes, record, ws, env, was_known=was_known)
    if changed:
        words = Words({"changed": sorted(changed)}, (record.record_id,), env.pseudonyms)
        note(Action.CUSTOMER_UPDATED, command.caller, resolution, ws, {}, words)


def _keep_guest(command: Identify, resolution: Resolution, ws: WorkingSet) -> None:
    record = ws.by_record_id[resolution.record_id]
    if command.guest is None or record.guest == command.guest:
        return
    record.guest = command.guest
    ws.touch_record(record)
    ws.record_event(
        Action.CUSTOMER_UPDATED,
        channel=command.caller.channel,
        actor=command.caller.actor,
        profile=show("prf", resolution.profile_id),
        subject=show("rec", resolution.record_id),
        request_id=command.caller.request_id,
        detail={"changed": ["guest"]},
    )
