"""Webhooks to other systems, over real sockets: signed, in order, repeated, and never to a private address."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.clock import DAY, HOUR, SECOND
from gateway.telemetry.metrics import Metrics
from gateway.upstream.outbox import Outbox
from gateway.upstream.webhook_receiver import signed, signing_key
from gateway.upstream.webhooks import RemovedWebhookWorker
from tests.support.certificates import loopback_certificate
from tests.support.in_process_gateway import NOON, InProcessGateway, customer, environment
from tests.support.webhook_listener import TOPIC, Listener, Sending, listening, states


@pytest.fixture
async def core(tmp_path: Path) -> AsyncGenerator[InProcessGateway]:
    async with InProcessGateway(tmp_path, environment(subscribers={TOPIC: ("crm",)})) as built:
        yield built


def removed_worker(core: InProcessGateway, configured: str) -> RemovedWebhookWorker:
    def outbox_of(target: str) -> Outbox:
        return Outbox(target, "me", core.store, core.pipeline, core.clock, core.env.random_between, Metrics())

    return RemovedWebhookWorker(lambda: [configured], core.store, outbox_of, core.clock)


async def test_a_due_event_is_sent_signed_and_finished(core: InProcessGateway, listener: Listener) -> None:
    await core.send(customer("web:ann"))
    sending = Sending(core, listener.url)
    async with sending as worker:
        assert await worker.step() == 0
        assert (await listener.next())["type"] == TOPIC
        assert await states(core) == [("delivered", "", 200, 1)]
        assert await worker.step() > 0
    count, labels = (
        sending.metrics.registry.get_sample_value,
        {"target": "webhook:crm", "outcome": "delivered"},
    )
    assert count("gateway_delivery_attempts_total", labels) == 1
    assert listener.heard.empty()


async def test_the_three_headers_are_those_of_the_standard() -> None:
    """The example of the Standard Webhooks specification."""
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed(b'{"test": 2432232314}', key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330)
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert signing_key("plain text, no prefix") == b"plain text, no prefix"


class _Broken(AbstractResolver):
    """Fails with an unforeseen error."""

    async def resolve(self, *_: object, **__: object) -> list[ResolveResult]:
        raise ZeroDivisionError

    async def close(self) -> None: ...


async def test_an_internal_error_counts_as_an_attempt_and_stops_no_other_delivery(
    core: InProcessGateway,
) -> None:
    await core.send(customer("web:ann"))
    async with Sending(core, "http://hook.example.com/", resolver=_Broken()) as worker:
        await worker.step()
    assert await states(core) == [("pending", "failed", 0, 1)]


async def test_a_refused_event_is_sent_again_with_the_same_id(
    core: InProcessGateway, listener: Listener
) -> None:
    listener.answers = [
        web.Response(status=500),
        web.Response(status=302, headers={"Location": "/elsewhere"}),
    ]
    await core.send(customer("web:ann"))
    ids: list[str] = []
    async with Sending(core, listener.url) as worker:
        for wait in (0, 2, 4):
            core.clock.advance(wait * SECOND)
            assert await worker.step() == 0
            assert await worker.step() > 0
            headers, _ = listener.heard.get_nowait()
            ids.append(headers["webhook-id"])
            assert int(headers["webhook-timestamp"]) == core.clock.now() // SECOND
    assert len(set(ids)) == 1
    assert listener.heard.empty()  # the redirect was not followed
    assert await states(core) == [("delivered", "", 200, 3)]


async def test_retry_after_is_obeyed(core: InProcessGateway, listener: Listener) -> None:
    listener.answers = [web.Response(status=429, headers={"Retry-After": "60"})]
    await core.send(customer("web:ann"))
    async with Sending(core, listener.url) as worker:
        await worker.step()
        core.clock.advance(59 * SECOND)
        assert await worker.step() > 0
        core.clock.advance(SECOND)
        assert await worker.step() == 0
    assert await states(core) == [("delivered", "", 200, 2)]


async def test_an_event_is_given_up_after_three_days(core: InProcessGateway, listener: Listener) -> None:
    listener.answers = [web.Response(status=503) for _ in range(400)]
    await core.send(customer("web:ann"))
    async with Sending(core, listener.url) as worker:
        while (await core.column("SELECT finished_at FROM delivery")) == [None]:
            core.clock.advance(15 * 60 * SECOND)
            await worker.step()
    assert (await states(core))[0][:3] == ("dead", "gave_up", 503)
    assert core.clock.now() - NOON >= 3 * DAY - HOUR


async def test_a_listener_that_answers_410_is_not_called_again(
    core: InProcessGateway, listener: Listener
) -> None:
    listener.answers = [web.Response(status=410)]
    await core.send(customer("web:ann"))
    async with Sending(core, listener.url) as worker:
        await worker.step()
    assert await states(core) == [("dead", "status_410", 410, 1)]
    assert (await core.actions())[-1] == "delivery.dead"


async def test_an_absent_listener_is_tried_again_later(core: InProcessGateway) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    await core.send(customer("web:ann"))
    async with Sending(core, f"http://127.0.0.1:{port}/") as worker:
        await worker.step()
    assert await states(core) == [("pending", "no_connection", 0, 1)]


@pytest.mark.parametrize("hours", [9, -1])
async def test_the_end_of_a_listeners_certificate_is_known_before_it_comes_and_a_reason_afterwards(
    core: InProcessGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    ends_at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours)
    certificate = loopback_certificate(tmp_path, ends_at)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    await core.send(customer("web:ann"))
    async with listening(tls) as listener:
        sending = Sending(core, listener.url)
        async with sending as worker:
            await worker.step()
            noted = _certificate_end(sending.metrics)
    valid = hours > 0
    assert noted == (ends_at.timestamp() if valid else None)
    assert await states(core) == [("delivered", "", 200, 1) if valid else ("pending", "certificate", 0, 1)]
    assert _certificate_end(sending.metrics) is None  # alerts would go on about a webhook that is no more


def _certificate_end(metrics: Metrics) -> float | None:
    name = "gateway_certificate_expiry_timestamp_seconds"
    return metrics.registry.get_sample_value(name, {"target": "webhook:crm"})


async def test_events_of_one_profile_arrive_in_order_and_wait_for_each_other(
    core: InProcessGateway, listener: Listener
) -> None:
    """The first of Ann's is refused: her second waits for it, Bob's does not."""
    for who in ("web:ann", "web:bob"):
        await core.send(customer(who))
    ann = await core.profile_of("web:ann")
    await core.store.run(_Again(ann or 0))
    listener.answers = [web.Response(status=500), web.Response(status=200)]
    async with Sending(core, listener.url) as worker:
        await worker.step()
        first_round = sorted([await listener.next(), await listener.next()], key=str)
        assert all(body["type"] == TOPIC for body in first_round)
        assert await worker.step() > 0  # Ann's second does not overtake
        core.clock.advance(HOUR)
        await worker.step()
        await worker.step()
    bodies = [json.loads(listener.heard.get_nowait()[1]) for _ in range(2)]
    assert bodies[0]["type"] == TOPIC
    assert bodies[1] == {"second": True}


class _Again:
    """One more event of a profile."""

    def __init__(self, profile_id: int) -> None:
        self.profile_id = profile_id

    def wants(self, ws: Any) -> None:
        pass

    def process(self, ws: Any) -> None:
        ws.queue("webhook:crm", self.profile_id, "event", 1, '{"second":true}', give_up_after=DAY)


async def test_an_invalid_host_name_is_tried_again_like_an_unreachable_one(
    core: InProcessGateway,
) -> None:
    await core.send(customer("web:ann"))
    async with Sending(core, f"http://{'a' * 70}.example/") as worker:
        await worker.step()
    ((state, _, status, attempts),) = await states(core)
    assert (state, status, attempts) == ("pending", 0, 1)


async def test_events_for_a_listener_removed_from_the_settings_end_after_three_days(
    core: InProcessGateway,
) -> None:
    removed = removed_worker(core, "mail")
    await core.send(customer("web:ann"))
    await removed.step()
    assert await states(core) == [("pending", "", 0, 0)]
    core.clock.advance(2 * DAY)
    await core.send(customer("web:bob"))
    core.clock.advance(2 * DAY)
    await removed.step()
    assert await states(core) == [("dead", "gave_up", 0, 0), ("pending", "", 0, 0)]
    core.clock.advance(3 * DAY)
    served = removed_worker(core, "crm")
    await served.step()  # its own worker gives it up
    assert (await states(core))[1] == ("pending", "", 0, 0)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"]
)
async def test_however_a_private_address_is_written_nothing_is_sent_there(
    core: InProcessGateway, listener: Listener, host: str
) -> None:
    await core.send(customer("web:ann"))
    url = listener.url.replace("127.0.0.1", host)
    async with Sending(core, url, allow_private=False) as worker:
        await worker.step()
    ((state, reason, status, _),) = await states(core)
    assert (state, status) == ("pending", 0)
    assert reason in (
        "private_address",
        "malformed",
    )  # the latter for what is no address at all to the HTTP client
    assert listener.heard.empty()


class Flipping(AbstractResolver):
    """A name server that answers with a public address first and with loopback from then on."""

    def __init__(self) -> None:
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        self.asked += 1
        address = "127.0.0.1" if self.asked > 1 else "9.9.9.9"
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
        ]

    async def close(self) -> None:
        pass


async def test_a_host_name_that_resolves_differently_later_is_not_followed(
    core: InProcessGateway, listener: Listener
) -> None:
    await core.send(customer("web:ann"))
    names = Flipping()
    await names.resolve("evil.example", 0)
    url = listener.url.replace("127.0.0.1", "evil.example")
    async with Sending(core, url, allow_private=False, resolver=names) as worker:
        await worker.step()
        assert names.asked == 2  # asked once for each try, and what was answered is what is connected to
    assert await states(core) == [("pending", "private_address", 0, 1)]
    assert listener.heard.empty()
