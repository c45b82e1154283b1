"""An operator changes the records of a profile: merge two profiles, undo a merge, split records off.

`If-Match` with the version that the operator saw prevents a change to a profile that has changed meanwhile.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.errors import Refusal
from gateway.http.admin.effects import EffectsView, Names, effects_view
from gateway.http.admin.ids_and_names import DryRun, ProfileId, Reason, RecordId, number
from gateway.http.admin.listing import Query
from gateway.http.admin.operation import Call, Operation
from gateway.ids import show
from gateway.model import Effects, MergeProfiles, Shaped, SplitProfile, UndoMerge

_MOST_RECORDS = 1_000


class NewMerge(msgspec.Struct, forbid_unknown_fields=True):
    """`If-Match` is the version of the first profile."""

    profiles: Annotated[list[ProfileId], Meta(min_length=2, max_length=2)]
    reason: Reason
    dry_run: DryRun = False


class Undoing(msgspec.Struct, forbid_unknown_fields=True):
    """`tree` takes out the remaining records of a merge, if some of its records have moved since."""

    reason: Reason
    tree: bool = False
    dry_run: DryRun = False


class Splitting(msgspec.Struct, forbid_unknown_fields=True):
    """`plain` takes only these records, `tree` also the records that were absorbed together with them, `all` puts every record
    of the profile on a profile of its own."""

    reason: Reason
    records: Annotated[list[RecordId], Meta(max_length=_MOST_RECORDS)] = []
    mode: Literal["plain", "tree", "all"] = "plain"
    dry_run: DryRun = False


class ShapedView(msgspec.Struct):
    """The profile after the change; `version` is also its ETag. `parts` were split off, and `waiting` more sides leave in
    the background; `merge` is the id for an undo. `changed` is False if everything was already as requested. A dry run has
    `effects`, no ETag and no `merge`, and names profiles that it would make `new-1`, `new-2` …"""

    profile: str
    version: int
    changed: bool
    merge: str | None
    parts: list[str]
    waiting: int
    effects: EffectsView | None


async def merge_profiles(call: Call[Query]) -> ShapedView:
    asked, version = await call.body(NewMerge), call.expected_version()
    one, other = (number("prf", f"profiles[{n}]", text) for n, text in enumerate(asked.profiles))
    merge = MergeProfiles(call.caller, (one, other), asked.reason, version)
    return _shaped(call, *await call.change(merge, dry_run=asked.dry_run))


async def undo_merge(call: Call[Query]) -> ShapedView:
    asked, version = await call.body(Undoing), call.expected_version()
    undo = UndoMerge(call.caller, call.id("mrg"), asked.reason, asked.tree, version)
    return _shaped(call, *await call.change(undo, dry_run=asked.dry_run))


async def split_profile(call: Call[Query]) -> ShapedView:
    asked, version = await call.body(Splitting), call.expected_version()
    if not asked.records and asked.mode != "all":
        raise Refusal("bad_body", "records: is empty; name the records that leave, or use mode all")
    records = tuple(number("rec", f"records[{n}]", text) for n, text in enumerate(asked.records))
    split = SplitProfile(call.caller, call.id("prf"), records, asked.mode, asked.reason, version)
    return _shaped(call, *await call.change(split, dry_run=asked.dry_run))


def _shaped(call: Call[Query], outcome: Shaped, effects: Effects | None) -> ShapedView:
    if effects is None:
        call.tag(outcome.version)
    names, merge_id = Names(effects), outcome.merge_id if effects is None else None
    return ShapedView(
        show("prf", outcome.profile_id),
        outcome.version,
        outcome.changed,
        show("mrg", merge_id) if merge_id is not None else None,
        [names(part) for part in outcome.parts],
        outcome.waiting,
        None if effects is None else effects_view(effects),
    )


OPERATIONS = (
    Operation(
        method="POST",
        path="/merges",
        handler=merge_profiles,
        role="steward",
        summary="Join two profiles by hand; they are pinned together",
        body=NewMerge,
        answer=ShapedView,
        tagged=True,
        conditional=True,
        refusals=("not_found", "pinned_apart"),
    ),
    Operation(
        method="POST",
        path="/merges/{id}/undo",
        handler=undo_merge,
        role="steward",
        summary="Undo one merge; the two sides are pinned apart",
        body=Undoing,
        answer=ShapedView,
        tagged=True,
        conditional=True,
        refusals=("records_moved", "split_empties", "undo_too_late"),
    ),
    Operation(
        method="POST",
        path="/profiles/{id}/split",
        handler=split_profile,
        role="steward",
        summary="Take records out of a profile; the two sides are pinned apart",
        body=Splitting,
        answer=ShapedView,
        tagged=True,
        conditional=True,
        refusals=("records_elsewhere", "split_empties"),
    ),
)
