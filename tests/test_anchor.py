"""Anchors: what a database held stays provable outside it."""

from __future__ import annotations

import hmac
import json
import os
from base64 import b64encode
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog
from aiohttp import web
from structlog.testing import capture_logs

from gateway.anchor.file import AnchorFile
from gateway.anchor.line import Anchored, read
from gateway.anchor.sink import NotAccepted
from gateway.anchor.webhook import AnchorWebhook
from gateway.anchor.worker import Anchor
from gateway.clock import HOUR, MINUTE
from gateway.config import Secret, Webhook
from gateway.store import Store
from gateway.telemetry.metrics import Metrics
from tests.support.in_process_gateway import InProcessGateway, ManualClock, customer

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start

SECRET = "webhook-secret-0123456789"
UNHEARD = "http://127.0.0.1:9/hook"


def lines(path: Path) -> list[Anchored]:
    return [one for line in path.read_bytes().splitlines() if (one := read(line)) is not None]


def places(anchors: list[Anchored]) -> list[tuple[int, str]]:
    return [(line.checkpoint, line.signature) for line in anchors]


async def signed(store: Store) -> list[tuple[int, str]]:
    rows = await store.fetch("SELECT checkpoint_id, signature FROM audit_checkpoint ORDER BY checkpoint_id")
    return [(number, signature.hex()) for number, signature in rows]


@dataclass
class Receiver:
    """Appends each body to a file, as a line, where it is signed; `refusals` are answered first, one each."""

    path: Path
    url: str = ""
    refusals: list[int] = field(default_factory=list)
    asked: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.refusals:
            return web.Response(status=self.refusals.pop(0), headers={"Retry-After": "60"})
        body, headers = await request.read(), request.headers
        text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = b64encode(hmac.digest(SECRET.encode(), text, "sha256")).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        with self.path.open("ab") as file:
            file.write(body + b"\n")
        return web.Response(status=204)

    @property
    def held(self) -> list[tuple[int, str]]:
        return places(lines(self.path)) if self.path.exists() else []


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncGenerator[Receiver]:
    found = Receiver(tmp_path / "received")
    application = web.Application()
    application.router.add_post("/hook", found.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    found.url = f"http://{host}:{port}/hook"
    yield found
    await runner.cleanup()


@pytest.fixture
async def core(tmp_path: Path) -> AsyncGenerator[InProcessGateway]:
    structlog.reset_defaults()
    async with InProcessGateway(tmp_path) as built:
        await more_signatures(built, 3)
        yield built


async def more_signatures(core: InProcessGateway, count: int) -> None:
    for number in range(count):
        core.clock.advance(HOUR)
        await core.send(customer(f"web:{core.clock.now()}-{number}"))


class Anchoring:
    """An anchor over a gateway's core, stepped by hand."""

    def __init__(self, core: InProcessGateway, url: str) -> None:
        self.url, self.metrics = url, Metrics()
        place = AnchorWebhook("vault", self.webhook, core.store, core.clock, lambda low, high: high)
        self.anchor = Anchor(place, core.store, core.clock, self.metrics)

    def webhook(self) -> Webhook:
        return Webhook("vault", self.url, (), Secret(SECRET), True)

    async def until_idle(self) -> None:
        while await self.anchor.step() == 0:
            pass

    @property
    def lag(self) -> float | None:
        return self.metrics.registry.get_sample_value("gateway_anchor_lag_seconds")


def in_file(path: Path, store: Store, core: InProcessGateway) -> Anchor:
    return Anchor(AnchorFile(path), store, core.clock, Metrics())


# ---- a file ----


async def test_every_signature_is_copied_once_including_the_last(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    for _ in range(2):
        async with start(f'[audit]\nanchor = "file:{path}"\n') as gateway:
            held = await signed(gateway.services.store)
        found = places(lines(path))
        assert held == found[: len(held)]
        assert len(found) == len(set(found))
        assert '"ends":{"' in lines(path)[-1].heads


async def test_a_torn_line_does_not_damage_other_lines(core: InProcessGateway, tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    await in_file(path, core.store, core).step()
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    await in_file(path, core.store, core).step()
    assert set(whole.splitlines()) <= set(path.read_bytes().splitlines())


async def test_a_place_that_cannot_be_written_is_tried_again(core: InProcessGateway, tmp_path: Path) -> None:
    missing = tmp_path / "not mounted"
    anchor = in_file(missing / "anchors", core.store, core)
    assert await anchor.step() > 1
    assert await anchor.reached() == 0
    missing.mkdir()
    assert await anchor.step() == 1
    assert places(lines(missing / "anchors")) == await signed(core.store)


async def test_a_place_that_is_a_pipe_is_refused(core: InProcessGateway, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "anchors")
    sink = AnchorFile(tmp_path / "anchors")
    for _ in range(2):
        with pytest.raises(NotAccepted, match="it is a pipe, not a file"):
            await sink.last()
        with pytest.raises(NotAccepted):
            await sink.take([])


async def test_a_place_with_signatures_of_another_log_has_none_of_this_one(
    core: InProcessGateway, tmp_path: Path
) -> None:
    path = tmp_path / "anchors"
    anchor = in_file(path, core.store, core)
    await anchor.step()
    held = await signed(core.store)
    assert await anchor.reached() == held[-1][0]
    path.write_bytes(path.read_bytes().replace(held[-1][1].encode(), b"ab" * 32))
    assert await anchor.reached() == 0
    (tmp_path / "directory").mkdir()
    assert await in_file(tmp_path / "directory", core.store, core).reached() == 0


# ---- a webhook ----


async def test_a_webhook_is_sent_each_signature_once_and_in_order(
    core: InProcessGateway, receiver: Receiver
) -> None:
    await Anchoring(core, receiver.url).until_idle()
    await more_signatures(core, 2)
    after_a_restart = Anchoring(core, receiver.url)
    await after_a_restart.until_idle()
    assert receiver.held == await signed(core.store)
    assert len(receiver.held) >= 5
    assert receiver.asked == len(receiver.held)
    body = json.loads(receiver.path.read_bytes().splitlines()[0])
    assert set(body) == {"type", "timestamp", "data"}
    assert body["type"] == "audit.checkpoint"
    assert set(body["data"]) == {"checkpoint", "at", "heads", "signature"}


async def test_a_refused_signature_is_sent_again_before_later_ones(
    core: InProcessGateway, receiver: Receiver
) -> None:
    anchoring = Anchoring(core, receiver.url)
    receiver.refusals = [500, 503]
    assert [await anchoring.anchor.step() for _ in range(2)] == [60, 60]
    assert receiver.held == []
    await anchoring.until_idle()
    assert receiver.held == await signed(core.store)


async def test_a_listener_that_refuses_half_way_keeps_what_it_took(
    core: InProcessGateway, receiver: Receiver
) -> None:
    anchoring = Anchoring(core, receiver.url)
    await anchoring.until_idle()
    taken = receiver.held
    await more_signatures(core, 1)
    receiver.refusals = [410]
    await anchoring.anchor.step()
    assert receiver.held == taken
    assert await anchoring.anchor.reached() == taken[-1][0]
    await anchoring.until_idle()
    assert receiver.held == await signed(core.store)
    assert receiver.asked == len(receiver.held) + 1
    assert await anchoring.anchor.reached() == receiver.held[-1][0]


async def test_an_outage_is_logged_once_counted_and_after_a_while_a_warning(
    core: InProcessGateway, receiver: Receiver
) -> None:
    anchoring = Anchoring(core, receiver.url)
    await anchoring.until_idle()
    anchoring.url = UNHEARD
    await more_signatures(core, 1)
    with capture_logs() as logs:
        await anchoring.anchor.step()
        core.clock.advance(9 * MINUTE)
        await anchoring.anchor.step()
        assert anchoring.anchor.warnings == ()
        core.clock.advance(MINUTE)
        await anchoring.anchor.step()
        (warning,) = anchoring.anchor.warnings
        assert "webhook:vault does not take them (no_connection)" in warning
        assert anchoring.lag == 10 * 60
        anchoring.url = receiver.url
        await anchoring.until_idle()
    assert anchoring.anchor.warnings == ()
    assert anchoring.lag == 0
    assert [line["event"] for line in logs] == ["anchor_not_taken", "anchor_taken_again"]
    assert receiver.held == await signed(core.store)


async def test_a_database_that_was_put_back_is_sent_whole(core: InProcessGateway, receiver: Receiver) -> None:
    """The listener then has what both of its lives held."""
    anchoring = Anchoring(core, receiver.url)
    await anchoring.until_idle()
    before = receiver.held
    await core.store.rotate_secret("operator:ann")
    await more_signatures(core, 2)
    with capture_logs() as logs:
        await anchoring.until_idle()
    assert [line["event"] for line in logs] == ["anchor_differs"]
    assert receiver.held == [*before, *await signed(core.store)]


async def test_a_gateway_copies_its_signatures_including_the_last_and_follows_a_reload(
    start: Start, receiver: Receiver
) -> None:
    def extra(url: str) -> str:
        return (
            '[audit]\nanchor = "webhook:vault"\n[[webhook]]\nname = "vault"\nevents = []\nallow_private = true\n'
            f'url = "{url}"\nsecret = "{SECRET}"\n'
        )

    async with start(extra(UNHEARD)) as gateway:
        await gateway.reload(extra(receiver.url))
        held = await signed(gateway.services.store)
    assert receiver.held[: len(held)] == held
    assert '"ends":{"' in lines(receiver.path)[-1].heads


async def test_readiness_reports_unanchored_signatures(gateway: RunningGateway) -> None:
    async with gateway.client.get(f"{gateway.admin_url}/readyz") as answer:
        assert await answer.json() == {"status": "ready"}
    services, later = gateway.services, ManualClock(gateway.services.clock.now() + HOUR)
    webhook = Webhook("vault", UNHEARD, (), Secret(SECRET), True)
    place = AnchorWebhook("vault", lambda: webhook, services.store, later, lambda low, high: high)
    services.anchor = Anchor(place, services.store, later, Metrics())
    await services.anchor.step()
    async with gateway.client.get(f"{gateway.admin_url}/readyz") as answer:
        assert answer.status == 200
        assert await answer.json() == {
            "status": "degraded",
            "warnings": list(services.anchor.warnings),
        }
    assert services.anchor.warnings
