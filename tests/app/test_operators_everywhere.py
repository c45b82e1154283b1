"""Operators and their sessions on two gateways that share a database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from gateway.http.admin.operation import PREFIX

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start

_LONGEST = 5


@pytest.fixture
def engine() -> str:
    return "postgres"


async def status(gateway: RunningGateway, headers: dict[str, str]) -> int:
    async with gateway.client.get(f"{gateway.admin_url}{PREFIX}/me", headers=headers) as response:
        return response.status


async def becomes(gateway: RunningGateway, headers: dict[str, str], expected: int) -> None:
    async with asyncio.timeout(_LONGEST):
        while await status(gateway, headers) != expected:  # noqa: ASYNC110 - it comes true in the other gateway's poll
            await asyncio.sleep(0.02)


async def change(gateway: RunningGateway, method: str, path: str, **options: Any) -> Any:
    async with gateway.admin(method, path, **options) as response:
        assert response.status < 300
        return await response.json()


async def test_a_change_to_an_operator_reaches_the_other_gateway_within_five_seconds(
    start: Start,
) -> None:
    patient = "[limits]\nfailures_per_minute = 0"
    async with start(patient) as one, start(patient) as other:
        issued = await change(one, "POST", "operators", json={"name": "ann", "role": "viewer"})
        old = {"Authorization": f"Bearer {issued['token']}"}
        await becomes(other, old, 200)
        async with one.client.post(f"{one.admin_url}{PREFIX}/sessions", headers=old) as response:
            cookie = {"Cookie": response.headers["Set-Cookie"].partition(";")[0]}
            one.client.cookie_jar.clear()
        assert await status(other, cookie) == 200, "a log-in counts everywhere at once"
        issued = await change(one, "POST", "operators/ann/rotate", json={"grace_seconds": 600})
        new = {"Authorization": f"Bearer {issued['token']}"}
        assert await status(other, cookie) == 401
        while await status(other, new) != 200:
            assert await status(other, old) == 200, "no gap before the new token is known"
        assert await status(other, old) == 200
        await change(one, "DELETE", "operators/ann")
        await becomes(other, new, 401)
        await becomes(other, old, 401)
