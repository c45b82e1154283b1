"""Achievements and deliveries: what channels reported, and what is on its way to other systems."""

from aiohttp import web

from gateway.http.admin.achievements import AchievementQuery, list_achievements, retry_achievement
from gateway.http.admin.campaigns import CampaignQuery, list_campaigns
from gateway.http.admin.deliveries import (
    DeliveryQuery,
    discard_delivery,
    list_deliveries,
    retry_delivery,
    show_delivery,
)
from gateway.http.console import bulk
from gateway.http.console.visit import NO_QUERY, Visit, go

_ACHIEVED = ("accepted", "granted", "ignored", "failed", "queued", "delivered", "dead")
_RETRIED = frozenset({"ignored", "failed", "dead"})
_SENT = ("pending", "sending", "unknown", "held", "delivered", "dead", "discarded")
STUCK = frozenset({"dead", "held"})
"""States of a delivery in which an operator may send it again or give it up."""


async def show_achievements(visit: Visit) -> web.Response:
    page, wrong = await visit.look_up(list_achievements, AchievementQuery)
    return visit.page(
        "achievements.html",
        section="achievements",
        title=visit.text("achievements", "title"),
        json="/achievements",
        page=page,
        wrong=wrong,
        states=_ACHIEVED,
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


async def show_deliveries(visit: Visit) -> web.Response:
    page, wrong = await visit.look_up(list_deliveries, DeliveryQuery)
    webhooks = (f"webhook:{webhook.name}" for webhook in visit.services.config.webhooks)
    return visit.page(
        "deliveries.html",
        section="deliveries",
        title=visit.text("deliveries", "title"),
        json="/deliveries",
        page=page,
        wrong=wrong,
        states=_SENT,
        stuck=STUCK,
        offered=bulk.of_deliveries(visit),
        forwards=visit.services.config.gateway.mode == "forward",
        targets=("upstream", "balances", *webhooks),
    )


async def show_one_delivery(visit: Visit) -> web.Response:
    delivery = await visit.ask(show_delivery, NO_QUERY)
    return visit.page(
        "delivery.html",
        section="deliveries",
        title=delivery.id,
        json=f"/deliveries/{delivery.id}",
        one=delivery,
        stuck=STUCK,
    )


async def retry_one_delivery(visit: Visit) -> web.Response:
    outcome = await visit.ask(retry_delivery, NO_QUERY)
    return go(f"/console/deliveries/{outcome.id}", "retried" if outcome.changed else "unchanged")


async def discard_one_delivery(visit: Visit) -> web.Response:
    await visit.confirm(discard_delivery, visit.request.match_info["id"])
    outcome = await visit.ask(discard_delivery, NO_QUERY)
    return go(f"/console/deliveries/{outcome.id}", "discarded" if outcome.changed else "unchanged")
