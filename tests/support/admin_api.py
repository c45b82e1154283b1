"""How tests ask the admin API, and what a refusal looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


WHY = {"reason": "they said so"}


async def ask(
    gateway: RunningGateway, method: str, path: str, expected: int = 200, body: Any = None, **options: Any
) -> Any:
    if body is not None:
        options["json"] = body
    async with gateway.admin(method, path, **options) as response:
        assert response.status == expected, await response.text()
        return await response.json(content_type=None)


async def refused(
    gateway: RunningGateway, method: str, path: str, status: int, code: str, body: Any = None, **options: Any
) -> str:
    problem = await ask(gateway, method, path, status, body, **options)
    assert problem["code"] == code
    return problem["detail"]
