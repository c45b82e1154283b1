from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientResponse

from gateway.http.admin.operation import PREFIX
from gateway.http.admin.routes import OPERATIONS

if TYPE_CHECKING:
    from conftest import RunningGateway

TOKEN = "admin-token-0123456789"
ALL = [
    pytest.param(one.method, PREFIX + one.path.format(id="x", version="x", name="x"), id=one.name)
    for one in OPERATIONS
]


async def assert_problem(response: ClientResponse, status: int, code: str) -> dict[str, object]:
    assert response.status == status
    assert response.content_type == "application/problem+json"
    problem = await response.json(content_type=None)
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["request_id"] == response.headers["X-Request-Id"]
    return problem


@pytest.mark.parametrize(("method", "path"), ALL)
async def test_no_operation_answers_without_the_token(
    gateway: RunningGateway, method: str, path: str
) -> None:
    async with gateway.client.request(method, gateway.admin_url + path) as response:
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
async def test_only_the_token_itself_opens(gateway: RunningGateway, header: str) -> None:
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


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil:8081", "[::2]:8081", ""]
)
async def test_a_foreign_host_name_is_refused_even_with_the_token(gateway: RunningGateway, host: str) -> None:
    headers = {"Host": host, "Authorization": f"Bearer {TOKEN}"}
    async with gateway.client.get(f"{gateway.admin_url}/healthz", headers=headers) as response:
        await assert_problem(response, 421, "wrong_host")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9", "127.0.0.1:1", "[::1]:8081"])
async def test_every_loopback_name_is_our_own(gateway: RunningGateway, host: str) -> None:
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
