"""SPLIT and UNDO: take records out of a profile again. Keys, dedup windows and points follow their records. The two sides are
pinned apart, or the next call would join them again. No sum changes."""

from collections.abc import Collection, Iterable, Sequence
from itertools import combinations, product

from gateway.ids import show
from gateway.model import (
    MergeRow,
    PinRow,
    Refused,
    Shaped,
    Split,
    SplitProfile,
    UndoMerge,
)
from gateway.usecases.detach import detach_records, note_split, request_regrouping, wants_of_detach
from gateway.usecases.env import Env
from gateway.usecases.merge import (
    CONTESTED,
    live,
    open_review,
    version_changed,
    wants_of_live,
)
from gateway.workingset import WorkingSet
from rules.decision import ReviewProposal
from rules.record import Profile

MOST_PAIRS = 20
"""The most pins that a split sets. One of more records has a row for each record instead."""
SIDES_AT_ONCE = 200
"""The most sides that leave in one transaction."""
TAKEN_APART = "split:all"
"""The cause of a regrouping that takes apart the rest of a profile, as a person asked."""


def wants_of_split(command: SplitProfile, ws: WorkingSet, env: Env) -> bool:
    if not wants_of_live((command.profile_id,), ws):
        return False
    return wants_of_detach(ws.redirects[command.profile_id], ws, env)


def wants_of_undo(command: UndoMerge, ws: WorkingSet, env: Env) -> bool:
    if not ws.merges.want(command.merge_id):
        return False
    row = ws.merges[command.merge_id]
    if row is None:
        return True
    if not wants_of_live((row.survivor_id,), ws):
        return False
    for record_id in row.absorbed_records:
        ws.homes.want(record_id)
    return wants_of_detach(ws.redirects[row.survivor_id], ws, env)


def split(command: SplitProfile, ws: WorkingSet, env: Env) -> Shaped | Refused:
    """The given records and the rest become two profiles, neither of them empty. The side with the record that the profile is named
    after keeps its id."""
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
    kept = keep_apart(profile, sides, command, ws, env)
    now, later = _at_once(sides, ws, env)
    parts = [_part(profile, side, command, ws, env) for side in now]
    told = kept | ({"waiting": [show("rec", one) for side in later for one in side]} if later else {})
    how, caller = f"split:{command.mode}", command.caller
    note_split(profile, parts, caller, how, command.reason, ws, env, pinned=True, kept=told)
    if later:
        request_regrouping(ws, "profile", TAKEN_APART, profile_id=profile.profile_id)
    return Shaped(
        profile.profile_id,
        profile.version,
        parts=tuple(part.profile_id for part in parts),
        waiting=len(later),
    )


def _at_once(
    sides: list[frozenset[int]], ws: WorkingSet, env: Env
) -> tuple[list[frozenset[int]], list[frozenset[int]]]:
    """The sides that leave now, and those that leave in the background, so that calls do not wait for all of them."""
    count = SIDES_AT_ONCE if env.rules.mode == "enforce" else len(sides)
    return sides[:count], sides[count:]


def _sides(command: SplitProfile, profile: Profile, ws: WorkingSet) -> list[frozenset[int]]:
    if command.mode == "all":
        stays = ws.named_after(profile)
        return [frozenset({record_id}) for record_id in sorted(profile.records) if record_id != stays]
    leaving = set(command.records)
    if command.mode == "tree":
        for row in reversed(ws.absorptions[profile.profile_id]):
            if leaving.intersection(row.absorbed_records):
                leaving |= set(row.absorbed_records) & profile.records.keys()
    return [frozenset(leaving)] if leaving else []


def undo(command: UndoMerge, ws: WorkingSet, env: Env, *, pinned: bool = True) -> Shaped | Refused:
    """The records that the merge brought leave again. Refused if some were moved since, unless `tree`. Without `pinned`, the rules
    decide about the two sides as before the merge."""
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
    kept: dict[str, str] = {}
    if pinned:
        kept = keep_apart(profile, [leaving], command, ws, env)
        part = _part(profile, leaving, command, ws, env)
    else:
        part, _ = detach_records(profile, leaving, ws, env, undone=row.merge_id)
    ws.undo(row)
    note_split(
        profile,
        [part],
        command.caller,
        "undo",
        command.reason,
        ws,
        env,
        show("mrg", row.merge_id),
        pinned=pinned,
        kept=kept,
    )
    return Shaped(profile.profile_id, profile.version, merge_id=row.merge_id, parts=(part.profile_id,))


def _against(
    command: UndoMerge, row: MergeRow, profile: Profile, leaving: frozenset[int], ws: WorkingSet, env: Env
) -> Refused | None:
    """Why this merge cannot be undone now, if so."""
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
    undone = command.merge_id if isinstance(command, UndoMerge) else None
    part, contested = detach_records(profile, leaving, ws, env, undone=undone)
    if contested:
        types = tuple(sorted(contested))
        proposal = ReviewProposal(profile.profile_id, part.profile_id, CONTESTED, "", types)
        open_review(ws, env.rules, proposal)
    return part


def keep_apart(
    profile: Profile,
    leaving: Iterable[frozenset[int]],
    command: SplitProfile | UndoMerge,
    ws: WorkingSet,
    env: Env,
) -> dict[str, str]:
    """Keep these sides and the rest apart, before they leave: by pins if these are few, else by one row for each record. Returns
    what the event says of it."""
    sides = [profile.records.keys() - frozenset[int]().union(*leaving), *leaving]
    cooldown = env.rules.merge.cooldown_after_split
    until = None if cooldown is None else ws.now + cooldown
    actor, reason = command.caller.actor, command.reason
    if not are_many(sides):
        for a, b in pairs_across(sides):
            ws.set_pin(PinRow(a, b, "cannot", until, actor, reason, ws.now))
        return {}
    return {"split": show("spl", keep_sides(sides, until, actor, reason, ws))}


def are_many(sides: Sequence[Collection[int]]) -> bool:
    """Whether the pairs across these sides are too many for pins."""
    records = sum(map(len, sides))
    return records * records - sum(len(side) ** 2 for side in sides) > 2 * MOST_PAIRS


def pairs_across(sides: Iterable[Iterable[int]]) -> list[tuple[int, int]]:
    """Every two records of different sides."""
    return [(min(a, b), max(a, b)) for one, other in combinations(sides, 2) for a, b in product(one, other)]


def keep_sides(
    sides: Sequence[Collection[int]], until: int | None, actor: str, reason: str, ws: WorkingSet
) -> int:
    """Keep the sides apart by one row for each record. Returns the id of the split."""
    row = Split(ws.next_id(), until, actor, reason, ws.now)
    ws.keep_apart(row, {one: number for number, side in enumerate(sides) for one in side})
    return row.split_id
