"""SPLIT and UNDO: take records out of a profile again. Records, keys, dedup windows and what was earned follow; the two sides
are pinned apart, or the next call would join them again; no sum changes.

When the records that leave are exactly those that an absorbed profile brought, its id lives again, and what had been
absorbed by it redirects to it again.
"""

from collections.abc import Iterable
from itertools import chain

from gateway.audit.event import Action
from gateway.ids import show
from gateway.model import Caller, Dedup, MergeRow, Outcome, PinRow, Refused, Shaped, SplitProfile, UndoMerge
from gateway.usecases.canonical import canonical_ids, needs_of_canonical_id
from gateway.usecases.env import Env
from gateway.usecases.merge import live, needs_of_live, open_review, version_changed
from gateway.workingset import Needs, WorkingSet
from rules.decision import ReviewProposal
from rules.evidence import may_own
from rules.identifier import Identifier
from rules.record import Profile, Record
from rules.ruleset import RuleSet


def needs_of_split(command: SplitProfile, ws: WorkingSet, env: Env, needs: Needs) -> bool:
    if not needs_of_live((command.profile_id,), ws, needs):
        return False
    return _needs_of_parting(ws.redirects[command.profile_id], ws, env, needs)


def needs_of_undo(command: UndoMerge, ws: WorkingSet, env: Env, needs: Needs) -> bool:
    if command.merge_id not in ws.merges:
        needs.merge(command.merge_id)
        return False
    row = ws.merges[command.merge_id]
    if row is None:
        return True
    if not needs_of_live((row.survivor_id,), ws, needs):
        return False
    for record_id in row.absorbed_records:
        needs.home(record_id)
    return _needs_of_parting(ws.redirects[row.survivor_id], ws, env, needs)


def _needs_of_parting(profile_id: int | None, ws: WorkingSet, env: Env, needs: Needs) -> bool:
    """The profile whole, what was absorbed by it, the achievements behind their dedup windows, and the canonical ids that
    a part could get."""
    if profile_id is None:
        return True
    needs.absorbed_by(profile_id)
    needs.profile(profile_id)
    if profile_id not in ws.profiles or profile_id not in ws.absorptions:
        return False
    for record in ws.profiles[profile_id].records.values():
        needs_of_canonical_id(record.id_space, record.customer_id, env, needs)
    family = [profile_id, *(row.absorbed_id for row in ws.absorptions[profile_id])]
    for member in family:
        needs.profile(member)
        for _, window in ws.windows_of(member):
            needs.achievement(window.achievement_id)
    return all(member in ws.profiles for member in family)


def split(command: SplitProfile, ws: WorkingSet, env: Env) -> Outcome:
    """The caller's records leave; the rest, never empty, keeps the profile's id."""
    profile = live(command.profile_id, ws)
    if profile is None:
        return Refused("not_found", "There is no such profile.")
    if command.version is not None and command.version != profile.version:
        return version_changed(profile)
    strangers = [record_id for record_id in command.records if record_id not in profile.records]
    if strangers:
        named = ", ".join(show("rec", record_id) for record_id in strangers)
        return Refused("records_elsewhere", f"{named}: not on this profile; look at it again.")
    sides = _sides(command, profile, ws)
    if not sides or sum(len(side) for side in sides) >= len(profile.records):
        return _empties()
    parts = [_part(profile, side, command, ws, env) for side in sides]
    _finish(profile, parts, command.caller, f"split:{command.mode}", command.reason, ws)
    return Shaped(profile.profile_id, profile.version, parts=tuple(part.profile_id for part in parts))


def _sides(command: SplitProfile, profile: Profile, ws: WorkingSet) -> list[frozenset[int]]:
    if command.mode == "all":
        stays = min(profile.records.values(), key=_age).record_id
        return [frozenset({record_id}) for record_id in sorted(profile.records) if record_id != stays]
    leaving = set(command.records)
    if command.mode == "tree":
        for row in reversed(ws.absorptions_of(profile.profile_id)):
            if leaving.intersection(row.absorbed_records):
                leaving |= set(row.absorbed_records) & profile.records.keys()
    return [frozenset(leaving)] if leaving else []


def undo(command: UndoMerge, ws: WorkingSet, env: Env) -> Outcome:
    """The records that the merge brought leave again. Refused when some were moved on since, unless `tree`."""
    row = ws.merges[command.merge_id]
    if row is None:
        return Refused("not_found", "There is no such merge.")
    profile = live(row.survivor_id, ws)
    if profile is None:
        return Refused("not_found", "The merged profile was erased.")
    if row.undone_at is not None:
        return Shaped(profile.profile_id, profile.version, changed=False)
    leaving = frozenset(row.absorbed_records) & profile.records.keys()
    if (refused := _against(command, row, profile, leaving, ws, env)) is not None:
        return refused
    part = _part(profile, leaving, command, ws, env)
    ws.undo(row)
    _finish(profile, [part], command.caller, "undo", command.reason, ws, show("mrg", row.merge_id))
    return Shaped(profile.profile_id, profile.version, merge_id=row.merge_id, parts=(part.profile_id,))


def _against(
    command: UndoMerge, row: MergeRow, profile: Profile, leaving: frozenset[int], ws: WorkingSet, env: Env
) -> Refused | None:
    """Why this merge cannot be taken back now, if so."""
    if command.version is not None and command.version != profile.version:
        return version_changed(profile)
    window = env.rules.merge.undo_window
    if window is not None and ws.now - row.merged_at >= window:
        return Refused(
            "undo_too_late", "The merge is older than the rules' undo_window; split the profile instead."
        )
    moved = [record_id for record_id in row.absorbed_records if record_id not in leaving]
    if moved and not command.tree:
        return _moved_since(moved, ws)
    if not leaving or len(leaving) == len(profile.records):
        return _empties()
    return None


def _empties() -> Refused:
    return Refused("split_empties", "At least one record must leave and at least one must stay.")


def _moved_since(moved: Iterable[int], ws: WorkingSet) -> Refused:
    places: list[str] = []
    for record_id in moved:
        home = ws.homes[record_id]
        place = f"is on {show('prf', home)}" if home is not None else "was erased"
        places.append(f"{show('rec', record_id)} {place}")
    return Refused(
        "records_moved",
        f"Moved since the merge: {'; '.join(places)}. Undo with tree to take out what is still here.",
    )


# ---- one part leaves ----


def _part(
    profile: Profile, leaving: frozenset[int], command: SplitProfile | UndoMerge, ws: WorkingSet, env: Env
) -> Profile:
    part = _id_for(profile, leaving, command, ws, env)
    _pin_apart(profile, leaving, command, ws, env)
    for record_id in sorted(leaving):
        ws.move(profile.records[record_id], profile, part)
    contested = _share_keys(profile, part, ws, env, to_first=isinstance(command, UndoMerge))
    _share_redirects(profile, part, ws)
    _share_windows(profile, part, ws)
    if contested:
        question = ReviewProposal(
            profile.profile_id, part.profile_id, "split:contested", "", tuple(sorted(contested))
        )
        open_review(ws, question)
    return part


def _id_for(
    profile: Profile, leaving: frozenset[int], command: SplitProfile | UndoMerge, ws: WorkingSet, env: Env
) -> Profile:
    """The former profile, when it leaves as it came or its merge is taken back; else a new one, named after
    its oldest record."""
    undone = command.merge_id if isinstance(command, UndoMerge) else None
    for row in reversed(ws.absorptions_of(profile.profile_id)):
        if row.merge_id == undone or (undone is None and frozenset(row.absorbed_records) == leaving):
            ws.undo(row)
            return ws.revive(row.absorbed_id)
    oldest = min((profile.records[record_id] for record_id in leaving), key=_age)
    return ws.create_profile(canonical_ids(oldest.id_space, oldest.customer_id, env))


def _age(record: Record) -> tuple[int, int]:
    return record.created_at, record.record_id


def _pin_apart(
    profile: Profile, leaving: frozenset[int], command: SplitProfile | UndoMerge, ws: WorkingSet, env: Env
) -> None:
    cooldown = env.rules.merge.cooldown_after_split
    until = None if cooldown is None else ws.now + cooldown
    for gone in leaving:
        for stays in profile.records.keys() - leaving:
            pair = (min(gone, stays), max(gone, stays))
            ws.set_pin(PinRow(*pair, "cannot", until, command.caller.actor, command.reason, ws.now))


def _share_keys(profile: Profile, part: Profile, ws: WorkingSet, env: Env, *, to_first: bool) -> set[str]:
    """A key that only one side observed is that side's. What both did stays with the rest; its type is answered: a person
    must look. On an undo it goes back to whom it came first, of those who may own it: whose it was before the merge is not
    kept, and would be another's only where that side had no room for it."""
    contested: set[str] = set()
    here = _first_claims(profile, env.rules)
    for identifier, claim in _first_claims(part, env.rules).items():
        key = ws.key(identifier)
        if key.owner != profile.profile_id:
            continue
        if identifier in here:
            contested.add(identifier.type)
            if not to_first or here[identifier] < claim:
                continue
        key.owner = part.profile_id
        ws.touch_key(key)
    return contested


def _first_claims(profile: Profile, rules: RuleSet) -> dict[Identifier, tuple[bool, int, int]]:
    """What the profile's records observed, by the record with the best claim: one that may own before one that may not, then
    the one that had it first."""
    first: dict[Identifier, tuple[bool, int, int]] = {}
    for record_id, record in profile.records.items():
        for seen in record.observations.values():
            if not seen.retired:
                claim = (not may_own(rules, record, seen), seen.first_seen, record_id)
                first[seen.identifier] = min(claim, first.get(seen.identifier, claim))
    return first


def _share_windows(profile: Profile, part: Profile, ws: WorkingSet) -> None:
    """A dedup window goes with the record that reported the achievement. Of a side's several the one that ends last counts;
    the others wait under absorbed ids, as a merge leaves them."""
    sides = {side.profile_id: [side.profile_id, *_redirecting(profile, side, ws)] for side in (profile, part)}
    held: dict[tuple[int, int], list[Dedup]] = {}
    for holder in chain.from_iterable(sides.values()):
        for campaign_id, window in ws.windows_of(holder):
            ws.drop_window(holder, campaign_id)
            achievement = ws.achievements[window.achievement_id]
            goes = achievement is not None and achievement.record_id in part.records
            side = part if goes else profile
            held.setdefault((side.profile_id, campaign_id), []).append(window)
    for (side_id, campaign_id), windows in held.items():
        windows.sort(key=lambda window: window.expires_at, reverse=True)
        for holder, window in zip(sides[side_id], windows, strict=False):
            ws.set_window(holder, campaign_id, window)


def _redirecting(profile: Profile, side: Profile, ws: WorkingSet) -> list[int]:
    """Of the ids that the profile had absorbed, those that lead to this side now."""
    absorbed = [row.absorbed_id for row in ws.absorptions_of(profile.profile_id)]
    return [one for one in absorbed if ws.profiles[one].redirect_to == side.profile_id]


def _share_redirects(profile: Profile, part: Profile, ws: WorkingSet) -> None:
    """An absorbed id leads to where all of its records went."""
    for row in ws.absorptions_of(profile.profile_id):
        if row.absorbed_id != part.profile_id and set(row.absorbed_records) <= part.records.keys():
            ws.repoint(row.absorbed_id, part)


def _finish(
    profile: Profile,
    parts: list[Profile],
    caller: Caller,
    how: str,
    note: str,
    ws: WorkingSet,
    subject: str = "",
) -> None:
    for changed in (profile, *parts):
        ws.touch_profile(changed)
    ws.forget_sums(profile, *parts)
    ws.record_event(
        Action.IDENTITY_SPLIT,
        outcome="split",
        actor=caller.actor,
        profile=show("prf", profile.profile_id),
        subject=subject,
        request_id=caller.request_id,
        reason=how,
        detail={
            "parts": {
                show("prf", part.profile_id): [show("rec", r) for r in sorted(part.records)] for part in parts
            },
            "note": note,
        },
    )
