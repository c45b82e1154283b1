"""The outbox with its worker, the clock in the test's hand, and a platform that behaves or misbehaves."""

import contextlib
from collections.abc import Callable
from typing import Any

from gateway.clock import MINUTE, SECOND
from gateway.config import Secret, UpstreamSettings
from gateway.model import Accepted
from gateway.telemetry.metrics import Metrics
from gateway.upstream.client import Upstream
from gateway.upstream.deliver import DeliveryWorker
from tests.support.in_process_gateway import (
    FOLLOW,
    InProcessGateway,
    achieve,
)
from tests.support.loyalty_platform import API_KEY, SECRET_KEY, Platform

ANN = "web:ann"
RECONCILE = 10 * MINUTE


class Outbox:
    """A core whose achievements go to a platform; both live by one clock that the test moves."""

    def __init__(self, core: InProcessGateway, platform: Platform, settings: UpstreamSettings) -> None:
        self.core = core
        self.platform = platform
        self.settings = settings
        self.clock = core.clock
        self.metrics = Metrics()

    async def __aenter__(self) -> "Outbox":
        self.upstream = Upstream(self.settings, self.clock, self.core.env.random_between)
        await self.upstream.open()
        self.delivery_worker = self.worker()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.delivery_worker.stop()
        await self.delivery_worker.drain()
        await self.upstream.close()

    def worker(self) -> DeliveryWorker:
        return DeliveryWorker(
            self.core.pipeline,
            self.core.store,
            self.upstream,
            self.settings,
            self.clock,
            lambda low, high: high,
            self.metrics,
        )

    async def work(self, *, after: int = 0, steps: int = 1) -> None:
        """Let `after` pass, then let the worker do what is due, to its end."""
        self.clock.advance(after)
        for _ in range(steps):
            await self.delivery_worker.step()
            await self.delivery_worker.drain()

    async def report(self, who: str = ANN, campaign: int = FOLLOW.id, **said: str) -> int:
        accepted = await self.core.send(achieve(who, campaign, **said))
        assert isinstance(accepted, Accepted)
        return accepted.achievement_id

    async def rows(self, columns: str = "state, reason") -> list[tuple[Any, ...]]:
        return await self.core.rows(f"SELECT {columns} FROM delivery ORDER BY delivery_id")

    async def states(self) -> list[str]:
        return await self.core.column("SELECT state FROM achievement ORDER BY achievement_id")

    def reports(self) -> list[Any]:
        """What arrived at the social-challenges operation."""
        return [seen.json for seen in self.platform.seen if seen.method == "POST"]

    def achieved(self, customer_id: str = "ann", campaign: int = FOLLOW.id) -> int:
        self.platform._grant_due()
        return self.platform.customers[customer_id].achieved[campaign]


def settings(platform: Platform, **changed: Any) -> UpstreamSettings:
    usual: dict[str, Any] = {
        "api_key": Secret(API_KEY),
        "secret_key": Secret(SECRET_KEY),
        "delivery_timeout": 2 * SECOND,
    }
    return UpstreamSettings(base_url=platform.url, **(usual | changed))


@contextlib.contextmanager
def answering(platform: Platform, status: int, body: Any) -> Any:
    """Every report is answered so, and nothing is carried out."""
    honest: Callable[..., Any] = platform._carry_out
    platform._carry_out = lambda call: (status, body)  # type: ignore[method-assign]
    yield
    platform._carry_out = honest  # type: ignore[method-assign]
