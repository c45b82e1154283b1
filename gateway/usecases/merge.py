"""MERGE: two profiles become one. Records move whole, the absorbed profile stays as a redirect, and the record lists of both sides
are kept for an undo. Points stay on the record that earned them: no sum changes.

Merges by rules and by operators are the same; only the actor differs.
"""

from gateway.audit.event import Action, Words
from gateway.ids import show
from gateway.model import (
    Caller,
    MergeProfiles,
    MergeRow,
    PinRow,
    Refused,
    ReviewItem,
    Shaped,
)
from gateway.usecases.env import Env
from gateway.workingset import WorkingSet
from rules.decision import ReviewProposal
from rules.record import Pin, Profile
from rules.ruleset import RuleSet
from rules.survivor import survivor

BY_HAND = "operator"
CONTESTED = "split:contested"
"""The reason of a question about keys that both sides of a split hold: which side owns them?"""
UNANSWERED = "unanswered"
"""Closed a question that was not answered in time."""
POINTS = "points:"
"""Begins the reason of a question about points."""


def join(
    ws: WorkingSet, winner: Profile, loser: Profile, caller: Caller, *, rule: str, rules: RuleSet
) -> MergeRow:
    """Absorb `loser` into `winner`. Both must be live; afterwards the loser redirects, in one hop."""
    row = MergeRow(
        merge_id=ws.next_id(),
        survivor_id=winner.profile_id,
        absorbed_id=loser.profile_id,
        survivor_records=tuple(sorted(winner.records)),
        absorbed_records=tuple(sorted(loser.records)),
        rule=rule,
        rule_set=rules.sha256,
        actor=caller.actor,
        request_id=caller.request_id,
        merged_at=ws.now,
    )
    ws.add_merge(row)
    for record in list(loser.records.values()):
        ws.move(record, loser, winner)
        for identifier in record.observations:
            key = ws.key(identifier)
            if key.owner == loser.profile_id:
                key.owner = winner.profile_id
                ws.touch_key(key)
    ws.redirect(loser, winner)
    _join_windows(ws, winner.profile_id, loser.profile_id)
    _answer_reviews(ws, winner, loser, rules, row)
    return row


def _join_windows(ws: WorkingSet, winner_id: int, loser_id: int) -> None:
    """The window that ends later counts; the other one waits under the absorbed id, for an undo."""
    for campaign_id, window in ws.windows_of(loser_id):
        mine = ws.window(winner_id, campaign_id)
        if mine is None:
            ws.drop_window(loser_id, campaign_id)
        elif mine.expires_at < window.expires_at:
            ws.set_window(loser_id, campaign_id, mine)
        else:
            continue
        ws.set_window(winner_id, campaign_id, window)


def _answer_reviews(ws: WorkingSet, winner: Profile, loser: Profile, rules: RuleSet, row: MergeRow) -> None:
    """The merge answers the question about the pair; the loser's other questions become the winner's."""
    ws.pass_on_leave_questions(loser, winner)
    for pair, item in list(ws.reviews.items()):
        if loser.profile_id not in pair or item.state != "open":
            continue
        other = pair[0] if pair[1] == loser.profile_id else pair[1]
        inside = other == winner.profile_id
        state = "accepted" if inside else "stale"
        ws.close_review(item, state, f"merge:{row.rule}", merge_id=row.merge_id)
        if not inside:
            moved = ReviewProposal(winner.profile_id, other, item.reason, item.rule, item.types)
            asked = open_review(ws, rules, moved)
            question = ws.review_of((min(winner.profile_id, other), max(winner.profile_id, other)))
            if asked and question is not None:
                ws.asked_by_merge(question, row.merge_id)


def open_review(ws: WorkingSet, rules: RuleSet, proposal: ReviewProposal) -> bool:
    """Ask once about a pair. A question that was asked before may be asked again (`_ask_again`). Returns whether a question was
    opened."""
    a, b = proposal.profile_a, proposal.profile_b
    if b is None or a == b:
        return False
    pair = (min(a, b), max(a, b))
    evidence = frozenset((*([f"rule:{proposal.rule}"] if proposal.rule else ()), *proposal.types))
    known = ws.review_of(pair)
    if known is not None:
        return _ask_again(ws, rules, known, proposal, evidence)
    item = ReviewItem(
        ws.next_id(), *pair, "open", proposal.reason, proposal.rule, proposal.types, ws.now, evidence=evidence
    )
    ws.keep_review(item)
    return True


def _ask_again(
    ws: WorkingSet, rules: RuleSet, known: ReviewItem, proposal: ReviewProposal, evidence: frozenset[str]
) -> bool:
    """A question that was rejected or not answered is opened again only if a rule or a type supports it that did not before. One
    that was closed for another reason is opened again with the new reason."""
    has_news = not evidence <= known.evidence
    was_answered = known.state == "rejected" or known.closed_by == UNANSWERED
    if is_about_points(known):
        known.evidence |= evidence
        ws.ask_again(known, proposal.reason, proposal.rule, proposal.types)
        return True
    if known.state == "open":
        if has_news:
            known.evidence |= evidence
            ws.note_evidence(known)
        return False
    if was_answered and not (has_news and rules.review.reopen_on_new_evidence):
        return False
    known.evidence |= evidence
    ws.ask_again(known, proposal.reason, proposal.rule, proposal.types)
    if was_answered:
        _note_reopened(ws, known)
    return True


def _note_reopened(ws: WorkingSet, item: ReviewItem) -> None:
    ws.record_event(
        Action.REVIEW_REOPENED,
        outcome="open",
        actor="gateway",
        profile=show("prf", item.profile_a),
        subject=show("rev", item.review_id),
        reason=item.reason,
        detail={"profiles": [show("prf", item.profile_a), show("prf", item.profile_b)]},
    )


def is_about_points(item: ReviewItem) -> bool:
    """Whether the question is about points: the two are one already, and the upstream keeps points for both."""
    return item.reason.startswith(POINTS)


# ---- an operator's merge ----


def wants(command: MergeProfiles, ws: WorkingSet, env: Env) -> bool:
    return wants_of_live(command.profiles, ws)


def wants_of_live(profile_ids: tuple[int, ...], ws: WorkingSet) -> bool:
    """The live profiles that these ids lead to."""
    if not ws.redirects.want_all(profile_ids):
        return False
    targets = [ws.redirects[profile_id] for profile_id in profile_ids]
    ws.profiles.want_all([target for target in targets if target is not None])
    return True


def merge(command: MergeProfiles, ws: WorkingSet, env: Env) -> Shaped | Refused:
    """Join two profiles by hand and pin them together, so that no change of the rules splits them again."""
    found = [live(profile_id, ws) for profile_id in command.profiles]
    one, other = found[0], found[1]
    if one is None or other is None:
        return Refused("not_found", "There is no such profile.")
    if one is other:
        return Shaped(one.profile_id, one.version, changed=False)
    if command.version is not None and command.version != one.version:
        return version_changed(one)
    if (pin := cannot_pin(ws, one, other)) is not None:
        return pinned_apart(pin)
    winner, row = join_by_hand(ws, env, one, other, command.caller, command.reason)
    tie = PinRow(*tie_of(row), "must", None, command.caller.actor, command.reason, ws.now)
    ws.set_pin(tie)
    note_pin(ws, env, Action.PIN_SET, tie, command.caller, winner.profile_id, command.reason)
    return Shaped(winner.profile_id, winner.version, merge_id=row.merge_id)


def tie_of(row: MergeRow) -> tuple[int, int]:
    """The records that a merge by hand pins together."""
    first, second = sorted((min(row.survivor_records), min(row.absorbed_records)))
    return first, second


def note_pin(
    ws: WorkingSet,
    env: Env,
    action: Action,
    pin: Pin,
    caller: Caller,
    home: int | None,
    note: str,
    **about: str,
) -> None:
    """Record that a pin was set or dropped. For the pins of a split or a rejected review, their own event says so."""
    records = [show("rec", pin.record_a), show("rec", pin.record_b)]
    ws.record_event(
        action,
        outcome=pin.kind,
        actor=caller.actor,
        profile=show("prf", home) if home is not None else "",
        subject=records[0],
        request_id=caller.request_id,
        reason=pin.kind,
        detail={"records": records, **about},
        words=Words({"note": note}, _records_about(pin, ws), env.pseudonyms),
    )


def _records_about(pin: Pin, ws: WorkingSet) -> set[int]:
    """Whom the note of a pin may name: everyone on the profiles of its two records."""
    known = [ws.by_record_id[one] for one in (pin.record_a, pin.record_b) if one in ws.by_record_id]
    about = {one for record in known for one in ws.profile(record.profile_id).records}
    return about | {pin.record_a, pin.record_b}


def join_by_hand(
    ws: WorkingSet, env: Env, one: Profile, other: Profile, caller: Caller, note: str
) -> tuple[Profile, MergeRow]:
    """Join two live profiles for an operator. The rules decide which one survives."""
    winner = survivor(env.rules, [one, other])
    return winner, absorb_by_hand(ws, env, winner, other if winner is one else one, caller, note)


def absorb_by_hand(
    ws: WorkingSet, env: Env, winner: Profile, loser: Profile, caller: Caller, note: str
) -> MergeRow:
    about = (*winner.records, *loser.records)
    row = join(ws, winner, loser, caller, rule=BY_HAND, rules=env.rules)
    ws.touch_profile(winner)
    ws.record_event(
        Action.IDENTITY_MERGED,
        outcome="merged",
        actor=caller.actor,
        profile=show("prf", winner.profile_id),
        subject=show("mrg", row.merge_id),
        request_id=caller.request_id,
        reason=BY_HAND,
        detail={"absorbed": [show("prf", loser.profile_id)]},
        words=Words({"note": note}, about, env.pseudonyms),
    )
    return row


def live(profile_id: int, ws: WorkingSet) -> Profile | None:
    target = ws.redirects[profile_id]
    return ws.profile(target) if target is not None else None


def cannot_pin(ws: WorkingSet, one: Profile, other: Profile) -> PinRow | None:
    """A pin in force that keeps the two apart, or the one for which a split stands."""
    for pin in ws.standing_pins:
        if pin.kind == "cannot" and pin.is_in_force(ws.now) and pin.is_between(one, other):
            return pin
    return ws.split_between(one, other)


def pinned_apart(pin: PinRow) -> Refused:
    pair = f"{show('rec', pin.record_a)} and {show('rec', pin.record_b)}"
    return Refused("pinned_apart", f"{pair} are pinned apart by {pin.actor}; remove that pin first.")


def version_changed(profile: Profile) -> Refused:
    return Refused(
        "version_changed",
        f"{show('prf', profile.profile_id)} is at version {profile.version}; look at it again before changing it.",
    )
