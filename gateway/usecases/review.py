"""Reviews: an operator answers whether two profiles are one. Accepting joins them, rejecting pins them apart. Neither way is the
question asked again on the same evidence.

Three kinds of questions are about something else. Should records leave a profile that only an earlier decision of the rules keeps
together? Accepting splits it, rejecting pins the sides together. Which side of a split owns the keys that both hold? Accepting
gives them to the other side, rejecting leaves them. What happens to the points that the upstream keeps for both sides of a merge?
Accepting says that an operator moved them there, rejecting that they stay.
"""

from gateway.audit.event import Action, Words
from gateway.ids import show
from gateway.model import (
    AnswerReview,
    CloseStaleReviews,
    Done,
    MergeProfiles,
    PinRow,
    Refused,
    ReviewItem,
    Shaped,
)
from gateway.usecases.detach import detach_records, note_split, request_regrouping, wants_of_detach
from gateway.usecases.env import Env
from gateway.usecases.merge import (
    CONTESTED,
    UNANSWERED,
    is_about_points,
    live,
    merge,
    note_pin,
    tie_of,
    wants_of_live,
)
from gateway.usecases.split import are_many, keep_sides, pairs_across
from gateway.workingset import WorkingSet
from rules.identifier import Identifier
from rules.record import Profile


def wants(command: AnswerReview, ws: WorkingSet, env: Env) -> bool:
    if not ws.review_items.want(command.review_id):
        return False
    item = ws.review_items[command.review_id]
    if item is None:
        return True
    if not wants_of_live((item.profile_a, item.profile_b), ws):
        return False
    return not item.records or wants_of_detach(ws.redirects[item.profile_a], ws, env)


def answer(command: AnswerReview, ws: WorkingSet, env: Env) -> Done | Shaped | Refused:
    item = ws.review_items[command.review_id]
    if item is None:
        return Refused("not_found", "There is no such review.")
    wanted = "accepted" if command.accept else "rejected"
    if item.state == wanted:
        return Done(changed=False)
    if item.state != "open":
        return Refused("review_closed", f"The review is {item.state}; only an open one can be answered.")
    sides = (live(item.profile_a, ws), live(item.profile_b, ws))
    about = {record_id for side in sides if side is not None for record_id in side.records}
    outcome = _carry_out(command, item, ws, env)
    if isinstance(outcome, Refused):
        return outcome
    kept = {"split": show("spl", item.made)} if not command.accept and item.made is not None else {}
    ws.close_review(item, wanted, command.caller.actor)
    ws.record_event(
        Action.REVIEW_ACCEPTED if command.accept else Action.REVIEW_REJECTED,
        outcome=wanted,
        actor=command.caller.actor,
        profile=show("prf", item.profile_a),
        subject=show("rev", item.review_id),
        request_id=command.caller.request_id,
        reason=item.reason,
        detail={
            "profiles": [show("prf", item.profile_a), show("prf", item.profile_b)],
            "asked": asked_about(item),
            **kept,
        },
        words=Words({"note": command.reason}, about, env.pseudonyms),
    )
    return outcome


def asked_about(item: ReviewItem) -> str:
    if item.records:
        return "leave"
    if item.reason == CONTESTED:
        return "keys"
    return "points" if is_about_points(item) else "join"


def _carry_out(command: AnswerReview, item: ReviewItem, ws: WorkingSet, env: Env) -> Done | Shaped | Refused:
    """Carry out the answer. The question notes what it made and pinned, for an undo."""
    if item.records:
        return _answer_leaving(command, item, ws, env)
    if item.reason == CONTESTED:
        return _answer_contested(command, item, ws)
    if is_about_points(item):  # a person moved them with the upstream, or leaves them
        return Done()
    return _accept(command, item, ws, env) if command.accept else _reject(command, item, ws)


def _accept(command: AnswerReview, item: ReviewItem, ws: WorkingSet, env: Env) -> Shaped | Refused:
    pair = (item.profile_a, item.profile_b)
    outcome = merge(MergeProfiles(command.caller, pair, command.reason or "review accepted"), ws, env)
    row = ws.merges[outcome.merge_id] if isinstance(outcome, Shaped) and outcome.merge_id else None
    if row is not None:
        item.made, item.pins = row.merge_id, (tie_of(row),)
    return outcome


def _reject(command: AnswerReview, item: ReviewItem, ws: WorkingSet) -> Shaped | Refused:
    """Keep the two apart: by pins if these are few and replace no other pin, else as a split does."""
    one, other = live(item.profile_a, ws), live(item.profile_b, ws)
    if one is None or other is None:
        return Refused("not_found", "One of the two profiles was erased.")
    if one is other:
        return Refused("same_profile", "The two were joined since; split the profile instead.")
    sides, caller = (tuple(one.records), tuple(other.records)), command.caller
    pins = {pair: ws.pin_of(pair) for pair in pairs_across(sides)}
    for_ever = [pair for pair, pin in pins.items() if pin and pin.kind == "cannot" and pin.until is None]
    others = [pair for pair, pin in pins.items() if pin is not None and pair not in for_ever]
    if others or are_many(sides):
        item.made = keep_sides(sides, None, caller.actor, command.reason, ws)
        return Shaped(one.profile_id, one.version)
    item.pins = tuple(sorted(pins.keys() - for_ever))
    for pair in item.pins:
        ws.set_pin(PinRow(*pair, "cannot", None, caller.actor, command.reason, ws.now))
    return Shaped(one.profile_id, one.version)


# ---- should these records leave? ----


def _answer_leaving(command: AnswerReview, item: ReviewItem, ws: WorkingSet, env: Env) -> Shaped | Refused:
    profile = live(item.profile_a, ws)
    leaving = frozenset(item.records)
    if profile is None or not leaving < profile.records.keys():
        return Refused(
            "review_closed", "The records were moved or erased since; the question does not stand any more."
        )
    if command.accept:
        return _let_leave(command, item, profile, ws, env)
    others = [other for other in ws.leave_questions(profile.profile_id) if other is not item]
    rest = profile.records.keys() - leaving
    stays = rest.difference(*(other.records for other in others)) or rest
    caller, sides = command.caller, (min(leaving), min(stays))
    pin = PinRow(min(sides), max(sides), "must", None, caller.actor, command.reason, ws.now)
    ws.set_pin(pin)
    item.pins = ((pin.record_a, pin.record_b),)
    note_pin(ws, env, Action.PIN_SET, pin, caller, profile.profile_id, command.reason)
    request_regrouping(ws, "profile", "review", profile_id=profile.profile_id)
    return Shaped(profile.profile_id, profile.version)


def _let_leave(command: AnswerReview, item: ReviewItem, profile: Profile, ws: WorkingSet, env: Env) -> Shaped:
    """The sides are not pinned apart: later evidence may join them again."""
    part, _ = detach_records(profile, frozenset(item.records), ws, env)
    item.made = part.profile_id
    note_split(profile, [part], command.caller, "review", command.reason, ws, env)
    for side in (profile, part):
        request_regrouping(ws, "profile", "review", profile_id=side.profile_id)
    return Shaped(profile.profile_id, profile.version, parts=(part.profile_id,))


# ---- contested keys: which side owns them? ----


def _answer_contested(command: AnswerReview, item: ReviewItem, ws: WorkingSet) -> Shaped | Refused:
    """Keys of the types in question that one side owns and both hold go to the other side, or stay."""
    one, other = live(item.profile_a, ws), live(item.profile_b, ws)
    if one is None or other is None:
        return Refused("not_found", "One of the two profiles was erased.")
    if command.accept:
        exchange_keys(one, other, one.live_identifiers() & other.live_identifiers(), item, ws)
    return Shaped(one.profile_id, one.version)


def exchange_keys(
    one: Profile, other: Profile, shared: set[Identifier], item: ReviewItem, ws: WorkingSet
) -> None:
    """Each of these keys goes from the profile that owns it to the other one."""
    for identifier in sorted(shared):
        key = ws.key(identifier)
        if identifier.type in item.types and key.owner in (one.profile_id, other.profile_id):
            key.owner = other.profile_id if key.owner == one.profile_id else one.profile_id
            ws.touch_key(key)
    for side in {one.profile_id: one, other.profile_id: other}.values():
        ws.touch_profile(side)


# ---- unanswered questions ----


def wants_of_stale(command: CloseStaleReviews, ws: WorkingSet, env: Env) -> bool:
    for review_id in command.reviews:
        ws.review_items.want(review_id)
    return True


def close_stale(command: CloseStaleReviews, ws: WorkingSet, env: Env) -> Done:
    after = env.rules.review.auto_close_stale_after
    closed = False
    for review_id in command.reviews:
        item = ws.review_items[review_id]
        if after is None or item is None or item.state != "open" or ws.now - item.opened_at < after:
            continue
        ws.close_review(item, "stale", UNANSWERED)
        closed = True
        ws.record_event(
            Action.REVIEW_CLOSED,
            outcome="stale",
            actor=command.caller.actor,
            profile=show("prf", item.profile_a),
            subject=show("rev", item.review_id),
            request_id=command.caller.request_id,
            reason=item.reason,
        )
    return Done(closed)
