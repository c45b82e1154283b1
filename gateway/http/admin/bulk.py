"""Work on everything that matches a filter, as jobs in the background. A dry run counts what matches, and rehearses the first
steps: the job will make the same ones, unless something else changes in the meantime."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from gateway.errors import Refusal
from gateway.http.admin.achievements import AchievementView, achievement_view
from gateway.http.admin.deliveries import DeliveryView, delivery_view, refuse_unknown_target
from gateway.http.admin.effects import EffectsView, effects_view
from gateway.http.admin.ids_and_names import Reason, channel_named
from gateway.http.admin.jobs import JobView, job_view
from gateway.http.admin.listing import NEWEST, Id, Query
from gateway.http.admin.merge_list import Actor, Channel, ImportId, MergeView, merge_views, wanted_merges
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.reviews import ReviewView, review_views
from gateway.http.admin.times import When, read
from gateway.model import Effects, Filter, JobKind, RehearseJob, StartJob, Step
from gateway.pipeline import Pipeline
from gateway.store.queries.achievements import WantedAchievements, WantedRetries, achievements
from gateway.store.queries.job_targets import count_matching, id_of, matching
from gateway.store.queries.outbox import WantedDeliveries, delivery_of
from gateway.store.queries.reviews import WantedReviews
from gateway.store.queries.window import given

_FIRST = 20
_WHY = Meta(description="why; it is kept in the job and the audit log: name no person")
_RESULTS: dict[str, Literal["done", "refused", "closed"]] = {
    "done": "done",
    "refused": "refused",
    "passed": "closed",
}
Count = Annotated[int, Meta(ge=0, le=NEWEST)]


class Starting(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    expected: Annotated[
        Count | None, Meta(description="`matched` of the dry run; refused if it is another number now")
    ] = None
    dry_run: Annotated[bool, Meta(description="change nothing, and tell what matches")] = False


class UndoingMany(Starting, kw_only=True):
    """At least one filter; all that are given must hold. Only merges that stand are undone."""

    rule: str = ""
    channel: Channel = ""
    actor: Actor = ""
    import_id: ImportId = ""
    since: When = ""
    until: When = ""
    reason: Annotated[Reason, _WHY]


class AnsweringMany(Starting, kw_only=True):
    """At least one filter; all that are given must hold. Only open questions are answered."""

    question: Annotated[str, Meta(description="as `reason` of a review; `points` for all about points")] = ""
    rule: str = ""
    channel: Annotated[str, Meta(description="one of the two is a customer of this channel")] = ""
    since: Annotated[When, Meta(description="opened since")] = ""
    until: Annotated[When, Meta(description="opened before")] = ""
    reason: Annotated[str, Meta(max_length=500), _WHY] = ""


class ChangingDeliveries(Starting, kw_only=True):
    """All filters that are given must hold."""

    state: Literal["dead", "held"]
    target: Annotated[str, Meta(description="upstream, balances, or webhook:NAME", max_length=100)] = ""
    since: Annotated[When, Meta(description="queued since")] = ""
    until: Annotated[When, Meta(description="queued before")] = ""
    reason: Annotated[str, Meta(max_length=500), _WHY] = ""


class RetryingMany(Starting, kw_only=True):
    """All filters that are given must hold."""

    state: Literal["failed", "ignored", "dead"]
    campaign: Id | None = None
    since: Annotated[When, Meta(description="accepted since")] = ""
    until: Annotated[When, Meta(description="accepted before")] = ""
    reason: Annotated[str, Meta(max_length=500), _WHY] = ""


class PlannedStepView(msgspec.Struct, kw_only=True):
    """`outcome`: the job will change it (`done`) or leave it as it is (`refused`, with the code and why), or an answer before it
    closes it (`closed`). None: that depends on the steps before it in a way that a dry run cannot see."""

    outcome: Literal["done", "refused", "closed"] | None
    refused: str | None
    why: str


class PlannedUndoView(PlannedStepView, kw_only=True):
    merge: MergeView


class PlannedAnswerView(PlannedStepView, kw_only=True):
    review: ReviewView


class PlannedDeliveryView(PlannedStepView, kw_only=True):
    delivery: DeliveryView


class PlannedRetryView(PlannedStepView, kw_only=True):
    achievement: AchievementView


class MergesUndoneView(msgspec.Struct):
    """A dry run has the `first` 20, newest first, the `effects` of all of them with an `outcome`, and no job."""

    matched: int
    first: list[PlannedUndoView]
    effects: EffectsView | None
    job: JobView | None


class ReviewsAnsweredView(msgspec.Struct):
    """A dry run has the `first` 20, newest first, the `effects` of all of them with an `outcome`, and no job."""

    matched: int
    first: list[PlannedAnswerView]
    effects: EffectsView | None
    job: JobView | None


class DeliveriesChangedView(msgspec.Struct):
    """A dry run has the `first` 20, newest first, and no job."""

    matched: int
    first: list[PlannedDeliveryView]
    job: JobView | None


class AchievementsRetriedView(msgspec.Struct):
    """A dry run has the `first` 20, newest first, and no job."""

    matched: int
    first: list[PlannedRetryView]
    job: JobView | None


class _Plan(NamedTuple):
    """`first` are the things of `steps`."""

    matched: int
    first: Sequence[Any] = ()
    steps: Sequence[dict[str, Any]] = ()
    effects: EffectsView | None = None
    job: JobView | None = None


async def undo_merges(call: Call[Query]) -> MergesUndoneView:
    asked = await call.body(UndoingMany)
    chosen = given(wanted_merges(call.services, asked, ""))
    if not chosen:
        raise Refusal("bad_body", "give a filter: rule, channel, actor, import_id, since or until")
    plan = await _begun_or_planned(call, "undo_merges", chosen, asked, asked.reason)
    views = await merge_views(call.services, plan.first)
    first = [PlannedUndoView(merge=view, **step) for view, step in zip(views, plan.steps, strict=True)]
    return MergesUndoneView(plan.matched, first, plan.effects, plan.job)


async def accept_reviews(call: Call[Query]) -> ReviewsAnsweredView:
    return await _answer(call, "accept_reviews")


async def reject_reviews(call: Call[Query]) -> ReviewsAnsweredView:
    return await _answer(call, "reject_reviews")


async def _answer(call: Call[Query], kind: JobKind) -> ReviewsAnsweredView:
    asked, services = await call.body(AnsweringMany), call.services
    now = services.clock.now()
    chosen = given(
        WantedReviews(
            reason=asked.question,
            rule=asked.rule,
            id_space=channel_named(services, asked.channel).id_space if asked.channel else "",
            since=read("since", asked.since, now),
            until=read("until", asked.until, now),
        )
    )
    if not chosen:
        raise Refusal("bad_body", "give a filter: question, rule, channel, since or until")
    plan = await _begun_or_planned(call, kind, chosen, asked, asked.reason)
    views = await review_views(services, plan.first)
    first = [PlannedAnswerView(review=view, **step) for view, step in zip(views, plan.steps, strict=True)]
    return ReviewsAnsweredView(plan.matched, first, plan.effects, plan.job)


async def retry_deliveries(call: Call[Query]) -> DeliveriesChangedView:
    return await _change_deliveries(call, "retry_deliveries")


async def discard_deliveries(call: Call[Query]) -> DeliveriesChangedView:
    return await _change_deliveries(call, "discard_deliveries")


async def _change_deliveries(call: Call[Query], kind: JobKind) -> DeliveriesChangedView:
    asked, services = await call.body(ChangingDeliveries), call.services
    now = services.clock.now()
    chosen = given(
        WantedDeliveries(
            state=asked.state,
            target=asked.target,
            since=read("since", asked.since, now),
            until=read("until", asked.until, now),
        )
    )
    plan = await _begun_or_planned(call, kind, chosen, asked, asked.reason)
    if asked.target and not plan.matched:
        refuse_unknown_target(services, asked.target)
    first: list[PlannedDeliveryView] = []
    for thing, step in zip(plan.first, plan.steps, strict=True):
        if (found := await delivery_of(services.store, thing.delivery_id)) is not None:
            first.append(PlannedDeliveryView(delivery=delivery_view(found), **step))
    return DeliveriesChangedView(plan.matched, first, plan.job)


async def retry_achievements(call: Call[Query]) -> AchievementsRetriedView:
    asked, services = await call.body(RetryingMany), call.services
    now = services.clock.now()
    chosen = given(
        WantedRetries(
            state=asked.state,
            campaign_id=asked.campaign,
            since=read("since", asked.since, now),
            until=read("until", asked.until, now),
        )
    )
    plan = await _begun_or_planned(call, "retry_achievements", chosen, asked, asked.reason)
    first: list[PlannedRetryView] = []
    for thing, step in zip(plan.first, plan.steps, strict=True):
        wanted = WantedAchievements(achievement_id=thing.achievement_id)
        found = await achievements(services.store, wanted, NEWEST, 1)
        first += [PlannedRetryView(achievement=achievement_view(one), **step) for one in found]
    return AchievementsRetriedView(plan.matched, first, plan.job)


async def _begun_or_planned(
    call: Call[Query], kind: JobKind, chosen: Filter, asked: Starting, reason: str
) -> _Plan:
    """Raises Refusal unless the caller names the number that matches now."""
    store = call.services.store
    matched, above = await count_matching(store, kind, chosen)
    if asked.dry_run:
        first, _ = await matching(store, kind, chosen, above, _FIRST)
        items = tuple(id_of(kind, one) for one in first)
        command = RehearseJob(call.caller, kind, chosen, reason, items)
        steps, effects = await rehearsed(call.services.pipeline, command)
        return _Plan(matched, first, [_planned(steps.get(item)) for item in items], effects_view(effects))
    if asked.expected is None:
        raise Refusal("bad_body", "expected: is missing; a dry run says how many match")
    if asked.expected != matched:
        raise Refusal("count_changed", f"{matched:,} match now, not {asked.expected:,}; look again")
    job = await call.submit(StartJob(call.caller, kind, chosen, reason, matched, above))
    return _Plan(matched, job=await job_view(call.services, job))


async def rehearsed(pipeline: Pipeline, command: RehearseJob) -> tuple[dict[int, Step], Effects]:
    """The steps by their things, and their effects together. A thing that depends on what an earlier step changed, in a way that
    one transaction cannot see, is left out, and the rest is rehearsed again: its step may have changed something before it
    ended."""
    while True:
        steps, effects = await pipeline.preview(command)
        if len(steps) == len(command.items):
            return dict(zip(command.items, steps, strict=True)), effects
        dependent = command.items[len(steps)]
        others = tuple(item for item in command.items if item != dependent)
        command = msgspec.structs.replace(command, items=others)


def _planned(step: Step | None) -> dict[str, Any]:
    if step is None:
        return {"outcome": None, "refused": None, "why": ""}
    return {"outcome": _RESULTS[step.result], "refused": step.code or None, "why": step.why}


def _operation(path: str, handler: Any, summary: str, body: Any, answer: Any, *refusals: str) -> Operation:
    return Operation(
        method="POST",
        path=path,
        handler=handler,
        role="steward",
        summary=f"{summary} that match a filter, as a job in the background",
        body=body,
        answer=answer,
        refusals=("count_changed", *refusals),
    )


OPERATIONS = (
    _operation(
        "/merges/undo", undo_merges, "Undo all merges", UndoingMany, MergesUndoneView, "unknown_channel"
    ),
    _operation(
        "/reviews/accept",
        accept_reviews,
        "Answer yes to all open questions",
        AnsweringMany,
        ReviewsAnsweredView,
        "unknown_channel",
    ),
    _operation(
        "/reviews/reject",
        reject_reviews,
        "Answer no to all open questions",
        AnsweringMany,
        ReviewsAnsweredView,
        "unknown_channel",
    ),
    _operation(
        "/deliveries/retry",
        retry_deliveries,
        "Send all dead or held deliveries again",
        ChangingDeliveries,
        DeliveriesChangedView,
    ),
    _operation(
        "/deliveries/discard",
        discard_deliveries,
        "Give up all dead or held deliveries",
        ChangingDeliveries,
        DeliveriesChangedView,
    ),
    _operation(
        "/achievements/retry",
        retry_achievements,
        "Retry all failed, ignored or dead achievements",
        RetryingMany,
        AchievementsRetriedView,
    ),
)
