"""The platform's operations as data, and what one call of them looks like."""

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote

from aiohttp import web
from multidict import CIMultiDict
from typing_extensions import override

SECOND = 1_000
API_KEY, SECRET_KEY = "upstream-api-key-0123456789", "upstream-secret-key-0123456789"
_TYPES = {
    1: "AUTHENTICATION_ERROR",
    3: "PAYLOAD_ERROR",
    4: "GENERAL_ERROR",
    5: "SERVER_ERROR",
    9: "TRANSACTIONS_ERROR",
}
_FACTS = Path(__file__).parents[1] / "http" / "proxy" / "platform_operations.txt"
_FAST, _PREVIEW, _USUAL = (100, 1_200), (1_000, 15_000), (30, 360)


class Clock(Protocol):
    def now(self) -> int: ...


class OwnClock:
    """Real time that the test can move on."""

    def __init__(self) -> None:
        self._ahead = 0

    def now(self) -> int:
        return time.time_ns() // 1_000_000 + self._ahead

    def advance(self, span: int) -> None:
        self._ahead += span


class Seen(NamedTuple):
    """A request as it arrived."""

    method: str
    raw_path: str
    headers: CIMultiDict[str]
    body: bytes
    at: int
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def path(self) -> str:
        """Below the version, without the query, as it was encoded."""
        return self.raw_path.partition("?")[0].partition("/integrations")[2]


@dataclass(slots=True)
class Customer:
    gameball_id: int
    attributes: dict[str, Any] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    active: bool = True
    guest: bool = False
    achieved: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    activities: list[dict[str, Any]] = field(default_factory=list)
    points: int = 0


class Operation(NamedTuple):
    method: str
    path: tuple[str, ...]
    secret: bool
    creates: bool
    asked: frozenset[str]
    answered: tuple[str, ...]


class Call(NamedTuple):
    operation: Operation
    parameters: dict[str, str]
    query: dict[str, str]
    body: Any

    @property
    def customer_id(self) -> str | None:
        in_body = self.body.get("customerId") if isinstance(self.body, dict) else None
        return self.parameters.get("customerId") or self.query.get("customerId") or in_body


def _operations() -> Iterator[Operation]:
    for line in _FACTS.read_text().splitlines():
        if not line.startswith("#"):
            asked, _, answered = line.partition("->")
            method, path, keys, creates, *places = asked.split()
            yield Operation(
                method,
                tuple(path.split("/")),
                keys == "KS",
                creates == "creates",
                frozenset(places),
                tuple(answered.split()),
            )
    for method, path, secret in (
        ("POST", "/customers/{customerId}/delete", True),
        ("GET", "/batch/{batchId}", True),
        ("DELETE", "/batch/{batchId}", True),
        ("POST", "/inapp-messages/sync", False),
        ("POST", "/inapp-messages/events", False),
        ("POST", "/inapp-messages/variables", False),
        ("POST", "/mobile/logs", False),
        ("POST", "/customers/{customerId}/notifications/read", True),
        ("POST", "/event", False),
        ("POST", "/transaction/cashback", True),
        ("POST", "/hold-points", True),
        ("POST", "/orders/calculate", False),
    ):
        yield Operation(method, tuple(path.split("/")), secret, False, frozenset(), ())


OPERATIONS = sorted(_operations(), key=lambda operation: sum(part.startswith("{") for part in operation.path))


class Refused(Exception):
    def __init__(self, status: int, code: int, message: str, *, short: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "type": _TYPES[code // 1_000], "message": message}
        if not short:
            self.body |= {"documentationUrl": "https://docs.example.com/errors", "requestId": "0HN7:00000001"}


def find_operation(method: str, parts: list[str]) -> tuple[Operation, dict[str, str]] | None:
    for operation in OPERATIONS:
        if operation.method == method and len(operation.path) == len(parts):
            pairs = list(zip(operation.path, parts, strict=True))
            if all(wanted.startswith("{") or wanted == part for wanted, part in pairs):
                return operation, {
                    wanted[1:-1]: unquote(part) for wanted, part in pairs if wanted.startswith("{")
                }
    return None


def rate_class_of(operation: Operation) -> tuple[str, tuple[int, int]]:
    first, last = operation.path[1], operation.path[-1]
    if first == "customers":
        return ("customers read", _FAST) if operation.method == "GET" else ("customers write", _USUAL)
    if first == "events":
        return "events", _FAST
    if first == "orders" and last in {"cashback", "reward-preview"}:
        return "order previews", _PREVIEW
    return (first if first in {"orders", "coupons", "transactions"} else "others"), _USUAL


def parsed(body: bytes) -> Any:
    if not body:
        return {}
    try:
        return json.loads(body)
    except ValueError:
        raise Refused(400, 3016, "invalid payload") from None


def required(call: Call, name: str, message: str) -> Any:
    value = call.body.get(name) if isinstance(call.body, dict) else None
    if value in (None, ""):
        raise Refused(400, 3000, message)
    return value


class AnsweredByHand(web.StreamResponse):
    """Stands for an answer that is on the wire already; the connection goes on if it still can."""

    @property
    @override
    def keep_alive(self) -> bool:
        return True

    async def prepare(self, request: web.BaseRequest) -> None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        return None
