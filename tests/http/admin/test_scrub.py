"""The database written anew for what was erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.people import save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


async def test_a_scrub_keeps_everything_and_is_in_the_log(gateway: RunningGateway) -> None:
    await save(gateway.services, "web", "ann", email="ann@x.eg")
    async with gateway.admin("POST", "scrub") as answer:
        assert answer.status == 200
        left = (await answer.json())["left"]
    assert all("write-ahead log" in place for place in left)
    assert await gateway.rows("SELECT customer_id FROM record") == [("ann",)]
    async with gateway.admin("GET", "audit?action=database.scrubbed") as answer:
        (event,) = (await answer.json())["items"]
    assert event["detail"] == {"left": len(left), "source": "operator"}
    async with gateway.admin("GET", "audit/verify") as answer:
        assert (await answer.json())["ok"]
