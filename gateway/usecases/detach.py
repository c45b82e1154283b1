"""Parting: records leave a profile, and take with them their keys, dedup windows, and the ids that lead to them. Points stay on the
record that earned them, so no sum changes. An operator and the rules part records in the same way.

A profile's id and its canonical id belong to the record that it is named after, and lead to wherever that record is (I23), because
the upstream keeps the account under that name. So the side with that record keeps the profile's ids, whichever side was asked to
leave. Ids of absorbed profiles go with the records that those were named after: one of them lives again, the others redirect to it.
A side without any such record gets a new profile.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import chain
from types import MappingProxyType
from typing import Any, Literal

from gateway.audit.event import Action, Words
from gateway.ids import show
from gateway.model import Caller, Dedup, Regrouping
from gateway.usecases.canonical import canonical_ids, wants_of_canonical_id
from gateway.usecases.env import Env
from gateway.usecases.merge import is_about_points
from gateway.workingset import WorkingSet
from rules.identifier import Identifier
from rules.policy import Policy
from rules.record import Profile, Record

NOTHING: Mapping[str, Any] = MappingProxyType({})
REGROUP = "regroup"
"""How the rules part records."""
_Word = tuple[bool, int, int]
NO_VALUE = Identifier("", "")


def wants_of_detach(profile_id: int | None, ws: WorkingSet, env: Env) -> bool:
    """The profile whole, the profiles that it absorbed, the achievements behind their dedup windows, and the canonical ids that a
    part could get."""
    if profile_id is None:
        return True
    ws.absorptions.want(profile_id)
    ws.profiles.want(profile_id)
    if profile_id not in ws.profiles or profile_id not in ws.absorptions:
        return False
    for record in ws.profiles[profile_id].records.values():
        wants_of_canonical_id(record.id_space, record.customer_id, ws, env)
    family = [profile_id, *(row.absorbed_id for row in ws.absorptions[profile_id])]
    for member in family:
        ws.profiles.want(member)
        if member in ws.profiles:
            for _, window in ws.windows_of(member):
                ws.achievements.want(window.achievement_id)
    return all(member in ws.profiles for member in family)


def detach_records(
    profile: Profile,
    leaving: frozenset[int],
    ws: WorkingSet,
    env: Env,
    *,
    undone: int | None = None,
) -> tuple[Profile, set[str]]:
    """Split these records off the rest. Returns the profile of the side that does not keep the profile's id (the rest, if the
    record that it is named after leaves), and the types of the keys that both sides hold. `undone` is the merge that this
    undoes."""
    keeps_name = ws.named_after(profile) in leaving
    moving = profile.records.keys() - leaving if keeps_name else leaving
    part = _id_for(profile, moving, undone, ws, env)
    for record in sorted((profile.records[record_id] for record_id in moving), key=age):
        ws.move(record, profile, part)
    rest = part if keeps_name else profile
    contested = _share_keys(profile, part, ws, env, contested_to=None if undone is not None else rest)
    _share_redirects(profile, part, ws)
    _share_windows(profile, part, ws)
    _update_questions(profile, part, rest, ws)
    return part, contested


def _update_questions(profile: Profile, part: Profile, rest: Profile, ws: WorkingSet) -> None:
    """A question whether other records should leave now concerns the rest. It is asked again if some of its records just left. A
    question about the points of these two is closed."""
    pair = (min(profile.profile_id, part.profile_id), max(profile.profile_id, part.profile_id))
    asked = ws.review_of(pair)
    if asked is not None and asked.state == "open" and is_about_points(asked):
        ws.close_review(asked, "stale", "split")
    for item in ws.leave_questions(profile.profile_id):
        if set(item.records) < rest.records.keys():
            ws.pass_on_leave_question(item, rest)
        else:
            ws.close_review(item, "stale", "split")
            for side in (profile, part):
                request_regrouping(ws, "profile", "split", profile_id=side.profile_id)


def request_regrouping(
    ws: WorkingSet,
    scope: Literal["value", "profile", "split"],
    cause: str,
    *,
    identifier: Identifier = NO_VALUE,
    profile_id: int = 0,
) -> None:
    """Have profiles regrouped once this change is on disk: the holders of a value, one profile, or the profiles of a split (then
    `profile_id` is the id of the split). Once a batch."""
    if (identifier, profile_id) not in ws.requested_regroupings:
        ws.requested_regroupings.add((identifier, profile_id))
        ws.keep_regrouping(
            Regrouping(ws.next_id(), scope, cause, "", identifier.type, identifier.value, profile_id, ws.now)
        )


def _id_for(
    profile: Profile, moving: AbstractSet[int], undone: int | None, ws: WorkingSet, env: Env
) -> Profile:
    """The profile for the moving records: an absorbed one that is named after one of them (that of the undone merge first, then the
    oldest), or a new one, named after the oldest record."""
    rows = [row for row in ws.absorptions[profile.profile_id] if ws.absorbed_named_after(row) in moving]
    if rows:
        return ws.revive(min(rows, key=lambda row: (row.merge_id != undone, row.absorbed_id)))
    oldest = min((profile.records[record_id] for record_id in moving), key=age)
    return ws.create_profile(canonical_ids(oldest.id_space, oldest.customer_id, env))


def age(record: Record) -> tuple[int, int]:
    return record.created_at, record.record_id


def _share_keys(
    profile: Profile, part: Profile, ws: WorkingSet, env: Env, *, contested_to: Profile | None
) -> set[str]:
    """A key that only one side observed goes to that side. One that both observed goes to `contested_to`, and its type is returned,
    so that an operator is asked. With None, on an undo, it goes to the side that stated it first and may own it. The owner before
    the merge is not kept; it could only differ if that side had no room for the key."""
    contested: set[str] = set()
    for identifier, (word, holding) in _first_words(part, env.policy).items():
        key = ws.key(identifier)
        if key.owner != profile.profile_id:
            continue
        there = _words(profile, identifier, env.policy) if key.holders > holding else iter(())
        if (first := next(there, None)) is not None:
            contested.add(identifier.type)
            goes = word < min([first, *there]) if contested_to is None else contested_to is part
            if not goes:
                continue
        key.owner = part.profile_id
        ws.touch_key(key)
    return contested


def _first_words(profile: Profile, policy: Policy) -> dict[Identifier, tuple[_Word, int]]:
    """For each identifier, the best statement of it by the profile's records, and how many of these hold it."""
    holding = Counter(identifier for record in profile.records.values() for identifier in record.observations)
    words = {identifier: list(_words(profile, identifier, policy)) for identifier in holding}
    return {identifier: (min(found), holding[identifier]) for identifier, found in words.items() if found}


def _words(profile: Profile, identifier: Identifier, policy: Policy) -> Iterator[_Word]:
    """The statements of an identifier by the profile's records: by a record that may own it before one that may not, then by
    age."""
    for record_id, record in profile.records.items():
        seen = record.observations.get(identifier)
        if seen is not None and not seen.retired:
            yield not policy.may_own(record, seen), seen.first_seen, record_id


def _share_windows(profile: Profile, part: Profile, ws: WorkingSet) -> None:
    """A dedup window goes with the record that reported the achievement. If a side has several, the one that ends last counts; the
    others wait under absorbed ids, as after a merge."""
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
    """The absorbed ids that lead to this side now."""
    absorbed = [row.absorbed_id for row in ws.absorptions[profile.profile_id]]
    return [one for one in absorbed if ws.profiles[one].redirect_to == side.profile_id]


def _share_redirects(profile: Profile, part: Profile, ws: WorkingSet) -> None:
    """An absorbed id follows the record that it is named after."""
    for row in ws.absorptions[profile.profile_id]:
        if row.absorbed_id != part.profile_id and ws.absorbed_named_after(row) in part.records:
            ws.repoint(row.absorbed_id, part)


def note_split(
    profile: Profile,
    parts: list[Profile],
    caller: Caller,
    how: str,
    note: str,
    ws: WorkingSet,
    env: Env,
    subject: str = "",
    *,
    pinned: bool = False,
    kept: Mapping[str, Any] = NOTHING,
) -> None:
    """`pinned`: every pair of records across the sides was pinned apart; `kept` says more about it. The note of a regrouping is its
    cause, and says nothing about the records that stay."""
    sides = (profile, *parts)
    concerned = parts if how == REGROUP else sides
    about = [record_id for side in concerned for record_id in side.records]
    names = {show("prf", side.profile_id): show("rec", ws.named_after(side)) for side in sides}
    redirects = {
        show("prf", one): show("prf", part.profile_id)
        for part in parts
        for one in _redirecting(profile, part, ws)
    }
    for changed in sides:
        ws.touch_profile(changed)
    ws.forget_sums(*sides)
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
            "named_after": names,
            "redirects": redirects,
            "pinned": pinned,
            **kept,
        },
        words=Words({"note": note}, about, env.pseudonyms),
    )
