"""Which keys open which operation: every route, every pair of keys, every version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.forwarding import forwarding
from tests.support.loyalty_platform import OPERATIONS, Operation, Platform
from tests.support.public_api import ask

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.running_gateway import RunningGateway, Start

KEYS = {
    "none": {},
    "a secret alone": {"secretkey": "pos-secret-key-0123456789"},
    "wrong": {"apikey": "nobodys-api-key-0123456789", "secretkey": "pos-secret-key-0123456789"},
    "the platform's own": {
        "apikey": "upstream-api-key-0123456789",
        "secretkey": "upstream-secret-key-0123456789",
    },
    "api key": {"apikey": "pos-api-key-0123456789"},
    "wrong secret": {"apikey": "pos-api-key-0123456789", "secretkey": "nobodys-secret-key-0123456789"},
    "another channel's secret": {
        "apikey": "pos-api-key-0123456789",
        "secretkey": "web-secret-key-0123456789",
    },
    "both": {"apikey": "pos-api-key-0123456789", "secretkey": "pos-secret-key-0123456789"},
}
UNLIMITED = "[limits]\nfailures_per_minute = 0"


@pytest.fixture
async def doors(
    start: Start, platform: Platform, request: pytest.FixtureRequest
) -> AsyncGenerator[RunningGateway]:
    platform.limits = False
    async with forwarding(start, platform, more=f"{UNLIMITED}\n{request.param}") as gateway:
        yield gateway


def _asks_for_keys(operation: Operation) -> bool:
    """Not what mobile apps call by themselves: they have no secret key and no choice of the version."""
    return operation.path[1] not in {"inapp-messages", "mobile"}


def _is_opened(keys: str, operation: Operation, version: str, *, high_security: bool) -> bool:
    needs_secret = _asks_for_keys(operation) and (operation.secret or version == "v4.1" or high_security)
    return keys == "both" or (not needs_secret and KEYS[keys].get("apikey") == KEYS["both"]["apikey"])


@pytest.mark.parametrize("doors", ["", "[api]\nhigh_security = true"], indirect=True)
async def test_f36_an_operation_opens_for_its_keys_and_no_others(
    doors: RunningGateway, platform: Platform
) -> None:
    high_security = doors.services.config.api.high_security
    for operation in OPERATIONS:
        path = "/".join("x" if part.startswith("{") else part for part in operation.path)
        for version in ("v4.0", "v4.1"):
            for name, keys in KEYS.items():
                platform.seen.clear()
                body = None if operation.method in {"GET", "DELETE"} else {}
                url = f"{doors.url}/api/{version}/integrations{path}"
                async with doors.client.request(operation.method, url, headers=keys, json=body) as answer:
                    opened = answer.status != 401
                    assert opened == _is_opened(name, operation, version, high_security=high_security), (
                        f"{operation.method} {path} on {version} with {name}"
                    )
                    assert opened or not platform.seen


@pytest.mark.parametrize("doors", ['[api]\nminimum_version = "v4.1"'], indirect=True)
async def test_an_older_version_is_refused_for_every_operation(
    doors: RunningGateway, platform: Platform
) -> None:
    for operation in OPERATIONS:
        path = "/".join("x" if part.startswith("{") else part for part in operation.path)[1:]
        for version in ("v4.0", "v4"):
            if _asks_for_keys(operation):
                reply = await ask(doors, operation.method, path, version=version)
                assert reply.fault == (403, 1002, "AUTHENTICATION_ERROR"), operation
    url = f"{doors.url}/api/v3.0/integrations/player/ann"
    async with doors.client.get(url, headers=doors.keys("pos")) as answer:
        assert answer.status == 403
    assert not platform.seen


STRICT = '[api]\nminimum_version = "v4.1"\nhigh_security = true'


@pytest.mark.parametrize("doors", [STRICT], indirect=True)
async def test_calls_of_the_mobile_sdk_need_no_version_and_no_secret_key(
    doors: RunningGateway, platform: Platform
) -> None:
    keys = {"apikey": doors.keys("pos")["apikey"]}
    below = ("inapp-messages/sync", "inapp-messages/events", "inapp-messages/variables", "mobile/logs")
    calls = [
        ("POST", f"/api/{version}/integrations/{path}")
        for version in ("v4", "v4.0", "v4.1")
        for path in below
    ]
    for method, path in [("GET", "/api/v1.0/Bots/BotSettings?c=mobile"), *calls]:
        body = {"customerId": "ann"} if method == "POST" else None
        async with doors.client.request(method, doors.url + path, headers=keys, json=body) as answer:
            assert answer.status == 200, path
        async with doors.client.request(method, doors.url + path, json=body) as answer:
            assert answer.status == 401, path
    assert len(platform.seen) == len(calls) + 1


@pytest.mark.parametrize("doors", [""], indirect=True)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("PUT", "customers/ann/activate", {"isActive": True}), ("GET", "leaderboard?customerId=ann", None)],
)
async def test_where_the_documents_disagree_the_platform_judges_the_keys_that_it_was_sent(
    doors: RunningGateway, platform: Platform, method: str, path: str, body: object
) -> None:
    await ask(doors, "POST", "customers", channel="pos", json={"customerId": "ann"})
    url = f"{doors.url}/api/v4.0/integrations/{path}"
    for keys, vouched in (({"apikey": doors.keys("pos")["apikey"]}, False), (doors.keys("pos"), True)):
        async with doors.client.request(method, url, headers=keys, json=body) as answer:
            assert answer.status == 200, await answer.text()
        assert ("secretkey" in platform.seen[-1].headers) is vouched


@pytest.mark.parametrize("doors", [""], indirect=True)
async def test_the_secret_key_may_come_under_the_name_that_the_guides_for_web_shops_use(
    doors: RunningGateway, platform: Platform
) -> None:
    keys = doors.keys("pos")
    for name, value, status in (
        ("TransactionKey", keys["secretkey"], 200),
        ("transactionkey", keys["secretkey"], 200),
        ("TransactionKey", "nobodys-secret-key-0123456789", 401),
        ("TransactionKey", "", 401),
    ):
        headers = {"apikey": keys["apikey"], name: value}
        url = f"{doors.url}/api/v4.1/integrations/customers"
        async with doors.client.post(url, headers=headers, json={"customerId": "ann"}) as answer:
            assert answer.status == status, (name, value)
    assert all("TransactionKey" not in seen.headers for seen in platform.seen)


@pytest.mark.parametrize("doors", [""], indirect=True)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("customers/ann/notifications/read", {"notificationIds": ["n_01", "n_02"]}),
        ("event", {"customerId": "ann", "events": {"view": {}}}),
        ("event", None),
        ("events", None),
        ("transaction/cashback", None),
        ("hold-points", {"customerId": "ann", "pointsToHold": 50}),
        ("orders/calculate", {"customerId": "ann", "totalPaid": 90}),
    ],
)
async def test_the_platforms_own_samples_reach_it(
    doors: RunningGateway, platform: Platform, path: str, body: object
) -> None:
    async with doors.client.post(
        f"{doors.url}/api/v4.0/integrations/{path}", headers=doors.keys("pos"), json=body
    ) as answer:
        assert answer.status == 200, await answer.text()
    (seen,) = platform.seen
    assert seen.body == (b"" if body is None else seen.body)


async def test_a_channel_never_reaches_another_channels_customer(
    forward: RunningGateway, platform: Platform
) -> None:
    """The same id on another channel is another customer, whatever is done with it."""
    await ask(
        forward, "POST", "orders", channel="web", json={"customerId": "ann", "email": "ann@example.com"}
    )
    for operation in OPERATIONS:
        if operation.path[-1] == "social-challenges":
            continue
        path = "/".join("ann" if part == "{customerId}" else part.strip("{}") for part in operation.path)[1:]
        body = {"customerId": "ann", "tags": "x", "isActive": False}
        many = any(place.startswith("[]") for place in operation.asked)
        options: dict[str, Any] = (
            {"json": [body] if many else body} if operation.method in {"POST", "PUT"} else {}
        )
        query = "?customerId=ann&forCustomerId=ann" if operation.method == "GET" else ""
        platform.seen.clear()
        async with forward.call(operation.method, path + query, channel="pos", **options):
            pass
        (seen,) = platform.seen
        sent = {"customerId=ann", "forCustomerId=ann"} & set(seen.raw_path.partition("?")[2].split("&"))
        named = {place.removeprefix("?") + "=ann" for place in operation.asked if place.startswith("?")}
        assert not sent & named, operation
        assert "/ann" not in seen.path, operation
        if operation.asked & {"customerId", "[]customerId"}:
            assert b'"customerId":"ann"' not in seen.body, operation
    details = await ask(forward, "GET", "customers/ann/details", channel="web")
    assert details.body["customerAttributes"]["tags"] == []
