"""Customers for the admin tests, brought in the way that the public listener does: by commands."""

import asyncio

from gateway.http.services import Services
from gateway.ids import show
from gateway.model import Accepted, Achieve, Caller, GrantDue, SaveCustomer, Saved
from rules.identifier import Evidence, Identifier

EMAIL, MOBILE = "ann@shop.example.org", "+201001234567"


def caller(channel: str, request_id: str = "req_test") -> Caller:
    return Caller(channel, channel, f"channel:{channel}", request_id)


def stated(services: Services, kind: str, raw: str) -> Evidence:
    found = services.env.normalizer.normalize(kind, raw, "EG")
    return Evidence(Identifier(kind, found.value), found.status, found.reason)


async def save(
    services: Services, channel: str, customer_id: str, request_id: str = "req_test", **raw: str
) -> str:
    """The profile's id. Every save has a millisecond to itself, so that the last word is the last one's."""
    before = services.clock.now()
    while services.clock.now() == before:  # noqa: ASYNC110 - no more than a millisecond
        await asyncio.sleep(0)
    evidence = tuple(stated(services, kind, text) for kind, text in raw.items())
    command = SaveCustomer(caller(channel, request_id), customer_id, evidence, {"source": channel})
    outcome = await services.pipeline.submit(command)
    assert isinstance(outcome, Saved)
    return show("prf", outcome.resolution.profile_id)


async def one_person(services: Services) -> tuple[str, str]:
    """Web by e-mail, till by mobile, then a call that gives both: the survivor and the absorbed profile."""
    web = await save(services, "web", "web-1", email=EMAIL)
    till = await save(services, "pos", "till-1", mobile=MOBILE)
    survivor = await save(services, "mobile", "app-1", "req_joins", email=EMAIL, mobile=MOBILE)
    return survivor, till if survivor == web else web


async def achieve(services: Services, channel: str, customer_id: str, campaign: int = 11664) -> str:
    """The achievement's id."""
    outcome = await services.pipeline.submit(Achieve(caller(channel, "req_achieves"), customer_id, campaign))
    assert isinstance(outcome, Accepted)
    return show("ach", outcome.achievement_id)


async def grant(services: Services) -> None:
    await services.pipeline.submit_background(GrantDue(100))
