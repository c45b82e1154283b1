"""The whole shop. Its past is played through a real gateway, which then serves the result."""

import contextlib
import socket
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import NamedTuple

import aiohttp

from gateway.app.broken_store import exit_at_once
from gateway.app.opening import running
from gateway.app.serving import listening
from gateway.clock import DAY
from gateway.config import Config, load
from gateway.demo.channel_calls import ChannelCalls
from gateway.demo.clock import ShopClock
from gateway.demo.crm import listening_crm
from gateway.demo.settings import Keys, Ports, write_settings
from gateway.demo.staff import Operator, Staff
from gateway.demo.visits import BROKEN_FOR, BROKEN_FROM, HISTORY, visits
from gateway.http.services import Services
from gateway.telemetry.telemetry import Telemetry

_IMPORTED = 20 * DAY
_CRM_SINCE = 2 * DAY
_ONE_OF_ANSWERED = 200
_TIMEOUT = aiohttp.ClientTimeout(total=120)


class Shop(NamedTuple):
    """A shop that is open."""

    public_url: str
    admin_url: str
    config: Path
    operators: list[Operator]


class _Gateway(NamedTuple):
    services: Services
    public_url: str
    admin_url: str


class ShopRun:
    """`served` is told of each of `visits`; `on_death` of a gateway that ends by itself."""

    def __init__(self, directory: Path, people: int, seed: int, on_death: Callable[[str], None]) -> None:
        self.visits = visits(people, seed)
        self._directory, self._people, self._seed, self._on_death = directory, people, seed, on_death
        self._end = time.time_ns() // 1_000_000
        self._clock = ShopClock(self._end - HISTORY)
        self._keys = Keys.new()
        self._next = 0

    @contextlib.asynccontextmanager
    async def open(self, served: Callable[[], None]) -> AsyncGenerator[Shop]:
        """Play the past, and keep serving."""
        async with listening_crm() as crm:
            ports = Ports(_free_port(), _free_port(), crm)
            config = write_settings(self._directory, ports, self._keys, with_webhook=False)
            async with self._gateway(config) as gateway, self._sessions(gateway) as (calls, admin):
                staff = Staff(admin, gateway.services.admin_token)
                await self._until_the_crm(staff, self._counters(gateway, calls), served)
            write_settings(self._directory, ports, self._keys, with_webhook=True)
            async with self._gateway(config) as gateway, self._sessions(gateway) as (calls, admin):
                staff.at(admin)
                await self._until_now(staff, self._counters(gateway, calls), served)
                await gateway.services.activity.store_counts()
                yield Shop(gateway.public_url, gateway.admin_url, config, staff.operators)

    async def _until_the_crm(self, staff: Staff, counters: ChannelCalls, served: Callable[[], None]) -> None:
        await staff.hire()
        await staff.list_own_numbers()
        await self._play_until(_IMPORTED, counters, served)
        await staff.import_old_cards(self._people, self._seed)
        await self._play_until(BROKEN_FROM, counters, served)
        await staff.break_rules()
        await self._play_until(BROKEN_FROM - BROKEN_FOR, counters, served)
        await staff.roll_back()
        await self._play_until(_CRM_SINCE, counters, served)

    async def _until_now(self, staff: Staff, counters: ChannelCalls, served: Callable[[], None]) -> None:
        await self._play_until(0, counters, served)
        self._clock.catch_up()
        await staff.answer_some(self._people // _ONE_OF_ANSWERED)
        await staff.all_is_sent()

    async def _play_until(self, ago: int, counters: ChannelCalls, served: Callable[[], None]) -> None:
        """The next visits, up to `ago` before the end; it is that time when they are over."""
        first = self._next
        while self._next < len(self.visits) and self.visits[self._next].ago > ago:
            self._next += 1
        await counters.serve(self.visits[first : self._next], served)
        self._clock.go_to(self._end - ago)

    def _counters(self, gateway: _Gateway, session: aiohttp.ClientSession) -> ChannelCalls:
        return ChannelCalls(gateway.services, session, self._keys.channels, self._clock, self._end)

    @contextlib.asynccontextmanager
    async def _gateway(self, path: Path) -> AsyncGenerator[_Gateway]:
        config: Config = load(path, {})
        telemetry = Telemetry(level=config.log.level, path=config.log.file, log_requests=False)
        try:
            async with (
                running(
                    config, telemetry=telemetry, on_broken=exit_at_once, clock=self._clock.clock
                ) as services,
                listening(services, on_death=self._on_death) as (public_url, admin_url),
            ):
                yield _Gateway(services, public_url, admin_url)
        finally:
            telemetry.close()

    @contextlib.asynccontextmanager
    async def _sessions(
        self, gateway: _Gateway
    ) -> AsyncGenerator[tuple[aiohttp.ClientSession, aiohttp.ClientSession]]:
        async with (
            aiohttp.ClientSession(gateway.public_url, timeout=_TIMEOUT) as calls,
            aiohttp.ClientSession(gateway.admin_url, timeout=_TIMEOUT) as admin,
        ):
            yield calls, admin


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
