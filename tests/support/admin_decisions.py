"""Operators' decisions over the admin API: two customers, a merge of them, and a question about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.admin_api import WHY, ask
from tests.support.people import EMAIL, MOBILE, save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


async def two(gateway: RunningGateway) -> tuple[str, str]:
    """Ann at the web, known by e-mail, and a till customer known by mobile."""
    web = await save(gateway.services, "web", "web-1", email=EMAIL)
    return web, await save(gateway.services, "pos", "till-1", mobile=MOBILE)


async def records(gateway: RunningGateway, profile: str) -> list[str]:
    return [record["id"] for record in (await ask(gateway, "GET", f"profiles/{profile}"))["records"]]


async def merge(gateway: RunningGateway, *profiles: str) -> Any:
    return await ask(gateway, "POST", "merges", body={"profiles": profiles, **WHY})


async def doubt(gateway: RunningGateway) -> tuple[str, list[str]]:
    """Two profiles that share an address and differ in their numbers, and the question about them."""
    ann = await save(gateway.services, "web", "ann", email=EMAIL, mobile="01001234567")
    bob = await save(gateway.services, "web", "bob", email=EMAIL, mobile="01007654321")
    (review,) = (await ask(gateway, "GET", "reviews?state=open"))["items"]
    return review["id"], [ann, bob]
