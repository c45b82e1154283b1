"""The undo of a person's answer: what it did is undone by the use case that undoes such things, and the question is open again. The
undo pins nothing, so right after an answer everything is as it was before it (I10): the rules decide about the two as they did
then, and a person is asked.

It is refused where later work stands in the way. An answer to a question about two profiles can be taken back as long as both, or
the one that they became, still have the ids that the question names.
"""

from gateway.audit.event import Action, Words
from gateway.ids import show
from gateway.model import (
    MergeRow,
    PinRow,
    Refused,
    ReviewItem,
    Shaped,
    UndoAnswer,
    UndoMerge,
    is_answered,
)
from gateway.usecases import split
from gateway.usecases.detach import request_regrouping
from gateway.usecases.env import Env
from gateway.usecases.merge import (
    CONTESTED,
    absorb_by_hand,
    cannot_pin,
    is_about_points,
    live,
    note_pin,
    pinned_apart,
    wants_of_live,
)
from gateway.usecases.pin import lift, wants_of_records
from gateway.usecases.review import asked_about, exchange_keys
from gateway.workingset import WorkingSet
from rules.identifier import Identifier
from rules.record import Profile

_TAKEN_BACK = "undo"
"""Closed a question that only stood in for another one while two profiles were one."""


def wants(command: UndoAnswer, ws: WorkingSet, env: Env) -> bool:
    if not ws.review_items.want(command.review_id):
        return False
    item = ws.review_items[command.review_id]
    if item is None:
        return True
    loaded = wants_of_records({one for pair in item.pins for one in pair}, ws)
    if item.made is not None and item.state == "rejected":
        loaded &= ws.splits.want(item.made)
    elif item.made is not None and asked_about(item) == "join":
        if not split.wants_of_undo(UndoMerge(command.caller, item.made, command.reason), ws, env):
            return False
        return ws.redirects.want_all([one for pair in ws.reviews for one in pair]) and loaded
    also = (item.made,) if item.made is not None and item.state == "accepted" else ()
    return wants_of_live((item.profile_a, item.profile_b, *also), ws) and loaded


def undo_answer(command: UndoAnswer, ws: WorkingSet, env: Env) -> Shaped | Refused:
    item = ws.review_items[command.review_id]
    if item is None:
        return Refused("not_found", "There is no such review.")
    if not is_answered(item):
        return Refused("review_not_answered", f"The review is {item.state}, but no person answered it.")
    was, asked, answered_at, answered_by = item.state, asked_about(item), item.closed_at, item.closed_by
    apart = [pin for pin in _pins_of(item, ws) if pin.kind == "cannot"]
    kept = {"split": show("spl", item.made)} if was == "rejected" and item.made is not None else {}
    outcome = _take_back(command, item, ws, env)
    if isinstance(outcome, Refused):
        return outcome
    ws.open_again(item)
    sides = [live(one, ws) for one in (item.profile_a, item.profile_b)]
    ws.record_event(
        Action.REVIEW_UNDONE,
        outcome="open",
        actor=command.caller.actor,
        profile=show("prf", item.profile_a),
        subject=show("rev", item.review_id),
        request_id=command.caller.request_id,
        reason=item.reason,
        detail={
            "profiles": [show("prf", item.profile_a), show("prf", item.profile_b)],
            "asked": asked,
            "was": was,
            "answered_by": answered_by,
            "answered_at": answered_at,
            "lifted": [[show("rec", pin.record_a), show("rec", pin.record_b)] for pin in apart],
            **kept,
        },
        words=Words(
            {"note": command.reason},
            {record_id for side in sides if side is not None for record_id in side.records},
            env.pseudonyms,
        ),
    )
    return outcome


def _pins_of(item: ReviewItem, ws: WorkingSet) -> list[PinRow]:
    """The pins that the answer set and that stand as it set them."""
    made, found = (item.closed_at, item.closed_by), (ws.pin_of(pair) for pair in item.pins)
    return [pin for pin in found if pin is not None and (pin.created_at, pin.actor) == made]


def _take_back(command: UndoAnswer, item: ReviewItem, ws: WorkingSet, env: Env) -> Shaped | Refused:
    accepted = item.state == "accepted"
    if item.records:
        take_back = _take_back_leaving if accepted else _take_back_staying
        return take_back(command, item, ws, env)
    if is_about_points(item):
        return _still_one(item, ws)
    if accepted and item.reason != CONTESTED:
        return _take_back_merge(command, item, ws, env)
    sides = _both(item.profile_a, item.profile_b, ws)
    if isinstance(sides, Refused):
        return sides
    one, other = sides
    if item.reason == CONTESTED:
        if accepted:
            exchange_keys(one, other, _shared_at(one, other, item.closed_at or 0), item, ws)
        return Shaped(one.profile_id, one.version)
    moved = _drop_pins(item, ws)
    if item.made is not None and (row := ws.splits[item.made]) is not None:
        lift(row, command.caller, ws)
    for side in {one.profile_id, other.profile_id, *moved}:
        request_regrouping(ws, "profile", "review", profile_id=side)
    return Shaped(one.profile_id, one.version)


def _drop_pins(item: ReviewItem, ws: WorkingSet) -> set[int]:
    """Drop what the answer pinned. Returns the profiles that the records are on."""
    pins = _pins_of(item, ws)
    for pin in pins:
        ws.drop_pin(pin)
    homes = {ws.homes[one] for pin in pins for one in (pin.record_a, pin.record_b)}
    return {home for home in homes if home is not None}


def _both(profile_a: int, profile_b: int, ws: WorkingSet) -> tuple[Profile, Profile] | Refused:
    """The two profiles, if both are live under these ids."""
    found: list[Profile] = []
    for profile_id in (profile_a, profile_b):
        profile = live(profile_id, ws)
        if profile is None:
            return _too_late(f"{show('prf', profile_id)} was erased.")
        if profile.profile_id != profile_id:
            return _too_late(
                f"{show('prf', profile_id)} is part of {show('prf', profile.profile_id)} since; undo that merge first."
            )
        found.append(profile)
    return found[0], found[1]


def _too_late(why: str) -> Refused:
    return Refused("answer_outlived", f"The answer cannot be taken back any more: {why}")


# ---- two profiles that were joined ----


def _take_back_merge(command: UndoAnswer, item: ReviewItem, ws: WorkingSet, env: Env) -> Shaped | Refused:
    row = ws.merges[item.made] if item.made is not None else None
    if row is None:
        return _too_late("the two were one already when it was given.")
    if (refused := _against_parting(item, row, ws)) is not None:
        return refused
    undo = UndoMerge(command.caller, row.merge_id, command.reason or "answer undone")
    outcome = split.undo(undo, ws, env, pinned=False)
    if isinstance(outcome, Refused):
        return outcome
    for pin in _pins_of(item, ws):
        ws.drop_pin(pin)
        note_pin(ws, env, Action.PIN_DROPPED, pin, command.caller, row.survivor_id, command.reason)
    _ask_the_absorbed_again(row, ws)
    for side in (outcome.profile_id, *outcome.parts):
        request_regrouping(ws, "profile", "review", profile_id=side)
    return outcome


def _against_parting(item: ReviewItem, row: MergeRow, ws: WorkingSet) -> Refused | None:
    """Why the two sides could not be given back as they were."""
    profile = live(row.survivor_id, ws)
    if row.undone_at is not None:
        return _too_late("its merge was undone.")
    if profile is None:
        return _too_late(f"{show('prf', row.survivor_id)} was erased.")
    if profile.profile_id != row.survivor_id:
        return _too_late(
            f"{show('prf', row.survivor_id)} is part of {show('prf', profile.profile_id)} since; undo that merge first."
        )
    leaving = profile.records.keys() & set(row.absorbed_records)
    if ws.named_after(profile) in leaving or ws.absorbed_named_after(row) not in leaving:
        return _too_late("the record that one of the two is named after is gone.")
    own = _pins_of(item, ws)
    for pin in ws.standing_pins:
        across = (pin.record_a in leaving) != (pin.record_b in leaving)
        inside = pin.record_a in profile.records and pin.record_b in profile.records
        if pin.kind == "must" and pin.is_in_force(ws.now) and across and inside and pin not in own:
            pair = f"{show('rec', pin.record_a)} and {show('rec', pin.record_b)}"
            return _too_late(f"{pair} are pinned together by {pin.actor}; remove that pin first.")
    return None


def _ask_the_absorbed_again(row: MergeRow, ws: WorkingSet) -> None:
    """The merge closed the questions about the absorbed profile and asked them about the survivor. Where that one was not answered,
    it is asked about the absorbed profile again."""
    for pair, item in list(ws.reviews.items()):
        other = pair[0] if pair[1] == row.absorbed_id else pair[1]
        if item.state != "stale" or item.merge_id != row.merge_id or ws.redirects[other] != other:
            continue
        moved = ws.review_of((min(row.survivor_id, other), max(row.survivor_id, other)))
        if moved is not None and moved.state != "open":
            continue
        if moved is not None and moved.merge_id == row.merge_id:
            ws.close_review(moved, "stale", _TAKEN_BACK)
        ws.open_again(item)


# ---- records that left, or stay ----


def _take_back_leaving(command: UndoAnswer, item: ReviewItem, ws: WorkingSet, env: Env) -> Shaped | Refused:
    if item.made is None:
        return _too_late("it is not known where the records went.")
    sides = _both(item.profile_a, item.made, ws)
    if isinstance(sides, Refused):
        return sides
    profile, part = sides
    leaving = frozenset(item.records)
    if not (leaving <= profile.records.keys() or leaving <= part.records.keys()):
        return _too_late("the records were moved or erased.")
    if (pin := cannot_pin(ws, profile, part)) is not None:
        return pinned_apart(pin)
    absorb_by_hand(ws, env, profile, part, command.caller, command.reason or "answer undone")
    request_regrouping(ws, "profile", "review", profile_id=profile.profile_id)
    return Shaped(profile.profile_id, profile.version)


def _take_back_staying(command: UndoAnswer, item: ReviewItem, ws: WorkingSet, env: Env) -> Shaped | Refused:
    profile, leaving = live(item.profile_a, ws), frozenset(item.records)
    if profile is None or profile.profile_id != item.profile_a or not leaving < profile.records.keys():
        return _too_late("the records were moved or erased.")
    for pin in _pins_of(item, ws):
        ws.drop_pin(pin)
        note_pin(ws, env, Action.PIN_DROPPED, pin, command.caller, profile.profile_id, command.reason)
    request_regrouping(ws, "profile", "review", profile_id=profile.profile_id)
    return Shaped(profile.profile_id, profile.version)


# ---- keys and points ----


def _shared_at(one: Profile, other: Profile, moment: int) -> set[Identifier]:
    """The keys that both hold now, and held at `moment` (ms)."""

    def held(profile: Profile) -> set[Identifier]:
        return {
            seen.identifier
            for record in profile.records.values()
            for seen in record.observations.values()
            if not seen.retired and seen.first_seen <= moment
        }

    return held(one) & held(other)


def _still_one(item: ReviewItem, ws: WorkingSet) -> Shaped | Refused:
    one, other = live(item.profile_a, ws), live(item.profile_b, ws)
    if one is None or one is not other:
        return _too_late("the two are not one profile any more.")
    return Shaped(one.profile_id, one.version)
