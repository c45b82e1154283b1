"""Which keys open which operation: every route, every pair of keys, every version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from asking import ask
from forwarding import forwarding
from loyalty_platform import OPERATIONS, Operation, Platform

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from conftest import RunningGateway, Start

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


def _is_opened(keys: str, operation: Operation, version: str, *, high_security: bool) -> bool:
    needs_secret = operation.secret or version == "v4.1" or high_security
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
            reply = await ask(doors, operation.method, path, version=version)
            assert reply.fault == (403, 1002, "AUTHENTICATION_ERROR"), operation
    url = f"{doors.url}/api/v3.0/integrations/player/ann"
    async with doors.client.get(url, headers=doors.keys("pos")) as answer:
        assert answer.status == 403
    assert not platform.seen


async def test_one_channel_never_reaches_anothers_customer(
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
        options = {"json": [body] if many else body} if operation.method in {"POST", "PUT"} else {}
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
