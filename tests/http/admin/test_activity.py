"""What happened by time, as the API and the command tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.admin_api import ask
from tests.support.people import save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


async def test_activity_shows_calls_and_decisions_by_minute_and_by_channel(
    gateway: RunningGateway,
) -> None:
    await save(gateway.services, "pos", "7", email="ann@x.eg")
    async with gateway.call("GET", "configurations/tiers") as response:
        await response.read()
    await gateway.services.activity.store_counts()
    told = await ask(gateway, "GET", "activity?since=1h&step=1h")
    assert sum(bar["created"] for bar in told["items"]) == 1
    assert sum(bar["calls"] for bar in told["items"]) == 1
    web = (await ask(gateway, "GET", "activity?channel=web"))["items"]
    assert [(bar["calls"], bar["created"]) for bar in web] == [(1, 0)]
    assert web[0]["last_call"] is not None


async def test_an_activity_query_that_cannot_be_answered_names_the_remedy(gateway: RunningGateway) -> None:
    for query, remedy in (
        ("step=90s", "whole minutes"),
        ("step=often", "span of time"),
        ("since=2d&step=5m", "such as 1h"),
        ("since=1h&until=2h", "earlier time"),
        ("channel=wbe", "did you mean web?"),
    ):
        assert remedy in (await ask(gateway, "GET", f"activity?{query}", 400))["detail"]
