"""A NUL, which PostgreSQL takes in no text, in every path, query and body of the admin API."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from yarl import URL

from gateway.http.admin.example import EXAMPLES
from gateway.http.admin.routes import OPERATIONS
from tests.support.running_gateway import ADMIN_TOKEN

if TYPE_CHECKING:
    import pytest

    from tests.support.running_gateway import RunningGateway

HEADERS = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
Request = tuple[str, str, Any]


def _texts(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, str):
        yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield from _texts(inner, (*place, name))


def _with_nul(value: Any, place: tuple[str | int, ...]) -> Any:
    changed = inner = copy.deepcopy(value)
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = "a\0b"
    return changed


def _requests() -> Iterator[Request]:
    for operation in OPERATIONS:
        if operation.live:
            continue
        example = EXAMPLES[operation.name]
        body, path = example.get("body"), operation.path.format(**example.get("path", {}))
        if "{" in operation.path:
            yield operation.method, re.sub(r"\{[^}]+\}", "a%00b", operation.path), body
        for name in operation.query.__struct_fields__:
            yield operation.method, f"{path}?{name}=a%00b", body
        for place in _texts(body):
            yield operation.method, path, _with_nul(body, place)


async def test_a_nul_makes_nothing_fail(gateway: RunningGateway, subtests: pytest.Subtests) -> None:
    for method, path, body in _requests():
        url = URL(f"{gateway.admin_url}/admin/v1{path}", encoded=True)
        sent = {"json": body} if body is not None else {}
        with subtests.test(f"{method} {path}", body=body):
            async with gateway.client.request(method, url, headers=HEADERS, **sent) as answer:
                assert answer.status < 500
