"""What a collector of spans learns of calls: one trace from the caller to the platform, and nothing about a person."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from aiohttp import web

from gateway.config import ConfigError
from tests.support.collector import Collector, Received, collecting
from tests.support.forwarding import forwarding

if TYPE_CHECKING:
    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway, Start

ID, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FOLLOWED = {"traceparent": f"00-{ID}-{PARENT}-01"}
NOT_FOLLOWED = {"traceparent": f"00-{ID}-{PARENT}-00"}
ACHIEVE = "customers/social-challenges"


@pytest.fixture
async def collector() -> AsyncGenerator[Collector]:
    async with collecting(Collector()) as running:
        yield running


async def ask(gateway: RunningGateway, method: str, path: str, **options: Any) -> tuple[int, str]:
    """The status and the request id."""
    async with gateway.call(method, path, **options) as answer:
        await answer.read()
        return answer.status, answer.headers["X-Request-Id"]


async def until_stored(gateway: RunningGateway, sql: str) -> None:
    async with asyncio.timeout(20):
        while True:
            if await gateway.rows(sql):
                return
            await asyncio.sleep(0.05)


def sent(header: str) -> tuple[str, str, str]:
    """The trace, the step and the flags of a `traceparent`."""
    _, trace_id, step, flags = header.split("-")
    return trace_id, step, flags


def ids(spans: list[Received]) -> set[str]:
    return {one.span_id for one in spans}


async def test_a_forwarded_call_is_one_trace_from_its_caller_to_the_platform(
    start: Start, platform: Platform, collector: Collector
) -> None:
    platform.limits = False
    async with forwarding(start, platform, more=collector.settings) as gateway:
        status, request_id = await ask(gateway, "GET", "configurations/tiers", headers=FOLLOWED)
    call, step = collector.one(ID, "server"), collector.one(ID, "client")
    assert (call.parent_id, step.parent_id) == (PARENT, call.span_id)
    assert sent(platform.seen[-1].headers["traceparent"]) == (ID, step.span_id, "01")
    assert call.name == step.name == "GET /configurations/tiers"
    assert call.attributes == {
        "http.request.method": "GET",
        "http.route": "/configurations/tiers",
        "http.response.status_code": status,
        "url.scheme": "http",
        "gateway.channel": "web",
        "gateway.request_id": request_id,
    }
    host, _, port = platform.url.removeprefix("http://").partition(":")
    assert step.attributes == {
        "http.request.method": "GET",
        "url.template": "/configurations/tiers",
        "http.response.status_code": 200,
        "server.address": host,
        "server.port": int(port),
    }
    assert call.began <= step.began <= step.ended <= call.ended
    assert (call.flags & 1, call.flags & 0x200, step.flags & 0x200) == (1, 0x200, 0)


async def test_a_commit_is_a_step_of_each_call_in_its_batch(start: Start, collector: Collector) -> None:
    async with start(collector.settings) as gateway:
        await ask(gateway, "POST", "customers", json={"customerId": "ann"}, headers=FOLLOWED)
    call, commit = collector.one(ID, "server"), collector.one(ID, "internal")
    assert (commit.name, commit.parent_id) == ("commit", call.span_id)
    assert commit.attributes == {"gateway.batch.size": 1}
    assert call.attributes["gateway.decision"] == "created"
    assert call.began <= commit.began <= commit.ended <= call.ended


async def test_whoever_begins_a_trace_decides_whether_it_is_followed(
    start: Start, collector: Collector, platform: Platform
) -> None:
    platform.limits = False
    async with forwarding(start, platform, more=collector.settings) as gateway:
        _, unfollowed = await ask(gateway, "GET", "configurations/tiers", headers=NOT_FOLLOWED)
        assert sent(platform.seen[-1].headers["traceparent"])[::2] == (ID, "00")
        _, own = await ask(gateway, "GET", "configurations/tiers", headers={"tracestate": "vendor=1"})
        trace_id, step_id, flags = sent(platform.seen[-1].headers["traceparent"])
        assert "tracestate" not in platform.seen[-1].headers
    assert (flags, collector.one(trace_id, "client").span_id) == ("01", step_id)
    assert collector.one(trace_id, "server").parent_id == ""
    assert {one.attributes.get("gateway.request_id") for one in collector.spans} - {None} == {own}
    assert unfollowed != own


async def test_a_share_of_calls_is_followed_and_the_share_can_change_while_the_gateway_runs(
    start: Start, collector: Collector
) -> None:
    async with start(collector.settings + "sample_ratio = 0\n") as gateway:
        await ask(gateway, "POST", "customers", json={"customerId": "ann"})
        _, named = await ask(gateway, "POST", "customers", json={"customerId": "ann"}, headers=FOLLOWED)
        await gateway.reload(collector.settings + "sample_ratio = 1\n")
        _, later = await ask(gateway, "POST", "customers", json={"customerId": "ann"})
        with pytest.raises(ConfigError, match=r"tracing\.endpoint: cannot change while the gateway runs"):
            await gateway.reload('[tracing]\nendpoint = "http://127.0.0.1:9"\nsample_ratio = 1\n')
    followed = [one.attributes["gateway.request_id"] for one in collector.spans if one.kind == "server"]
    assert followed == [named, later]


async def test_a_report_that_is_delivered_later_is_a_step_of_its_call_and_each_attempt_is_one(
    start: Start, platform: Platform, collector: Collector
) -> None:
    platform.limits = False
    async with forwarding(start, platform, more=collector.settings) as gateway:
        await ask(gateway, "POST", "customers", json={"customerId": "ann"}, headers=NOT_FOLLOWED)
        platform.next.append("503")
        _, request_id = await ask(
            gateway, "POST", ACHIEVE, json={"customerId": "ann", "challengeId": 11664}, headers=FOLLOWED
        )
        await until_stored(gateway, "SELECT 1 FROM delivery WHERE status = 503")
        await gateway.tamper("UPDATE delivery SET due_at = 0 WHERE status = 503")
        await collector.until(lambda: len(collector.of(ID, "client")) == 2)
    call, attempts = collector.one(ID, "server"), collector.of(ID, "client")
    assert {one.parent_id for one in attempts} == {call.span_id}
    asked = [one.headers["traceparent"] for one in platform.seen if one.path.endswith("social-challenges")]
    assert [sent(header) for header in asked] == [(ID, one.span_id, "01") for one in attempts]
    assert len(ids(attempts)) == 2
    assert [one.attributes["gateway.delivery.attempt"] for one in attempts] == [1, 2]
    assert [one.attributes["http.response.status_code"] for one in attempts] == [503, 202]
    assert [(one.failed, one.attributes.get("error.type")) for one in attempts] == [
        (True, "503"),
        (False, None),
    ]
    assert {one.attributes["gateway.request_id"] for one in attempts} == {request_id}
    assert {one.attributes["gateway.delivery.target"] for one in attempts} == {"upstream"}


async def test_a_platform_that_does_not_answer_is_an_error_with_its_reason(
    start: Start, platform: Platform, collector: Collector
) -> None:
    platform.limits = False
    async with forwarding(start, platform, more=collector.settings) as gateway:
        await platform.refuse()
        status, _ = await ask(gateway, "GET", "configurations/tiers", headers=FOLLOWED)
    call, step = collector.one(ID, "server"), collector.one(ID, "client")
    assert (step.failed, step.attributes["error.type"]) == (True, "no_connection")
    assert step.attributes["http.request.resend_count"] == 1
    assert "http.response.status_code" not in step.attributes
    assert (call.failed, call.attributes["error.type"]) == (True, str(status))
    assert call.attributes["gateway.code"] > 0


async def test_a_webhook_is_a_step_of_the_call_that_caused_it(start: Start, collector: Collector) -> None:
    heard: list[str] = []

    async def hear(request: web.Request) -> web.Response:
        heard.append(request.headers["traceparent"])
        return web.Response(status=410)

    application = web.Application()
    application.router.add_post("/hooks/a-secret", hear)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    webhook = (
        f'[[webhook]]\nname = "crm"\nurl = "http://127.0.0.1:{port}/hooks/a-secret?token=hidden"\nallow_private = true\n'
        'secret = "webhook-secret-0123456789"\nevents = ["profile.created"]\n'
    )
    async with start(collector.settings + webhook) as gateway:
        await ask(gateway, "POST", "customers", json={"customerId": "ann"}, headers=FOLLOWED)
        await collector.until(lambda: collector.of(ID, "client"))
    await runner.cleanup()
    call, step = collector.one(ID, "server"), collector.one(ID, "client")
    assert [sent(header) for header in heard] == [(ID, step.span_id, "01")]
    assert (step.name, step.parent_id, step.failed) == ("POST", call.span_id, True)
    assert step.attributes["gateway.delivery.target"] == "webhook:crm"
    assert (step.attributes["server.port"], step.attributes["http.response.status_code"]) == (port, 410)
    assert not [body for body in collector.bodies if b"hidden" in body or b"a-secret" in body]


async def test_an_operators_call_is_followed_too_without_its_path_and_the_operators_name(
    start: Start, collector: Collector
) -> None:
    async with start(collector.settings) as gateway:
        async with gateway.admin("GET", "profiles?q=ann@example.com"):
            pass
        async with gateway.client.get(f"{gateway.admin_url}/readyz") as answer:
            assert answer.status == 200
        async with gateway.client.get(f"{gateway.admin_url}/admin/v1/keys", headers=FOLLOWED) as answer:
            assert answer.status == 401
    refused = collector.one(ID, "server")
    assert refused.attributes["gateway.code"] == "unauthorized"
    assert (refused.failed, refused.parent_id) == (False, PARENT)
    others = {one.name for one in collector.spans if one.kind == "server"} - {refused.name}
    assert (refused.name, others) == ("GET /admin/v1/keys", {"GET /admin/v1/profiles"})


async def test_no_span_holds_anything_that_a_caller_wrote_but_the_ids_of_its_trace(
    start: Start, platform: Platform, collector: Collector
) -> None:
    platform.limits = False
    chance, written = random.Random(11), set[str]()

    def word(length: int = 12) -> str:
        made = "".join(chance.choices("bcdfghjkmnpqrstvwxz", k=length))
        written.add(made)
        return made

    async with forwarding(start, platform, more=collector.settings) as gateway:
        for _ in range(60):
            customer, email, mobile = (
                word(),
                f"{word()}@{word()}.example",
                f"+2010{chance.randrange(10**8):08}",
            )
            written.add(mobile[1:])
            body = {
                "customerId": customer,
                "email": email,
                "mobile": mobile,
                "challengeId": 11664,
                "customerAttributes": {"displayName": word(), word(): word()},
            }
            method = chance.choice(["GET", "POST", "PUT", "DELETE", "PATCH", "PROPFIND", word(6).upper()])
            path = chance.choice(
                [
                    f"customers/{customer}",
                    f"customers/{quote(email)}/balance",
                    f"customers?customerId={customer}&email={quote(email)}&mobile={quote(mobile)}",
                    f"{customer}/{quote(email)}",
                    "customers",
                    ACHIEVE,
                    "../" + customer,
                ]
            )
            headers = {
                "User-Agent": word(),
                "tracestate": f"{word()}={word()}",
                "traceparent": chance.choice([FOLLOWED["traceparent"], word(), email]),
                "X-Forwarded-For": "203.0.113.77",
                word(): word(),
            }
            if chance.random() < 0.2:
                headers["apikey"] = word()
            await ask(gateway, method, path, json=body, headers=headers)
        async with gateway.admin("GET", f"profiles?q={word()}"):
            pass
        async with gateway.admin("GET", f"{word()}/{word()}"):
            pass
        await collector.until(lambda: len(collector.spans) > 60)
    written |= {one.upper() for one in written}
    found = [
        text for text in (*written, "203.0.113.77") for body in collector.bodies if text.encode() in body
    ]
    assert found == []
    assert {one.attributes["http.request.method"] for one in collector.spans if one.kind == "server"} >= {
        "_OTHER",
        "GET",
    }
