"""What a change would do, as a dry run tells it."""

from collections import Counter
from typing import Any

import msgspec

from gateway.http.admin.listing import MOST
from gateway.http.admin.operation import Call
from gateway.ids import show
from gateway.model import Command, Effects, KeyMoved, ProfileAfter, Refused, ReviewAfter


class ProfileAfterView(msgspec.Struct):
    """A profile that is live after the change. `id` is `new-1`, `new-2` … where it is drawn only then, and `canonical_id` is
    None where it is the same as that id. `records` are the first 200 of `record_count`."""

    id: str
    version: int
    canonical_id: str | None
    points: int
    record_count: int
    records: list[str]


class LeadView(msgspec.Struct):
    """A profile id that leads elsewhere after the change; None: its person is erased."""

    id: str
    to: str | None


class KeyMovedView(msgspec.Struct):
    """An identifier with the profiles that own it before and after the change; None: no profile does."""

    type: str
    value: str
    before: str | None
    after: str | None


class ReviewAfterView(msgspec.Struct):
    """A question that the change opens (then `id` is None), closes, passes on to other profiles, or erases."""

    id: str | None
    profiles: list[str]
    reason: str
    state: str


class QueuedView(msgspec.Struct):
    """Deliveries to one target. `what` is the topic of an event, and the kind of any other delivery."""

    target: str
    what: str
    count: int


class EffectsView(msgspec.Struct):
    """What a change does. Of long lists, the first 200 are shown: `profile_count` and `key_count` have them all. `undone` are
    the merges that it undoes."""

    profile_count: int
    profiles: list[ProfileAfterView]
    leads: list[LeadView]
    key_count: int
    keys: list[KeyMovedView]
    reviews: list[ReviewAfterView]
    pins_set: int
    pins_lifted: int
    undone: list[str]
    deliveries: list[QueuedView]


class ConsequenceView(msgspec.Struct):
    """What would follow now: `effects`, or the code with which it would be refused, and why."""

    refused: str | None
    why: str
    effects: EffectsView | None


class Names:
    """How profiles are called before the ids of new ones are drawn."""

    def __init__(self, effects: Effects | None) -> None:
        new = [one.profile_id for one in effects.profiles if one.is_new] if effects is not None else []
        self._new = {profile_id: f"new-{place}" for place, profile_id in enumerate(sorted(new), 1)}

    def __call__(self, profile_id: int) -> str:
        return self._new.get(profile_id) or show("prf", profile_id)

    def or_none(self, profile_id: int | None) -> str | None:
        return None if profile_id is None else self(profile_id)


def effects_view(effects: Effects) -> EffectsView:
    names = Names(effects)
    queued = Counter(effects.sendings)
    return EffectsView(
        len(effects.profiles),
        [_profile(one, names) for one in effects.profiles[:MOST]],
        [LeadView(names(one.profile_id), names.or_none(one.to)) for one in effects.leads[:MOST]],
        len(effects.keys),
        [_key(one, names) for one in effects.keys[:MOST]],
        [_review(one, names) for one in effects.reviews[:MOST]],
        sum(pin.is_set for pin in effects.pins),
        sum(not pin.is_set for pin in effects.pins),
        [show("mrg", merge_id) for merge_id in effects.undone],
        [QueuedView(*sending, count) for sending, count in sorted(queued.items())],
    )


async def consequence(call: Call[Any], command: Command[Any]) -> ConsequenceView:
    """Of a command, without carrying it out."""
    outcome, effects = await call.services.pipeline.preview(command)
    if isinstance(outcome, Refused):
        return ConsequenceView(outcome.code, outcome.message, None)
    return ConsequenceView(None, "", effects_view(effects))


def _profile(one: ProfileAfter, names: Names) -> ProfileAfterView:
    is_own = one.is_new and one.canonical_id == show("prf", one.profile_id)
    return ProfileAfterView(
        names(one.profile_id),
        one.version,
        None if is_own else one.canonical_id,
        one.points,
        len(one.records),
        [show("rec", record_id) for record_id in one.records[:MOST]],
    )


def _key(one: KeyMoved, names: Names) -> KeyMovedView:
    return KeyMovedView(*one.identifier, names.or_none(one.before), names.or_none(one.after))


def _review(one: ReviewAfter, names: Names) -> ReviewAfterView:
    return ReviewAfterView(
        None if one.is_new else show("rev", one.review_id),
        [names(profile_id) for profile_id in dict.fromkeys(one.profiles)],
        one.reason,
        one.state,
    )
