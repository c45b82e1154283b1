"""Pins: an operator's decision that two records must, or cannot, be the same person. It outranks every rule."""

from collections.abc import Iterable

from gateway.audit.event import Action
from gateway.ids import show
from gateway.model import (
    Caller,
    Done,
    DropPin,
    EndPins,
    PinRow,
    Refused,
    SetPin,
)
from gateway.usecases.env import Env
from gateway.usecases.merge import cannot_pin, join_by_hand, note_pin
from gateway.usecases.parting import look_again
from gateway.workingset import WorkingSet


def wants(command: SetPin | DropPin, ws: WorkingSet, env: Env) -> bool:
    return _wants_of((command.record_a, command.record_b), ws)


def wants_of_ending(command: EndPins, ws: WorkingSet, env: Env) -> bool:
    return _wants_of({record_id for pair in command.pairs for record_id in pair}, ws)


def _wants_of(record_ids: Iterable[int], ws: WorkingSet) -> bool:
    """The profiles that the records are on."""
    complete = True
    for record_id in record_ids:
        ws.homes.want(record_id)
        if record_id not in ws.homes:
            complete = False
        elif (home := ws.homes[record_id]) is not None:
            ws.profiles.want(home)
    return complete


def set_pin(command: SetPin, ws: WorkingSet, env: Env) -> Done | Refused:
    """`must` joins the two profiles, if nothing forbids it. `cannot` is refused for two records of one profile: split it first."""
    pair = _pair(command)
    homes = [ws.homes[record_id] for record_id in pair]
    if homes[0] is None or homes[1] is None or pair[0] == pair[1]:
        return Refused("not_found", "A pin needs two records that exist; `gateway profile show` lists them.")
    known = ws.pin_of(pair)
    if known is not None and not known.is_in_force(ws.now):
        known = None
    if known is not None and known.kind == command.kind and known.until == command.until:
        return Done(changed=False)
    if known is not None and known.kind != command.kind:
        return Refused(
            "pins_contradict",
            f"{show('rec', pair[0])} and {show('rec', pair[1])} are already pinned «{known.kind}» by {known.actor}; "
            f"remove that pin before setting «{command.kind}».",
        )
    one, other = ws.profile(homes[0]), ws.profile(homes[1])
    if command.kind == "cannot" and one is other:
        return Refused(
            "same_profile", "The two records are on one profile; split it, which pins the sides apart."
        )
    if command.kind == "must" and one is not other:
        standing = cannot_pin(ws, one, other)
        if standing is not None:
            return Refused(
                "pins_contradict",
                f"«must» for {show('rec', pair[0])} and {show('rec', pair[1])} contradicts «cannot» for "
                f"{show('rec', standing.record_a)} and {show('rec', standing.record_b)}; remove one of the two.",
            )
        join_by_hand(ws, env, one, other, command.caller, command.reason)
    pin = PinRow(*pair, command.kind, command.until, command.caller.actor, command.reason, ws.now)
    ws.set_pin(pin)
    note_pin(ws, env, Action.PIN_SET, pin, command.caller, ws.homes[pair[0]], command.reason)
    return Done()


def drop_pin(command: DropPin, ws: WorkingSet, env: Env) -> Done:
    """Drop a pin. The rules look at the two records again in the background."""
    known = ws.pin_of(_pair(command))
    if known is None:
        return Done(changed=False)
    _drop(known, command.caller, ws, env, "")
    return Done()


def end_pins(command: EndPins, ws: WorkingSet, env: Env) -> Done:
    """Pins that were dropped or set again in the meantime are left alone."""
    known = [pin for pair in command.pairs if (pin := ws.pin_of(pair)) and not pin.is_in_force(ws.now)]
    for pin in known:
        _drop(pin, command.caller, ws, env, "it has expired")
    return Done(changed=bool(known))


def _drop(pin: PinRow, caller: Caller, ws: WorkingSet, env: Env, note: str) -> None:
    ws.drop_pin(pin)
    note_pin(ws, env, Action.PIN_DROPPED, pin, caller, ws.homes[pin.record_a], note)
    for record_id in (pin.record_a, pin.record_b):
        if (home := ws.homes[record_id]) is not None:
            look_again(ws, "profile", "pin", profile_id=home)


def _pair(command: SetPin | DropPin) -> tuple[int, int]:
    return min(command.record_a, command.record_b), max(command.record_a, command.record_b)
