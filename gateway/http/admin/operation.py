"""One operation of the admin API: a row of the table from which the routes and the OpenAPI document are both built."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Generic, TypeVar

import msgspec
from aiohttp import web

from gateway.audit.event import Action
from gateway.errors import Refusal
from gateway.http.admin.listing import Query
from gateway.http.admin.mistakes import told
from gateway.http.admin.operators import CSRF_HEADER, OPERATOR
from gateway.http.admin.read_audit import note_read
from gateway.http.services import SERVICES, Services
from gateway.ids import Prefix, read
from gateway.model import Caller, Command, Effects, Refused, Role

Q = TypeVar("Q", bound=Query)
B = TypeVar("B")
T = TypeVar("T")

CALLER = web.RequestKey("caller", Caller)
PREFIX = "/admin/v1"
_encode = msgspec.json.Encoder().encode
_ESCAPED_NUL = "\\u0000"
_VERSION = re.compile(r'"(\d{1,18})"', re.ASCII)


def holds_nul(value: Any) -> bool:
    match value:
        case str():
            return "\0" in value
        case list():
            return any(map(holds_nul, value))
        case dict():
            return any(holds_nul(one) for pair in value.items() for one in pair)
        case _:
            return False


@dataclass(slots=True)
class Call(Generic[Q]):
    """One authenticated request with its checked query. `headers` are added to the answer."""

    request: web.Request
    services: Services
    caller: Caller
    query: Q
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def id(self, prefix: Prefix) -> int:
        """The `{id}` of the path. Raises Refusal if it is not an id of this kind."""
        number = read(prefix, self.request.match_info["id"])
        if number is None:
            raise Refusal(
                "not_found", f"there is no such id; write it as {prefix}_ and 16 hexadecimal digits"
            )
        return number

    def expected_version(self) -> int | None:
        """The version in `If-Match`; None if any version is allowed. Raises Refusal for a text that is not a version."""
        given = self.request.headers.get("If-Match", "*").strip()
        if given == "*":
            return None
        version = _VERSION.fullmatch(given)
        if version is None:
            raise Refusal(
                "bad_parameter", 'If-Match: is not a version; send the ETag as it was given, such as "3"'
            )
        return int(version[1])

    def tag(self, version: int) -> None:
        """Send a profile's version with the answer, for the next `If-Match`."""
        self.headers["ETag"] = f'"{version}"'

    @property
    def has_body(self) -> bool:
        return self.request.body_exists

    async def text(self) -> str:
        try:
            async with asyncio.timeout(self.services.config.server.body_timeout / 1_000):
                return (await self.request.read()).decode("utf-8-sig")
        except TimeoutError:
            raise Refusal("body_timeout", "the body did not arrive in time; send it again") from None
        except UnicodeDecodeError:
            raise Refusal("bad_body", "the body is not UTF-8 text") from None

    async def body(self, kind: type[B], *, any_text: bool = False) -> B:
        """The JSON body. Raises Refusal, naming the place that is wrong but no value of it. A NUL, which PostgreSQL takes in no
        text, is refused except with `any_text`."""
        if self.request.content_type != "application/json":
            raise Refusal("unsupported_media_type", "send JSON with Content-Type: application/json")
        text = await self.text()
        try:
            if not any_text and _ESCAPED_NUL in text and holds_nul(msgspec.json.decode(text)):
                raise Refusal("bad_body", "the body holds a NUL character; delete it")
            return msgspec.json.decode(text, type=kind)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
            raise Refusal("bad_body", f"the body does not fit: {told(error, kind)}") from None

    async def submit(self, command: Command[T | Refused]) -> T:
        """The committed outcome. If the gateway refuses the command, a Refusal is raised."""
        outcome = await self.services.pipeline.submit(command)
        if isinstance(outcome, Refused):
            raise Refusal(outcome.code, outcome.message)
        return outcome

    async def change(self, command: Command[T | Refused], *, dry_run: bool) -> tuple[T, Effects | None]:
        """The committed outcome; of a dry run the outcome that the command would have now, with its effects. If the gateway
        refuses the command, a Refusal is raised."""
        if not dry_run:
            return await self.submit(command), None
        outcome, effects = await self.services.pipeline.preview(command)
        if isinstance(outcome, Refused):
            raise Refusal(outcome.code, outcome.message)
        return outcome, effects


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`path` is below `/admin/v1`; `role` is the least that an operator needs for it. `tagged` answers carry a profile's version as
    `ETag`; `conditional` requests may name it in `If-Match`. `answer` is the body's type; `streams` says that `Accept:
    application/x-ndjson` gives the items of the answer one by one, `csv` that `text/csv` does so too. `live`: server-sent events
    with such answers, without end. `refusals` are the codes of this operation alone. `reads` is the audit event of a look at
    customers."""

    method: str
    path: str
    handler: Callable[[Call[Any]], Awaitable[Any]]
    role: Role
    summary: str
    answer: Any
    query: type[Query] = Query
    body: Any = None
    plain_text: bool = False
    tagged: bool = False
    conditional: bool = False
    streams: bool = False
    csv: bool = False
    live: bool = False
    status: HTTPStatus = HTTPStatus.OK
    refusals: tuple[str, ...] = ()
    reads: Action | None = None

    @property
    def name(self) -> str:
        return self.handler.__name__

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        operator = request[OPERATOR]
        operator.require(self.role)
        if self.method != "GET" and operator.csrf:
            operator.require_csrf(request.headers.get(CSRF_HEADER, ""))
        services = request.app[SERVICES]
        call = Call(request, services, request[CALLER], self._read_query(request))
        answer = await self.answered(call)
        if isinstance(answer, web.StreamResponse):
            return answer
        return web.Response(
            status=self.status,
            body=_encode(answer),
            content_type="application/json",
            headers=call.headers,
        )

    async def answered(self, call: Call[Any]) -> Any:
        """What the operation answers, also to a page that shows it. Nothing has a name with a NUL, and PostgreSQL cannot be asked
        for one."""
        if "\0" in "".join(call.request.match_info.values()):
            raise Refusal("not_found", "the path holds a NUL character; nothing has one in its name")
        if self.reads is not None:
            await note_read(call.services, call.caller, call.request, self.reads, call.query)
        return await self.handler(call)

    def _read_query(self, request: web.Request) -> Query:
        given = dict(request.query)
        known = self.query.__struct_fields__
        for name in given:
            if name not in known:
                usable = f"known here: {', '.join(known)}" if known else "there is none here"
                raise Refusal("unknown_parameter", f"{name[:50]}: is not a parameter; {usable}")
            if "\0" in given[name]:
                raise Refusal("bad_parameter", f"{name}: holds a NUL character; delete it")
            if len(request.query.getall(name)) > 1:
                raise Refusal("bad_parameter", f"{name}: is given twice; give it once")
        try:
            return msgspec.convert(given, self.query, strict=False)
        except msgspec.ValidationError as error:
            raise Refusal("bad_parameter", told(error, self.query).replace("`$.", "`")) from None
