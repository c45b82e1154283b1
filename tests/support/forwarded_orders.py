"""Orders that a channel sends through a gateway in forward mode, and the records that they leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.public_api import ask

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


EMAIL = "ann@example.com"


async def order(gateway: RunningGateway, channel: str, customer_id: str, **more: Any) -> Any:
    body = {"customerId": customer_id, "orderId": "o-1", **more}
    return await ask(gateway, "POST", "orders", channel=channel, json=body)


async def records(gateway: RunningGateway) -> set[tuple[object, ...]]:
    return set(await gateway.rows("SELECT id_space, customer_id FROM record"))
