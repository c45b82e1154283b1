"""Deliveries: what is on its way to the platform and to webhooks."""

from aiohttp import web

from gateway.http.admin.deliveries import (
    DeliveryQuery,
    discard_delivery,
    list_deliveries,
    retry_delivery,
    show_delivery,
)
from gateway.http.console import bulk
from gateway.http.console.visit import NO_QUERY, Visit, go

_STATES = ("pending", "sending", "unknown", "held", "delivered", "dead", "discarded")
_STUCK = frozenset({"dead", "held"})
"""An operator may send such a delivery again or give it up."""


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
        states=_STATES,
        stuck=_STUCK,
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
        stuck=_STUCK,
    )


async def retry_one_delivery(visit: Visit) -> web.Response:
    outcome = await visit.ask(retry_delivery, NO_QUERY)
    return go(f"/console/deliveries/{outcome.id}", "retried" if outcome.changed else "unchanged")


async def discard_one_delivery(visit: Visit) -> web.Response:
    await visit.confirm(discard_delivery, visit.request.match_info["id"])
    outcome = await visit.ask(discard_delivery, NO_QUERY)
    return go(f"/console/deliveries/{outcome.id}", "discarded" if outcome.changed else "unchanged")
