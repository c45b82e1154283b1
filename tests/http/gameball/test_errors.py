"""The error matrix: what is refused, in which order, with which status, code and type."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gateway.http.gameball.operations import DOCUMENTED
from gateway.pipeline import Pipeline
from tests.support.public_api import ACHIEVE, achieve, ask, save, send_raw

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start

GOOD = {"customerId": "ann", "challengeId": 11664}
VERSIONS = ["v4.0", "v4", "v4.1"]
MISSING, INVALID, VALUE = (
    (400, 3000, "PAYLOAD_ERROR"),
    (400, 3016, "PAYLOAD_ERROR"),
    (422, 3003, "PAYLOAD_ERROR"),
)
UNKNOWN = (404, 4004, "GENERAL_ERROR")


WRONG_PAYLOADS: list[tuple[Any, tuple[int, int, str], str | None]] = [
    ({"challengeId": 1}, MISSING, "customer id is missing"),
    ({}, MISSING, "customer id is missing"),
    ({"customerId": None, "challengeId": 1}, MISSING, "customer id is missing"),
    ({"customerId": "", "challengeId": "x"}, MISSING, "customer id is missing"),
    ({"customerId": "ann"}, MISSING, "rewards campaign handle is missing"),
    ({"customerId": "ann", "challengeId": None}, MISSING, "rewards campaign handle is missing"),
    ({"customerId": "x" * 101, "challengeId": 1}, MISSING, "customer id is longer than 100 characters"),
    ({"customerId": 7, "challengeId": 1}, UNKNOWN, "customer does not exist"),
    ({"customerId": 7.5, "challengeId": 1}, INVALID, "invalid payload."),
    ({"customerId": 0, "challengeId": 1}, MISSING, None),
    ({"customerId": "a\x00", "challengeId": 1}, INVALID, "invalid payload."),
    ({"customerId": "ann", "challengeId": "1"}, INVALID, "invalid payload."),
    ({"customerId": "ann", "challengeId": 1.0}, INVALID, "invalid payload."),
    ({"customerId": "ann", "challengeId": True}, INVALID, "invalid payload."),
    ({**GOOD, "email": 7}, UNKNOWN, "customer does not exist"),
    ({"customerId": "ann", "challengeId": 0}, VALUE, None),
    ({"customerId": "ann", "challengeId": -1}, VALUE, None),
    ({"customerId": "ann", "challengeId": 2**53}, VALUE, None),
    (GOOD, UNKNOWN, "customer does not exist"),
    ([], INVALID, "invalid payload."),
]


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_wrong_payload_is_answered_with_what_is_wrong(
    gateway: RunningGateway, subtests: pytest.Subtests, version: str
) -> None:
    for body, fault, message in WRONG_PAYLOADS:
        with subtests.test(body=body):
            reply = await ask(gateway, "POST", ACHIEVE, version=version, json=body)
            assert reply.fault == fault
            assert message in (None, reply.body["message"])


WRONG_TYPES = [
    ({"Content-Type": "text/plain"}, b"{}", (415, 3002, "PAYLOAD_ERROR")),
    (
        {"Content-Type": "application/json; charset=latin-1"},
        b'{"customerId":"Jos\xe9"}',
        (415, 3002, "PAYLOAD_ERROR"),
    ),
    ({"Content-Type": "application/json", "Content-Encoding": "br"}, b"{}", (415, 3002, "PAYLOAD_ERROR")),
    ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, b"{}", INVALID),
    ({"Content-Type": "text/plain"}, b"x" * 70_000, (413, 2000, "REQUEST_ERROR")),
    ({"Content-Type": 'Application/JSON;charset="UTF-8"'}, b"{}", MISSING),
    ({"Content-Type": "application/json"}, b"", INVALID),
    ({"Content-Type": "application/json"}, b'{"customerId":"a","customerId":"b"}', INVALID),
    ({"Content-Type": "application/json", "Idempotency-Key": "a b"}, json.dumps(GOOD).encode(), INVALID),
    ({"Content-Type": "application/json", "X_Forwarded_For": "x"}, b"{}", (400, 2000, "REQUEST_ERROR")),
]


async def test_size_comes_before_type_and_type_before_json(
    gateway: RunningGateway, subtests: pytest.Subtests
) -> None:
    for headers, data, fault in WRONG_TYPES:
        with subtests.test(headers=headers, data=data[:40]):
            assert (await ask(gateway, "POST", ACHIEVE, headers=headers, data=data)).fault == fault


WRONG_KEYS = [
    ("v4.0", ACHIEVE, {"apikey": ""}, 1000),
    ("v4.1", ACHIEVE, {"apikey": "wrong", "secretkey": "wrong"}, 1000),
    ("v4.0", ACHIEVE, {"secretkey": ""}, 1006),
    ("v4.1", ACHIEVE, {"secretkey": "wrong"}, 1006),
    ("v4.1", ACHIEVE, {"secretkey": "pos-secret-key-0123456789"}, 1006),
    ("v4.0", "customers/ann/tags", {"secretkey": ""}, 1001),
    ("v4.1", "customers", {"secretkey": "wrong"}, 1001),
    ("v4.1", "payments", {"secretkey": "wrong"}, 1001),
]


async def test_keys_come_before_everything_in_the_body(
    gateway: RunningGateway, subtests: pytest.Subtests
) -> None:
    for version, path, headers, code in WRONG_KEYS:
        with subtests.test(version=version, path=path, headers=headers):
            reply = await ask(gateway, "POST", path, version=version, headers=headers, data=b"\xff")
            assert reply.fault == (401, code, "AUTHENTICATION_ERROR")


async def test_header_names_have_no_case(gateway: RunningGateway) -> None:
    headers = {"APIKey": "web-api-key-0123456789", "SecretKey": "web-secret-key-0123456789"}
    url = f"{gateway.url}/api/v4.1/integrations/customers/ann"
    async with gateway.client.get(url, headers=headers) as response:
        assert response.status == 404


async def test_key_only_operations_need_the_secret_on_v41_only(gateway: RunningGateway) -> None:
    await save(gateway)
    no_secret = {"secretkey": ""}
    assert (await ask(gateway, "GET", "customers/ann", version="v4.0", headers=no_secret)).status == 200
    assert (await ask(gateway, "GET", "customers/ann", version="v4.1", headers=no_secret)).status == 401


async def test_high_security_mode_asks_for_the_secret_everywhere(start: Start) -> None:
    async with start("[api]\nhigh_security = true\n") as gateway:
        reply = await ask(gateway, "GET", "customers/ann", version="v4.0", headers={"secretkey": ""})
        assert reply.fault == (401, 1001, "AUTHENTICATION_ERROR")


async def test_a_version_below_the_minimum_is_refused_before_the_keys_are_looked_at(start: Start) -> None:
    async with start('[api]\nminimum_version = "v4.1"\n') as gateway:
        for version in ("v4.0", "v4"):
            reply = await ask(gateway, "POST", ACHIEVE, version=version, headers={"apikey": "wrong"})
            assert reply.fault == (403, 1002, "AUTHENTICATION_ERROR")
        assert (await ask(gateway, "POST", ACHIEVE, json=GOOD)).status == 404


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", ACHIEVE, "POST"),
        ("PUT", "customers", "POST"),
        ("PATCH", "customers/ann", "DELETE, GET, HEAD"),
        ("OPTIONS", "customers/ann/tags", "DELETE, POST"),
    ],
)
async def test_a_wrong_method_is_answered_with_the_allowed_ones(
    gateway: RunningGateway, method: str, path: str, allow: str
) -> None:
    reply = await ask(gateway, method, path)
    assert reply.fault == (405, 2000, "REQUEST_ERROR")
    assert reply.headers["Allow"] == allow


@pytest.mark.parametrize("path", ["nothing", "customers/a/b/c", "../../x"])
async def test_an_unknown_path_is_refused_in_the_envelope(gateway: RunningGateway, path: str) -> None:
    assert (await ask(gateway, "POST", path)).fault == UNKNOWN


async def test_an_operation_that_is_not_local_says_so(gateway: RunningGateway) -> None:
    for operation in DOCUMENTED:
        if operation.modes == "forward":
            path = operation.path.removeprefix("/").replace("{", "").replace("}", "")
            reply = await ask(gateway, operation.method, path)
            assert reply.fault == (404, 4005, "GENERAL_ERROR"), operation.route
            assert "local mode" in reply.body["message"]
    async with gateway.client.get(f"{gateway.admin_url}/metrics") as answer:
        metrics = await answer.text()
    assert 'gateway_not_local_total{route="POST /orders"} 1.0' in metrics


AMBIGUOUS = [
    ("GET http://other.example/api HTTP/1.1\r\nHost: x", 400),
    ("OPTIONS * HTTP/1.1\r\nHost: x", 400),
    ("GET /%0A%0d HTTP/1.1\r\nHost: x", 404),
    ("GET /api//x HTTP/1.1\r\nHost: x", 400),
    ("GET /api/%2e%2e/x HTTP/1.1\r\nHost: x", 400),
    ("GET /api/x#y HTTP/1.1\r\nHost: x", 400),
    ("GET /api/%zz HTTP/1.1\r\nHost: x", 400),
    ("GET /api HTTP/1.1\r\nHost: a/b@c", 421),
    ("GET /api HTTP/1.1\r\nHost: x\r\nX_Real_IP: 1", 400),
    ("GET /api HTTP/1.1\r\nHost: x\r\nContent-Length: 1", 400),
    ("POST /api HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked", 501),
    ("POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nExpect: magic", 417),
]


async def test_ambiguous_requests_are_refused(gateway: RunningGateway, subtests: pytest.Subtests) -> None:
    for head, status in AMBIGUOUS:
        with subtests.test(head):
            tail = "0\r\n\r\n" if "chunked" in head else "x" if "Length: 1" in head else ""
            request = f"{head}\r\nConnection: close\r\n\r\n{tail}"
            answered, answer = await send_raw(gateway, request.encode())
            assert answered == status
            assert b'"requestId":"req_' in answer


async def test_a_client_that_waits_is_told_to_go_on(gateway: RunningGateway) -> None:
    await save(gateway)
    assert (await ask(gateway, "POST", ACHIEVE, json=GOOD, expect100=True)).status == 202


async def test_a_channel_has_its_own_rate(start: Start) -> None:
    channels = """
[[channel]]
name = "web"
api_key = "web-api-key-0123456789"
secret_key = "web-secret-key-0123456789"
rate_limit = { per_second = 1, burst = 2 }
[[channel]]
name = "pos"
api_key = "pos-api-key-0123456789"
secret_key = "pos-secret-key-0123456789"
"""
    async with start(channels=channels) as gateway:
        replies = [await ask(gateway, "GET", "customers/ann") for _ in range(3)]
        assert [reply.status for reply in replies] == [404, 404, 429]
        assert replies[-1].fault == (429, 2000, "REQUEST_ERROR")
        assert replies[-1].headers["Retry-After"] == "1"
        assert (await ask(gateway, "GET", "customers/ann", channel="pos")).status == 404


async def test_an_address_with_too_many_wrong_keys_is_told_to_wait_and_no_longer_audited(
    start: Start,
) -> None:
    async with start("[limits]\nfailures_per_minute = 3\n") as gateway:
        statuses = [(await ask(gateway, "POST", ACHIEVE, headers={"apikey": "x"})).status for _ in range(8)]
        assert set(statuses) == {401, 429}
        refused = await gateway.rows("SELECT COUNT(*) FROM audit WHERE action = 'call.refused'")
        assert refused[0][0] == statuses.count(401)
        assert (await ask(gateway, "POST", ACHIEVE, json=GOOD)).status == 404


async def test_every_refusal_is_audited_once_with_the_id_that_the_caller_got(gateway: RunningGateway) -> None:
    await save(gateway)
    await achieve(gateway)
    refused = [
        await ask(gateway, "POST", ACHIEVE, headers={"secretkey": "x"}),
        await ask(gateway, "POST", ACHIEVE, json={}),
        await achieve(gateway, "nobody"),
        await achieve(gateway),
        await ask(gateway, "DELETE", "customers/nobody"),
        await ask(gateway, "GET", "customers/nobody/balance"),
        await ask(gateway, "GET", "nothing"),
        await ask(gateway, "POST", "orders"),
    ]
    for reply in refused:
        rows = await gateway.rows(
            "SELECT outcome FROM audit WHERE request_id = ?", reply.headers["X-Request-Id"]
        )
        assert rows == [("refused",)], reply


async def test_nothing_personal_is_logged(gateway: RunningGateway) -> None:
    await save(gateway, "ann@shop.example.org", mobile="+201001234567", email="ann@shop.example.org")
    await ask(gateway, "GET", "customers/ann@shop.example.org?email=ann@shop.example.org")
    await ask(gateway, "GET", "ann@shop.example.org")
    gateway.services.telemetry.writer.flush()
    log = (gateway.directory / "gateway.log").read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    assert "ann@" not in log
    assert "201001234567" not in log
    requests = [line for line in lines if line["event"] == "request"]
    assert [(line["route"], line["status"], line["code"]) for line in requests] == [
        ("POST /customers", 200, 0),
        ("GET /customers/{customerId}", 200, 0),
        ("unknown", 404, 4004),
    ]
    assert set(requests[0]) == {
        "ts", "event", "level", "request_id", "trace_id", "channel", "route", "status", "code", "ms", "profile", "decision",
    }  # fmt: skip


async def test_the_callers_own_request_id_is_not_taken_over(gateway: RunningGateway) -> None:
    reply = await ask(gateway, "GET", "customers/ann", headers={"X-Request-Id": "mine"})
    assert reply.headers["X-Request-Id"].startswith("req_")


async def test_head_answers_like_get_without_the_body(gateway: RunningGateway) -> None:
    await save(gateway)
    reply = await ask(gateway, "HEAD", "customers/ann")
    assert (reply.status, reply.raw) == (200, b"")


async def test_the_listener_is_healthy_without_keys(gateway: RunningGateway) -> None:
    async with gateway.client.get(f"{gateway.url}/healthz") as response:
        assert (response.status, await response.json()) == (200, {"status": "ok"})


async def test_when_nothing_can_be_stored_the_caller_is_asked_to_come_back(gateway: RunningGateway) -> None:
    services, running = gateway.services, gateway.services.pipeline
    services.pipeline = Pipeline(services.store, services.env, queue_limit=1, batch_limit=1)
    await services.pipeline.stop()
    reply = await achieve(gateway)
    refused = await ask(gateway, "POST", ACHIEVE, json={})
    services.pipeline = running
    assert reply.fault == (503, 5003, "SERVER_ERROR")
    assert int(reply.headers["Retry-After"]) >= 1
    assert refused.fault == MISSING
