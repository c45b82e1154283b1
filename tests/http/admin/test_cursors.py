"""Cursors that no list returned: a program made them up, or took them from another list."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any

from gateway.http.admin.routes import OPERATIONS

if TYPE_CHECKING:
    import pytest

    from tests.support.running_gateway import RunningGateway

LISTS = [one for one in OPERATIONS if one.method == "GET" and "cursor" in one.query.__struct_fields__]
MADE_UP: list[Any] = [
    *("\0", "a\0b", "x", None, -1, 2**63 - 1, 2**63, 1.5, [], {}),
    *([1, 2], [0, "\0"], [0, "\0", "\0"], ["\0", 1], ["email", "\0", 1]),
    *(["same_identifier", "\0", "\0"], ["same_identifier", 1, "\0"], ["same_identifier", "\0", 1]),
]


async def test_a_made_up_cursor_is_refused_or_finds_nothing(
    gateway: RunningGateway, engine: str, subtests: pytest.Subtests
) -> None:
    for one in LISTS:
        path = one.path.replace("{name}", "stores").replace("{id}", "prf_0000000000000001").removeprefix("/")
        for place in MADE_UP:
            cursor = urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
            with subtests.test(path, place=place):
                async with gateway.admin("GET", f"{path}?cursor={cursor}") as response:
                    assert response.status in (200, 400, 404), (engine, await response.text())
