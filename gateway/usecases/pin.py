"""Pins: an operator's decision that two records must, or cannot, be the same person. It outranks every rule."""

from collections.abc import Iterable

from gateway.audit.event import Action
from gateway.ids import show
from gateway.model import (
    Caller,
    Done,
    DropPin,
    EndPins,
    EndSplits,
    LiftSplit,
    PinRow,
    Refused,
    SetPin,
    Split,
)
from gateway.usecases.detach import request_regrouping
from gateway.usecases.env import Env
from gateway.usecases.merge import cannot_pin, join_by_hand, note_pin
from gateway.workingset import WorkingSet
from rules.record import Profile


def wants(command: SetPin, ws: WorkingSet, env: Env) -> bool:
    return wants_of_records((command.record_a, command.record_b), ws)


def wants_of_dropping(command: DropPin, ws: WorkingSet, env: Env) -> bool:
    pair = _pair(command)
    if not wants_of_records(pair, ws):
        return False
    homes = [home for one in pair if (home := ws.homes[one]) is not None]
    loaded = ws.profiles.want_all(homes)
    return ws.whole_splits.want_all(_splits_between(pair, ws)) and loaded


def wants_of_lifting(command: LiftSplit, ws: WorkingSet, env: Env) -> bool:
    return ws.splits.want(command.split_id)


def wants_of_ending_splits(command: EndSplits, ws: WorkingSet, env: Env) -> bool:
    return ws.splits.want_all(command.split_ids)


def wants_of_ending(command: EndPins, ws: WorkingSet, env: Env) -> bool:
    return wants_of_records({record_id for pair in command.pairs for record_id in pair}, ws)


def wants_of_records(record_ids: Iterable[int], ws: WorkingSet) -> bool:
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
    one, other = ws.profile(homes[0]), ws.profile(homes[1])
    if refused := _contradiction(command, known, one, other, ws):
        return refused
    if command.kind == "must" and one is not other:
        join_by_hand(ws, env, one, other, command.caller, command.reason)
    pin = PinRow(*pair, command.kind, command.until, command.caller.actor, command.reason, ws.now)
    ws.set_pin(pin)
    note_pin(ws, env, Action.PIN_SET, pin, command.caller, ws.homes[pair[0]], command.reason)
    return Done()


def _contradiction(
    command: SetPin, known: PinRow | None, one: Profile, other: Profile, ws: WorkingSet
) -> Refused | None:
    """Why the pin cannot be set beside what stands: `known`, the pair's own pin; another pin; or one profile for both records."""
    records = " and ".join(show("rec", record_id) for record_id in _pair(command))
    if known is not None and known.kind != command.kind:
        return Refused(
            "pins_contradict",
            f"{records} are already pinned «{known.kind}» by {known.actor}; "
            f"remove that pin before setting «{command.kind}».",
        )
    if command.kind == "cannot" and one is other:
        return Refused(
            "same_profile", "The two records are on one profile; split it, which pins the sides apart."
        )
    standing = cannot_pin(ws, one, other) if command.kind == "must" and one is not other else None
    if standing is not None:
        return Refused(
            "pins_contradict",
            f"«must» for {records} contradicts «cannot» for "
            f"{show('rec', standing.record_a)} and {show('rec', standing.record_b)}; remove one of the two.",
        )
    return None


def drop_pin(command: DropPin, ws: WorkingSet, env: Env) -> Done:
    """Drop a pin. In a split, the sides of the two records become one. The rules look at the two again in the background."""
    pair = _pair(command)
    known, splits = ws.pin_of(pair), _splits_between(pair, ws)
    if known is not None:
        _drop(known, command.caller, ws, env, "")
    for split_id in splits:
        _join_sides(split_id, pair, command.caller, ws, env)
    return Done(changed=known is not None or bool(splits))


def _splits_between(pair: tuple[int, int], ws: WorkingSet) -> list[int]:
    """The splits that have the two records on different sides."""
    return [
        apart.split_id
        for apart in ws.apart(pair[:1])
        if apart.sides[pair[0]] != apart.sides.get(pair[1], apart.sides[pair[0]])
    ]


def _join_sides(split_id: int, pair: tuple[int, int], caller: Caller, ws: WorkingSet, env: Env) -> None:
    row = ws.splits[split_id]
    if row is None:
        return
    pin = PinRow(*pair, "cannot", row.until, row.actor, row.reason, row.created_at)
    is_apart = ws.join_sides(split_id, pair)
    home = ws.homes[pair[0]]
    note_pin(ws, env, Action.PIN_DROPPED, pin, caller, home, "", split=show("spl", split_id))
    if not is_apart:
        ws.lift_split(row)
        request_regrouping(ws, "split", "pin", profile_id=split_id)
    _look_at_both(pair, ws)


def lift_split(command: LiftSplit, ws: WorkingSet, env: Env) -> Done:
    """The rules look at all of its records again in the background."""
    row = ws.splits[command.split_id]
    if row is None:
        return Done(changed=False)
    lift(row, command.caller, ws)
    return Done()


def end_splits(command: EndSplits, ws: WorkingSet, env: Env) -> Done:
    rows = [row for one in command.split_ids if (row := ws.splits[one]) is not None]
    ended = [row for row in rows if row.until is not None and row.until <= ws.now]
    for row in ended:
        lift(row, command.caller, ws)
    return Done(changed=bool(ended))


def lift(row: Split, caller: Caller, ws: WorkingSet) -> None:
    ws.lift_split(row)
    name = show("spl", row.split_id)
    ws.record_event(
        Action.PIN_DROPPED,
        outcome="cannot",
        actor=caller.actor,
        subject=name,
        request_id=caller.request_id,
        reason="cannot",
        detail={"split": name},
    )
    request_regrouping(ws, "split", "pin", profile_id=row.split_id)


def end_pins(command: EndPins, ws: WorkingSet, env: Env) -> Done:
    """Pins that were dropped or set again in the meantime are left alone."""
    known = [pin for pair in command.pairs if (pin := ws.pin_of(pair)) and not pin.is_in_force(ws.now)]
    for pin in known:
        _drop(pin, command.caller, ws, env, "it has expired")
    return Done(changed=bool(known))


def _drop(pin: PinRow, caller: Caller, ws: WorkingSet, env: Env, note: str) -> None:
    ws.drop_pin(pin)
    note_pin(ws, env, Action.PIN_DROPPED, pin, caller, ws.homes[pin.record_a], note)
    _look_at_both((pin.record_a, pin.record_b), ws)


def _look_at_both(pair: tuple[int, int], ws: WorkingSet) -> None:
    for record_id in pair:
        if (home := ws.homes[record_id]) is not None:
            request_regrouping(ws, "profile", "pin", profile_id=home)


def _pair(command: SetPin | DropPin) -> tuple[int, int]:
    return min(command.record_a, command.record_b), max(command.record_a, command.record_b)
