"""Accepted achievements: their states, and another attempt for those that were ignored, failed or not delivered."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.errors import Refusal
from gateway.http.admin import times
from gateway.http.admin.listing import NEWEST, Id, ListQuery, Page, Query, page, read_cursor, refuse_unknown
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.times import Time, When, shown, shown_or_none
from gateway.ids import earliest, read, show
from gateway.model import RetryAchievement
from gateway.store.queries import achievements as queries
from gateway.store.queries.achievements import PlacedAchievement, WantedAchievements
from gateway.store.queries.profiles import survivor_of


class AchievementQuery(ListQuery, kw_only=True):
    state: Literal["", "accepted", "granted", "ignored", "failed", "queued", "delivered", "dead"] = ""
    profile: Annotated[str, Meta(description="prf_…; an absorbed id means its survivor")] = ""
    campaign: Id | None = None
    since: Annotated[When, Meta(description="accepted since")] = ""
    until: Annotated[When, Meta(description="accepted before")] = ""


class AchievementView(msgspec.Struct):
    """`profile` is the present owner, None after an erasure. `points`, `score` and `coupon_code` are what was granted."""

    id: str
    state: str
    reason: str
    profile: str | None
    record: str
    campaign: int
    channel: str
    request_id: str
    accepted_at: Time
    due_at: Time
    decided_at: Time | None
    points: int
    score: int
    coupon_code: str


class Changed(msgspec.Struct):
    """`changed` is False if everything was already as requested."""

    id: str
    changed: bool


async def list_achievements(call: Call[AchievementQuery]) -> Page[AchievementView]:
    query, store = call.query, call.services.store
    now = call.services.clock.now()
    until = times.read("until", query.until, now)
    wanted = WantedAchievements(
        state=query.state, campaign_id=query.campaign, since=times.read("since", query.since, now)
    )
    if query.profile:
        number = read("prf", query.profile)
        if number is None:
            raise Refusal(
                "bad_parameter", "profile: is not a profile id; write prf_ and 16 hexadecimal digits"
            )
        wanted.profile_id = await survivor_of(store, number)
        if wanted.profile_id is None:
            raise Refusal("not_found", "profile: there is no such profile, or it was erased")
    before = read_cursor(query.cursor, Id, NEWEST)
    before = before if until is None else min(before, earliest(until))
    found = await queries.achievements(store, wanted, before, query.limit + 1)
    if not found and query.campaign is not None and query.campaign not in call.services.env.campaigns:
        refuse_unknown("campaign", str(query.campaign), map(str, call.services.env.campaigns))
    return page(found, query.limit, achievement_view, lambda one: one.achievement.achievement_id)


async def show_achievement(call: Call[Query]) -> AchievementView:
    wanted = WantedAchievements(achievement_id=call.id("ach"))
    found = await queries.achievements(call.services.store, wanted, NEWEST, 1)
    if not found:
        raise Refusal("not_found", "there is no such achievement")
    return achievement_view(found[0])


async def retry_achievement(call: Call[Query]) -> Changed:
    number = call.id("ach")
    outcome = await call.submit(RetryAchievement(call.caller, number))
    return Changed(show("ach", number), outcome.changed)


def achievement_view(earned: PlacedAchievement) -> AchievementView:
    one = earned.achievement
    return AchievementView(
        show("ach", one.achievement_id),
        one.state,
        one.reason,
        show("prf", earned.profile_id) if earned.profile_id is not None else None,
        show("rec", one.record_id),
        one.campaign_id,
        one.channel,
        one.request_id,
        shown(one.accepted_at),
        shown(one.due_at),
        shown_or_none(one.decided_at),
        earned.points,
        earned.score,
        earned.coupon_code,
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/achievements",
        handler=list_achievements,
        role="viewer",
        summary="Accepted achievements and their states, newest first",
        query=AchievementQuery,
        answer=Page[AchievementView],
        refusals=("bad_cursor", "not_found"),
    ),
    Operation(
        method="GET",
        path="/achievements/{id}",
        handler=show_achievement,
        role="viewer",
        summary="One achievement with its state, its owner and what it was granted",
        answer=AchievementView,
    ),
    Operation(
        method="POST",
        path="/achievements/{id}/retry",
        handler=retry_achievement,
        role="steward",
        summary="Decide about an ignored or failed achievement again, or report a dead one again, now",
        answer=Changed,
        refusals=("achievement_unknown", "achievement_granted", "achievement_delivered", "delivery_closed"),
    ),
)
