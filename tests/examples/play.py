"""Sends the requests of the examples to a gateway, and turns what comes back into what the document shows."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any
from urllib.parse import quote

import msgspec

from gateway.http.admin.operation import PREFIX, Operation
from gateway.http.admin.routes import OPERATIONS
from tests.examples.requests import Request
from tests.examples.shop import Shop, put_names, shown_as
from tests.support.running_gateway import ADMIN_TOKEN

BY_NAME: Mapping[str, Operation] = {one.name: one for one in OPERATIONS}
_ID = re.compile(r"\b(prf|rec|ach|led|mrg|rev|evt|dlv|job|req|srh)_[0-9a-f]{16}\b")
_SECRETS = ("token", "api_key", "secret_key", "csrf")
_MOST_ITEMS, _LONGEST = 2, 400


async def send(shop: Shop, request: Request) -> Any:
    """What is answered; of a live stream, what its first event holds."""
    operation = BY_NAME[request.operation]
    path, query, body = (
        shop.resolved(part) for part in (dict(request.path), dict(request.query), request.body)
    )
    address = operation.path.format(**{name: quote(value, safe="") for name, value in path.items()})
    async with shop.gateway.client.request(
        operation.method,
        f"{shop.gateway.admin_url}{PREFIX}{address}",
        params={name: _written(value) for name, value in query.items()},
        json=body,
        headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
    ) as answer:
        assert answer.status == operation.status, (request.operation, answer.status, await answer.text())
        if not operation.live:
            return await answer.json()
        async for line in answer.content:
            if line.startswith(b"data: "):
                return json.loads(line.removeprefix(b"data: "))
    raise AssertionError(f"{request.operation}: the stream ended without an event")


def _written(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool | int) else value


def asked(shop: Shop, request: Request) -> dict[str, Any]:
    """The request as the document shows it; parts that are empty are left out."""
    shown = {name: shown_as(name, value) for name, value in shop.names.items()}
    parts = {"path": dict(request.path), "query": dict(request.query), "body": request.body}
    return {name: put_names(part, shown) for name, part in parts.items() if part}


def answered(shop: Shop, request: Request, answer: Any) -> Any:
    """The answer as the document shows it: with other ids, without secrets, and no longer than it has to be."""
    if request.operation == "openapi":
        return {name: answer[name] for name in ("openapi", "info")}
    known = {value: shown_as(name, value) for name, value in shop.names.items()}
    known[str(shop.gateway.directory)] = "/var/lib/gateway"
    text = json.dumps(_without_secrets(answer))
    for value in sorted(known, key=len, reverse=True):
        text = text.replace(json.dumps(value)[1:-1], json.dumps(known[value])[1:-1])
    text = re.sub(r"127\.0\.0\.1:[1-9]\d+", "127.0.0.1:9000", text)
    others = _others(request.operation)
    shown = set(known.values())
    names: dict[str, str] = {}

    def rename(found: re.Match[str]) -> str:
        if found[0] in shown:
            return found[0]
        return names.setdefault(found[0], f"{found[1]}_{next(others)}")

    return _short(json.loads(_ID.sub(rename, text)))


def _others(operation: str) -> Iterator[str]:
    """Invented ids, without their prefix."""
    for number in count():
        yield "018e" + hashlib.sha256(f"{operation} {number}".encode()).hexdigest()[:12]


def _without_secrets(value: Any) -> Any:
    match value:
        case dict():
            return {
                name: f"the-{name.replace('_', '-')}" if name in _SECRETS and one else _without_secrets(one)
                for name, one in value.items()
            }
        case list():
            return [_without_secrets(one) for one in value]
        case _:
            return value


def _short(value: Any) -> Any:
    match value:
        case dict():
            return {name: _short(one) for name, one in value.items()}
        case list():
            return [_short(one) for one in value[:_MOST_ITEMS]]
        case str() if len(value) > _LONGEST:
            return value[:_LONGEST] + "…"
        case _:
            return value


def is_whole(operation: Operation, answer: Any) -> bool:
    """Whether the answer has every field of the operation's type as it is now, and no other."""
    try:
        read = msgspec.json.decode(msgspec.json.encode(answer), type=operation.answer)
    except msgspec.ValidationError:
        return False
    return msgspec.json.decode(msgspec.json.encode(read)) == answer
