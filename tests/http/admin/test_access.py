from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestServer

from gateway.http import admin
from gateway.http.admin.failed_calls import FAILED_CALLS
from gateway.http.admin.operation import PREFIX
from gateway.http.admin.routes import OPERATIONS

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start

TOKEN = "admin-token-0123456789"
FOREIGN = (
    "evil.example", "127.0.0.1.evil.example", "127.0.0.1.nip.io", "localhost.evil:8081", "evil.localhost", "[::2]:8081", "",
    "[::1].evil.example", "[::1]evil.example", "[::1]:80.evil.example", "[::1", "::1", "[localhost]", "[::1%25eth0]",
    "[::ffff:7f00:1]", "localhost@evil.example", "evil.example@localhost", "user:x@127.0.0.1", "localhost.", "127.0.0.1.",
    "localhost:8081.evil.example", "localhost:", "localhost:x", "localhost:123456", "localhost/x", "localhost evil.example",
    "localhost,evil.example", "localhost\\.evil.example", "2130706433", "0x7f000001", "0177.0.0.1",
    "127.1", "0.0.0.0", "127.0.0.2",
    "xn--lcalhost-55g", "l\u043ecalhost", "\uff11\uff12\uff17.0.0.1", "localhost#", "localhost?", "%6cocalhost",
)  # fmt: skip


async def assert_problem(response: ClientResponse, status: int, code: str) -> dict[str, object]:
    assert response.status == status
    assert response.content_type == "application/problem+json"
    problem = await response.json(content_type=None)
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["request_id"] == response.headers["X-Request-Id"]
    return problem


async def test_no_operation_answers_without_the_token(
    gateway: RunningGateway, subtests: pytest.Subtests
) -> None:
    for one in OPERATIONS:
        url = gateway.admin_url + PREFIX + one.path.format(id="x", version="x", name="x")
        with subtests.test(one.name):
            async with gateway.client.request(one.method, url) as response:
                await assert_problem(response, 401, "unauthorized")
                assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer wrong",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer " + TOKEN[:-1],
        "Bearer ü",
    ],
)
async def test_only_the_exact_token_is_accepted(gateway: RunningGateway, header: str) -> None:
    url = f"{gateway.admin_url}/admin/v1/keys"
    async with gateway.client.get(url, headers={"Authorization": header}) as response:
        await assert_problem(response, 401, "unauthorized")


async def test_a_refused_call_is_in_the_audit_log(gateway: RunningGateway) -> None:
    async with gateway.client.get(f"{gateway.admin_url}/admin/v1/profiles/prf_1") as response:
        request_id = response.headers["X-Request-Id"]
    async with gateway.admin("GET", f"audit?request_id={request_id}") as response:
        (event,) = (await response.json())["items"]
    assert (event["action"], event["reason"]) == ("call.refused", "unauthorized")
    assert event["detail"]["route"] == "GET /admin/v1/profiles/{id}"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_health_and_metrics_need_no_token(gateway: RunningGateway, path: str) -> None:
    async with gateway.client.get(gateway.admin_url + path) as response:
        assert response.status == 200


async def test_a_foreign_host_name_is_refused_even_with_the_token(
    gateway: RunningGateway, subtests: pytest.Subtests
) -> None:
    for host in FOREIGN:
        headers = {"Host": host, "Authorization": f"Bearer {TOKEN}"}
        with subtests.test(host):
            async with gateway.client.get(f"{gateway.admin_url}/healthz", headers=headers) as response:
                await assert_problem(response, 421, "wrong_host")


async def test_a_proxy_in_front_may_use_its_own_host_name_and_no_other(start: Start) -> None:
    server = (
        '[server]\nlisten = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\n'
        'allowed_hosts = ["Gateway.example", "192.0.2.1", "2001:db8::1"]\n'
    )
    async with start(server) as gateway:
        for host in (
            "gateway.example",
            "GATEWAY.example:443",
            "192.0.2.1:8443",
            "[2001:db8:0::1]",
            "localhost",
        ):
            async with gateway.client.get(f"{gateway.admin_url}/healthz", headers={"Host": host}) as response:
                assert response.status == 200
        for host in ("x.gateway.example", "gateway.example.", "evil.example", "192.0.2.10", "[::2]"):
            async with gateway.client.get(f"{gateway.admin_url}/healthz", headers={"Host": host}) as response:
                await assert_problem(response, 421, "wrong_host")


async def test_two_host_headers_are_refused(gateway: RunningGateway) -> None:
    host, port = gateway.admin_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    )
    assert (await asyncio.wait_for(reader.read(), 10)).split(b" ", 2)[1] in (b"400", b"421")
    writer.close()


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:9", "127.0.0.1:1", "127.0.0.1", "[::1]:8081", "[0:0::0:1]:65535"],
)
async def test_every_loopback_name_is_accepted(gateway: RunningGateway, host: str) -> None:
    async with gateway.client.get(f"{gateway.admin_url}/healthz", headers={"Host": host}) as response:
        assert response.status == 200


async def test_unknown_paths_and_methods_are_problems(gateway: RunningGateway) -> None:
    async with gateway.admin("GET", "nothing") as response:
        await assert_problem(response, 404, "not_found")
    async with gateway.admin("PUT", "keys") as response:
        await assert_problem(response, 405, "method_not_allowed")
        assert "GET" in response.headers["Allow"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "bad_parameter"),
        ("limit=201", "bad_parameter"),
        ("limit=many", "bad_parameter"),
        ("cursor=zzz", "bad_cursor"),
        ("colour=red", "unknown_parameter"),
        ("limit=1&limit=2", "bad_parameter"),
    ],
)
async def test_a_list_takes_only_what_it_declares(gateway: RunningGateway, query: str, code: str) -> None:
    async with gateway.admin("GET", f"profiles?{query}") as response:
        problem = await assert_problem(response, 400, code)
    assert query.partition("=")[0] in str(problem["detail"])


async def test_the_log_holds_routes_and_nothing_that_was_asked_for(gateway: RunningGateway) -> None:
    async with gateway.admin(
        "GET", "profiles?email=canary@shop.example.org&mobile=%2B201009999999"
    ) as response:
        assert response.status == 200
    async with gateway.admin("GET", "profiles?email=canary-at-nowhere") as response:
        assert "canary" not in (await response.text())
    gateway.services.telemetry.writer.flush()
    log = (gateway.directory / "gateway.log").read_text()
    assert "/admin/v1/profiles" in log
    assert "canary" not in log
    assert "1009999999" not in log


# ---- without the token ----


async def refused(gateway: RunningGateway) -> list[tuple[object, ...]]:
    rows = await gateway.rows(
        "SELECT reason, detail FROM audit WHERE action = 'call.refused' ORDER BY event_id"
    )
    return [(reason, json.loads(str(detail)).get("count", 1)) for reason, detail in rows]


async def knock(gateway: RunningGateway, times: int, url: str = "", **headers: str) -> list[int]:
    statuses: list[int] = []
    for _ in range(times):
        async with gateway.client.get(
            f"{url or gateway.admin_url}/admin/v1/keys", headers=headers
        ) as response:
            statuses.append(response.status)
            assert ("Retry-After" in response.headers) == (response.status == 429)
    return statuses


async def test_wrong_tokens_are_throttled_and_one_row_a_minute_counts_them(start: Start) -> None:
    async with (
        start("[limits]\nfailures_per_minute = 5") as gateway,
        TestServer(application := admin.build(gateway.services)) as server,
    ):
        strangers, url = application[FAILED_CALLS], str(server.make_url("")).rstrip("/")
        assert await knock(gateway, 9, url, Authorization="Bearer wrong") == [401] * 5 + [429] * 4
        assert await refused(gateway) == [("unauthorized", 1), ("too_many_requests", 1)]
        operator = f"Bearer {TOKEN}"
        assert await knock(gateway, 1, url, Authorization=operator) == [200], (
            "who has the token is not locked out"
        )
        await strangers.flush()
        assert (await refused(gateway))[2:] == [("unauthorized", 4), ("too_many_requests", 3)]
        await knock(gateway, 2, url, Authorization="Bearer wrong")
        assert len(await refused(gateway)) == 4, "still the same minute"
        await strangers.flush()
        await strangers.flush()
        assert (await refused(gateway))[4:] == [("too_many_requests", 2)]
        await knock(gateway, 1, url)
        assert (await refused(gateway))[5:] == [("too_many_requests", 1)]


async def test_counted_refusals_are_written_at_the_stop(start: Start) -> None:
    async with start() as gateway:
        await knock(gateway, 4, Authorization="Bearer wrong")
    async with start() as gateway:
        assert await refused(gateway) == [("unauthorized", 1), ("unauthorized", 3)]


@pytest.mark.parametrize(
    ("method", "path", "headers", "code"),
    [
        ("GET", "/admin/v1/keys", {"Host": "evil.example"}, "wrong_host"),
        ("GET", "/nothing", {}, "unauthorized"),
        ("POST", "/healthz", {}, "method_not_allowed"),
        ("DELETE", "/metrics", {}, "method_not_allowed"),
        ("GET", "/admin/v1/keys", {"Authorization": "Basic x"}, "unauthorized"),
    ],
)
async def test_repeated_refusals_share_one_audit_row(
    gateway: RunningGateway, method: str, path: str, headers: dict[str, str], code: str
) -> None:
    for _ in range(5):
        async with gateway.client.request(method, gateway.admin_url + path, headers=headers) as response:
            assert response.status in (401, 405, 421)
    assert await refused(gateway) == [(code, 1)]


async def test_failed_attempts_are_counted_by_address_behind_a_proxy_too(start: Start) -> None:
    server = (
        '[server]\nlisten = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\ntrusted_proxies = ["127.0.0.1/32"]\n'
    )
    async with start(f"{server}[limits]\nfailures_per_minute = 2") as gateway:
        for address in ("203.0.113.1", "203.0.113.2", "2001:db8::1", "2001:db8:0:1::1"):
            assert await knock(gateway, 3, **{"X-Forwarded-For": address}) == [401, 401, 429]
        assert await knock(gateway, 1, **{"X-Forwarded-For": "2001:db8::2"}) == [429]


async def test_what_follows_an_upgrade_in_the_same_packet_is_answered(gateway: RunningGateway) -> None:
    host = gateway.admin_url.removeprefix("http://")
    reader, writer = await asyncio.open_connection(*host.split(":"))
    asks = f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n"
    upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    writer.write(f"{asks}{upgrade}\r\n{asks}Connection: close\r\n\r\n".encode())
    answers = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answers.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize("path", ["/healthz", "/admin/v1/keys", "/nothing"])
async def test_every_answer_forbids_a_browser_what_the_listener_does_not_serve(
    gateway: RunningGateway, path: str
) -> None:
    async with gateway.client.get(gateway.admin_url + path) as response:
        headers = response.headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert {policy[f"{kind}-src"] for kind in ("style", "script", "img", "connect")} == {"'self'"}
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert (headers["X-Frame-Options"], headers["Referrer-Policy"]) == ("DENY", "same-origin")
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
