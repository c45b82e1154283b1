"""Pins: a person's judgement that two records must, or cannot, be the same person. It outranks every rule."""

from gateway.audit.event import Action
from gateway.ids import show
from gateway.model import Done, DropPin, Outcome, PinRow, Refused, SetPin
from gateway.usecases.env import Env
from gateway.usecases.merge import cannot_pin, in_force, join_by_hand, note_pin
from gateway.usecases.parting import look_again
from gateway.workingset import Needs, WorkingSet


def needs(command: SetPin | DropPin, ws: WorkingSet, env: Env, needs: Needs) -> bool:
    homes = [ws.homes.get(record_id) for record_id in (command.record_a, command.record_b)]
    for record_id in (command.record_a, command.record_b):
        needs.home(record_id)
    for home in homes:
        if home is not None:
            needs.profile(home)
    return all(record_id in ws.homes for record_id in (command.record_a, command.record_b))


def set_pin(command: SetPin, ws: WorkingSet, env: Env) -> Outcome:
    """`must` joins the two profiles, where nothing forbids it; `cannot` is refused for two records of one profile: split it."""
    pair = _pair(command)
    homes = [ws.homes[record_id] for record_id in pair]
    if homes[0] is None or homes[1] is None or pair[0] == pair[1]:
        return Refused("not_found", "A pin needs two records that exist; `gateway profile show` lists them.")
    known = ws.all_pins.get(pair)
    if known is not None and not in_force(known, ws):
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
    note_pin(ws, Action.PIN_SET, pin, command.caller, ws.homes[pair[0]], command.reason)
    return Done()


def drop_pin(command: DropPin, ws: WorkingSet, env: Env) -> Outcome:
    """Lift a judgement; what the rules make of the two is carried out behind the calls."""
    pair = _pair(command)
    known = ws.all_pins.get(pair)
    if known is None:
        return Done(changed=False)
    ws.drop_pin(known)
    note_pin(ws, Action.PIN_DROPPED, known, command.caller, ws.homes[pair[0]], "")
    for record_id in pair:
        if (home := ws.homes[record_id]) is not None:
            look_again(ws, "profile", "pin", profile_id=home)
    return Done()


def _pair(command: SetPin | DropPin) -> tuple[int, int]:
    return min(command.record_a, command.record_b), max(command.record_a, command.record_b)
