"""Session tokens in forward mode: an app without a secret key reaches the platform for one customer, and its token stays here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwe, jws
from joserfc.jwk import OctKey

from tests.support.forwarding import forward_settings
from tests.support.loyalty_platform import SECRET_KEY

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway, Start

SESSION_KEY = "session-key-0123456789-012345678"
CHANNELS = f"""
[[channel]]
name = "mobile"
id_space = "app"
default_region = "EG"
api_key = "mobile-api-key-0123456789"
secret_key = "mobile-secret-key-0123456789"
session_key = "{SESSION_KEY}"
"""


@pytest.fixture
async def gateway(start: Start, platform: Platform) -> AsyncGenerator[RunningGateway]:
    platform.limits = False
    async with start(forward_settings(platform.url), channels=CHANNELS) as running:
        yield running


def token(customer_id: str = "ann") -> str:
    key = OctKey.import_key(SESSION_KEY.encode())
    signed = jws.serialize_compact({"alg": "HS256"}, json.dumps({"customerId": customer_id, "exp": 4e9}), key)
    return jwe.encrypt_compact({"alg": "A256KW", "enc": "A256CBC-HS512"}, signed, key)


async def send(gateway: RunningGateway, path: str, body: Any, made: str | None = None) -> int:
    headers = {"apikey": "mobile-api-key-0123456789", "X-GB-TOKEN": made or token()}
    url = f"{gateway.url}/api/v4.1/integrations/{path}"
    async with gateway.client.post(url, json=body, headers=headers) as response:
        await response.read()
        return response.status


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("customers", {"customerId": "ann", "mobile": "01001234567"}),
        ("events", {"customerId": "ann", "events": {"view": {}}}),
    ],
)
async def test_an_app_reaches_the_platform_with_our_keys_and_without_its_token(
    gateway: RunningGateway, platform: Platform, path: str, body: Any
) -> None:
    assert await send(gateway, path, body) == 200
    (seen,) = platform.seen
    assert seen.headers["secretkey"] == SECRET_KEY
    assert "X-GB-TOKEN" not in seen.headers


OTHER_CUSTOMERS: list[dict[str, str]] = [
    {"customerId": "bob"},
    {"customerId": "ANN"},
    {"CustomerId": "bob"},
    {"customerId": "ann", "CustomerID": "bob"},
    {"playerUniqueId": "ann"},
    {},
]


@pytest.mark.parametrize("path", ["customers", "events"])
async def test_a_call_about_another_customer_does_not_reach_the_platform(
    gateway: RunningGateway, platform: Platform, subtests: pytest.Subtests, path: str
) -> None:
    for body in OTHER_CUSTOMERS:
        with subtests.test(**body):
            assert await send(gateway, path, body) in (400, 401)
            assert platform.seen == []
            assert await gateway.rows("SELECT * FROM record") == []


async def test_an_invalid_token_does_not_reach_the_platform(
    gateway: RunningGateway, platform: Platform
) -> None:
    assert await send(gateway, "customers", {"customerId": "ann"}, token()[:-4] + "AAAA") == 401
    assert await send(gateway, "orders", {"customerId": "ann"}) == 401
    assert platform.seen == []
