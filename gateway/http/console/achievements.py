"""Achievements that channels reported, and the campaigns that they belong to."""

from aiohttp import web

from gateway.http.admin.achievements import AchievementQuery, list_achievements, retry_achievement
from gateway.http.admin.campaigns import CampaignQuery, list_campaigns
from gateway.http.console import bulk
from gateway.http.console.visit import NO_QUERY, Visit, go

_STATES = ("accepted", "granted", "ignored", "failed", "queued", "delivered", "dead")
_RETRIED = frozenset({"ignored", "failed", "dead"})


async def show_achievements(visit: Visit) -> web.Response:
    page, wrong = await visit.look_up(list_achievements, AchievementQuery)
    return visit.page(
        "achievements.html",
        section="achievements",
        title=visit.text("achievements", "title"),
        json="/achievements",
        page=page,
        wrong=wrong,
        states=_STATES,
        retried=_RETRIED,
        offered=bulk.of_achievements(visit),
        campaigns={one.id: one.name for one in visit.services.config.campaigns},
    )


async def retry_one_achievement(visit: Visit) -> web.Response:
    outcome = await visit.ask(retry_achievement, NO_QUERY)
    return go("/console/achievements", "retried" if outcome.changed else "unchanged")


async def show_campaigns(visit: Visit) -> web.Response:
    page, wrong = await visit.look_up(list_campaigns, CampaignQuery)
    return visit.page(
        "campaigns.html",
        section="achievements",
        title=visit.text("campaigns", "title"),
        json="/campaigns",
        page=page,
        wrong=wrong,
    )
