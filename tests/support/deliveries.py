"""One worker's steps on a delivery, and what is stored of them."""

from typing import Any

from gateway.clock import HOUR
from gateway.model import (
    Accepted,
    Caller,
    ClaimDeliveries,
    Claimed,
    Delivery,
    FinishDelivery,
    MarkSending,
)
from tests.support.in_process_gateway import (
    FOLLOW,
    InProcessGateway,
    achieve,
)

SAM = Caller("", "", "operator:sam", "req_sam")
PROFILE = 7
FAR = 72 * HOUR


async def achieved(
    core: InProcessGateway, who: str = "web:ann", campaign: int = FOLLOW.id, **said: str
) -> int:
    accepted = await core.send(achieve(who, campaign, **said))
    assert isinstance(accepted, Accepted)
    return accepted.achievement_id


async def claim(
    core: InProcessGateway, owner: str = "one", limit: int = 20, target: str = "upstream"
) -> list[Delivery]:
    claimed = await core.send(ClaimDeliveries(target, owner, limit))
    assert isinstance(claimed, Claimed)
    return list(claimed.deliveries)


async def claim_one(core: InProcessGateway, owner: str = "one") -> Delivery:
    (delivery,) = await claim(core, owner)
    return delivery


async def mark(core: InProcessGateway, delivery: Delivery) -> Any:
    return await core.send(MarkSending(delivery.delivery_id, delivery.epoch, PROFILE))


async def finish(
    core: InProcessGateway,
    delivery: Delivery,
    result: Any,
    due_in: int | None = 0,
    reason: str = "",
    status: int = 0,
) -> Any:
    due_at = None if due_in is None else core.clock.now() + due_in
    return await core.send(
        FinishDelivery(delivery.delivery_id, delivery.epoch, result, due_at, status, reason)
    )


async def rows(core: InProcessGateway, columns: str = "state, reason") -> list[tuple[Any, ...]]:
    return await core.rows(f"SELECT {columns} FROM delivery ORDER BY delivery_id")


async def achievements(core: InProcessGateway) -> list[tuple[Any, ...]]:
    return await core.rows("SELECT state, reason FROM achievement ORDER BY achievement_id")
