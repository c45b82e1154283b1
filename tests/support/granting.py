"""Accepted achievements, their audience, and their states."""

from pathlib import Path
from typing import Any

from gateway.clock import MINUTE, SECOND
from gateway.config import Audience, Campaign, Tier
from gateway.model import (
    Accepted,
    RetryAchievement,
)
from tests.support.in_process_gateway import (
    FOLLOW,
    InProcessGateway,
    achieve,
    caller,
    environment,
)

ANN, PHONE = "ann@x.eg", "+201001234567"
LOW, HIGH = 20 * SECOND, 180 * SECOND


async def states(core: InProcessGateway) -> list[tuple[Any, ...]]:
    return await core.rows("SELECT state, reason FROM achievement ORDER BY achievement_id")


async def achieved(core: InProcessGateway, who: str = "web:ann", campaign: int = FOLLOW.id) -> Accepted:
    accepted = await core.send(achieve(who, campaign))
    assert isinstance(accepted, Accepted)
    return accepted


# ---- as of when ----


def dated(tmp_path: Path, **dates: Any) -> InProcessGateway:
    """Campaign 1 with these dates, whose grants are due a minute after their reports."""
    return InProcessGateway(
        tmp_path, environment(campaigns=[Campaign(id=1, name="x", **dates)], grant_delay=(MINUTE, MINUTE))
    )


# ---- who ----

TIERS = (Tier(order=1, name="Silver", min_progress=10), Tier(order=2, name="Gold", min_progress=50))


def for_audience(tmp_path: Path, **audience: Any) -> InProcessGateway:
    campaign = Campaign(id=1, name="x", points=1, audience=Audience(**audience))
    score = Campaign(id=2, name="score", score=10, max_achievements=0)
    return InProcessGateway(
        tmp_path, environment(campaigns=[campaign, score], tiers=TIERS, grant_delay=(0, 0))
    )


async def verdict(core: InProcessGateway, who: str = "web:ann") -> str:
    """The reason why campaign 1 is not granted now; empty when it is."""
    await achieved(core, who, 1)
    await core.grant()
    return (await states(core))[-1][1]


# ---- again, by hand ----


def retry(accepted: Accepted) -> RetryAchievement:
    return RetryAchievement(caller("", "req"), accepted.achievement_id)
