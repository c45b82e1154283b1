"""One question, ready to be answered: both sides, what agrees and what differs, why the rules ask, and what would follow from
yes and from no."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import msgspec

from gateway.errors import Refusal
from gateway.http.admin.attributes import ValueView, values_of
from gateway.http.admin.effects import ConsequenceView, consequence
from gateway.http.admin.explain import PairView, pair_view
from gateway.http.admin.listing import MOST, Query
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.people import people
from gateway.http.admin.profiles import ProfileView, profile_view
from gateway.http.admin.read_audit import note_view
from gateway.http.admin.reviews import ReviewView, review_fields
from gateway.http.admin.suggestions import SuggestionView, suggestion_view
from gateway.http.admin.times import Time, shown_or_none
from gateway.http.services import Services
from gateway.ids import show
from gateway.model import AnswerReview, ExplainPair, ReviewItem, UndoAnswer, is_answered
from gateway.store.queries import reviews as queries
from gateway.store.queries.profiles import ProfileOverview, load, survivor_of, tags_of
from gateway.store.queries.suggestions import suggestion_between
from rules.attributes import kind_of
from rules.compare import DIFFERENT, EQUAL, MISSING, USUAL, Kinds, Verdict, compare_values, nearest
from rules.identifier import Identifier
from rules.ruleset import AttributeKind

_ATTRIBUTE = "attribute "
_MOST_COMPARED = 20
"""Values of one attribute and side. Texts beyond are compared for equality only."""


class SideView(msgspec.Struct):
    """One side of a question. `person` is the name, or else the customer ids; `attributes` are the winning values, `values` what
    each record says; `last_seen` is when one of the identifiers was stated last."""

    person: str
    profile: ProfileView
    channels: list[str]
    attributes: dict[str, Any]
    values: list[ValueView]
    tags: list[str]
    last_seen: Time | None


class ComparedValue(msgspec.Struct):
    """What the two sides say of one thing: an identifier's type, or `attribute NAME`. `one` and `other` are all their values.
    `likeness` is that of the nearest two: `equal` or `different`, and of texts also `similar`, `near` or `compatible`, with `how`
    they are alike in words."""

    what: str
    one: list[Any]
    other: list[Any]
    likeness: str
    how: str = ""


class ReviewDetail(ReviewView):
    """`sides` are the live profiles, one where the question is about the records of a single profile. `agrees` is what both sides
    have in common, or an attribute whose values are as near as a rule wants that names no level; `differs` is the rest of what
    both know. `trace` says how the rules judge the two now. `yes` and `no` are what would follow from an answer, None for a review
    that is not open; `undo` is what would follow from taking back the answer that was given. `suggestion`: why a search raised it.
    """

    sides: list[SideView]
    agrees: list[ComparedValue]
    differs: list[ComparedValue]
    trace: PairView | None
    yes: ConsequenceView | None
    no: ConsequenceView | None
    undo: ConsequenceView | None
    suggestion: SuggestionView | None


async def show_review(call: Call[Query]) -> ReviewDetail:
    services = call.services
    item = await queries.review(services.store, call.id("rev"))
    if item is None:
        raise Refusal("not_found", "there is no such review; one of its profiles may have been erased")
    named = await people(services, (item.profile_a, item.profile_b))
    found = await _overviews(services, item)
    for overview in found:
        await note_view(services, call.caller, show("prf", overview.profile_id))
    sides = [await _side(services, one, named) for one in found]
    kinds = services.env.rules.kinds
    agrees, differs = _compare(found, sides, kinds) if len(found) > 1 else ([], [])
    is_open = item.state == "open"
    return ReviewDetail(
        *review_fields(item, named),
        sides=sides,
        agrees=agrees,
        differs=differs,
        trace=await _trace(call, found),
        yes=await consequence(call, _answer(call, item, accept=True)) if is_open else None,
        no=await consequence(call, _answer(call, item, accept=False)) if is_open else None,
        undo=await consequence(call, UndoAnswer(call.caller, item.review_id, ""))
        if is_answered(item)
        else None,
        suggestion=await _suggestion(services, item, found),
    )


def _answer(call: Call[Query], item: ReviewItem, *, accept: bool) -> AnswerReview:
    return AnswerReview(call.caller, item.review_id, accept, "")


async def _overviews(services: Services, item: ReviewItem) -> list[ProfileOverview]:
    """The live profiles of the question, each once."""
    leads = [await survivor_of(services.store, one) for one in (item.profile_a, item.profile_b)]
    loaded = [await load(services.store, one, MOST) for one in dict.fromkeys(leads) if one is not None]
    return [overview for overview in loaded if overview is not None]


async def _side(services: Services, overview: ProfileOverview, named: Mapping[int, str]) -> SideView:
    attributes, values = await values_of(services, overview)
    spaces = {record.id_space for record in overview.records}
    seen = [one.last_seen for record in overview.records for one in record.observations.values()]
    person = named.get(overview.profile_id) or show("prf", overview.profile_id)
    return SideView(
        person,
        profile_view(overview, person),
        [channel.name for channel in services.config.channels if channel.id_space in spaces],
        attributes,
        values,
        await tags_of(services.store, overview.profile_id),
        shown_or_none(max(seen, default=None)),
    )


async def _suggestion(
    services: Services, item: ReviewItem, found: list[ProfileOverview]
) -> SuggestionView | None:
    sides = [[record.record_id for record in overview.records] for overview in found]
    between = (sides[0], sides[1]) if len(sides) > 1 else ((), ())
    suggestion = await suggestion_between(services.store, item.review_id, between)
    return None if suggestion is None else suggestion_view(suggestion)


async def _trace(call: Call[Query], found: list[ProfileOverview]) -> PairView | None:
    if len(found) < 2:
        return None
    one, other = (overview.profile_id for overview in found)
    return await pair_view(call.services, ExplainPair(one, other))


def _compare(
    found: list[ProfileOverview], sides: list[SideView], kinds: Kinds
) -> tuple[list[ComparedValue], list[ComparedValue]]:
    one, other = (
        {**_identifiers(overview), **_said(side)} for overview, side in zip(found, sides, strict=True)
    )
    agrees: list[ComparedValue] = []
    differs: list[ComparedValue] = []
    for what in (name for name in one if name in other):
        attribute = what.removeprefix(_ATTRIBUTE)
        kind = kind_of(attribute, kinds) if attribute != what else "code"
        likeness = _nearest(kind, one[what], other[what])
        agree = likeness.reaches(USUAL[kind])
        (agrees if agree else differs).append(ComparedValue(what, one[what], other[what], *likeness))
    return agrees, differs


def _nearest(kind: AttributeKind, ours: list[Any], theirs: list[Any]) -> Verdict:
    if any(value in theirs for value in ours):
        return EQUAL
    texts = [[one for one in side if isinstance(one, str)][:_MOST_COMPARED] for side in (ours, theirs)]
    found = nearest([compare_values(kind, *pair) for pair in product(*texts)])
    return DIFFERENT if found == MISSING else found


def _identifiers(overview: ProfileOverview) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for kind, value in sorted(_held(overview)):
        found.setdefault(kind, []).append(value)
    return found


def _held(overview: ProfileOverview) -> set[Identifier]:
    return {
        identifier
        for record in overview.records
        for identifier, seen in record.observations.items()
        if not seen.retired
    }


def _said(side: SideView) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for one in side.values:
        values = found.setdefault(f"{_ATTRIBUTE}{one.name}", [])
        if one.value not in values:
            values.append(one.value)
    return found


OPERATIONS = (
    Operation(
        method="GET",
        path="/reviews/{id}",
        handler=show_review,
        role="viewer",
        summary="One question with both sides, what agrees and what differs, and what would follow from yes and from no",
        answer=ReviewDetail,
    ),
)
