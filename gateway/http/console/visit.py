"""One request for a page, by an operator who is logged in: what it asks of the admin API's handlers, what its form says, and the
page that answers it."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from aiohttp import hdrs, web
from multidict import CIMultiDict, MultiMapping

from gateway.errors import Refusal
from gateway.http.admin.listing import Page, Query
from gateway.http.admin.operation import PREFIX, B, Call, Q, holds_nul
from gateway.http.admin.operators import Operator
from gateway.http.admin.problem import status_of
from gateway.http.admin.routes import OPERATIONS
from gateway.http.console.form import read_form
from gateway.http.console.render import TEXTS, page
from gateway.http.services import Services
from gateway.ids import read
from gateway.model import Caller, Command, Refused, includes

R = TypeVar("R")
T = TypeVar("T")
_OPERATIONS = {operation.name: operation for operation in OPERATIONS}
_PLACES = (
    ("today", "/console/"),
    ("find", "/console/find"),
    ("reviews", "/console/reviews/people"),
    ("merges", "/console/merges"),
    ("achievements", "/console/achievements"),
    ("deliveries", "/console/deliveries"),
    ("rules", "/console/rules"),
    ("audit", "/console/audit"),
    ("system", "/console/system"),
)
NO_QUERY = Query()
_FIELD = re.compile(r"(?:\$\.|required field `)(\w+)")
"""How an error names the field of a form that does not fit."""


@dataclass(slots=True)
class PageCall(Call[Q]):
    """A call of an operation by a page: the body is what the page read from its form."""

    given: Any = None
    version: int | None = None

    @property
    def has_body(self) -> bool:
        return self.given is not None

    def expected_version(self) -> int | None:
        return self.version

    async def submit(self, command: Command[R | Refused]) -> R:
        """To look at a page never changes anything, whatever the page asks for."""
        if self.request.method != "POST":
            raise TypeError("a page that is only read has submitted a command")
        return await super(PageCall, self).submit(command)

    async def body(self, kind: type[B], *, any_text: bool = False) -> B:
        if not any_text and holds_nul(msgspec.to_builtins(self.given)):
            raise Refusal("bad_body", "the form holds a NUL character; delete it")
        try:
            return msgspec.convert(self.given, kind)
        except msgspec.ValidationError as error:
            told = str(error)
            field = _FIELD.search(told)
            words = TEXTS["filled_in"].get(field[1]) if field else None
            raise Refusal("bad_body", words or f"the form does not fit: {told}") from None


@dataclass(slots=True)
class Visit:
    request: web.Request
    services: Services
    caller: Caller
    operator: Operator

    def may(self, operation: str) -> bool:
        """Whether the operator's role allows the operation of the admin API with this name."""
        return includes(self.operator.role, _OPERATIONS[operation].role)

    async def ask(
        self,
        handler: Callable[[Call[Q]], Awaitable[T]],
        query: Q,
        body: Any = None,
        version: int | None = None,
    ) -> T:
        """What the operation of the admin API answers. Raises Refusal, also for a role that does not allow it."""
        operation = _OPERATIONS[handler.__name__]
        self.operator.require(operation.role)
        call = PageCall(self.request, self.services, self.caller, query, given=body, version=version)
        return await operation.answered(call)

    async def download(
        self, handler: Callable[[Call[Q]], Awaitable[Any]], query: Q, content_type: str
    ) -> web.StreamResponse:
        """The whole list in this form, as a program would ask for it."""
        headers = CIMultiDict(self.request.headers)
        headers[hdrs.ACCEPT] = content_type
        asked = self.request.clone(headers=headers)
        return await replace(self, request=asked).ask(handler, query)

    async def look_up(
        self, handler: Callable[[Call[Q]], Awaitable[Any]], kind: type[Q], **usual: int
    ) -> tuple[Page[Any], str]:
        """The page of a list that the address asks for; `usual` is for what it does not say. If a filter cannot be used: an empty
        page, and what is wrong."""
        try:
            return await self.ask(handler, self.query(kind, **usual)), ""
        except Refusal as refusal:
            if status_of(refusal.code) not in (400, 404):
                raise
            return Page([], None), str(refusal)

    def query(self, kind: type[Q], form: MultiMapping[str] | None = None, /, **usual: int) -> Q:
        """The filters in the address, or those in this form. A form also sends its empty fields, which do not count."""
        fields = kind.__struct_fields__
        sent = self.request.query if form is None else form
        given = {name: text.strip() for name, text in sent.items() if name in fields}
        if any("\0" in text for text in given.values()):
            raise Refusal("bad_parameter", "a filter holds a NUL character; delete it")
        try:
            asked = {name: text for name, text in given.items() if text}
            return msgspec.convert({**usual, **asked}, kind, strict=False)
        except msgspec.ValidationError as error:
            raise Refusal("bad_parameter", str(error).replace("`$.", "`")) from None

    async def form(self) -> MultiMapping[str]:
        return await read_form(self.request)

    async def confirm(self, handler: Callable[..., Any], word: str) -> None:
        """Raises Refusal unless the operator may do it and typed this word, exactly."""
        self.operator.require(_OPERATIONS[handler.__name__].role)
        if (await self.form()).get("confirm", "").strip() != word:
            raise Refusal("not_confirmed", f"type {word} to confirm; nothing was changed")

    def text(self, part: str, name: str) -> str:
        return TEXTS[part][name]

    def page(
        self, template: str, *, section: str, title: str, json: str = "", status: int = 200, **values: Any
    ) -> web.Response:
        """`json` is the path of the same answer in the admin API."""
        own: dict[str, Any] = {
            "title": title,
            "section": section,
            "json": PREFIX + json if json else "",
            "may": self.may,
            "given": self.request.query,
            "path": self.request.path,
            "further": self._further,
        }
        return page(
            template, frame(self.request, self.operator, self.caller.request_id) | own | values, status
        )

    def _further(self, cursor: str) -> str:
        kept = {
            name: text
            for name, text in self.request.query.items()
            if text and name not in ("done", "now", "answered")
        }
        return f"{self.request.path}?{urlencode(kept | {'cursor': cursor})}"


def frame(request: web.Request, operator: Operator | None, request_id: str) -> dict[str, Any]:
    """What the frame of each page needs. Without an operator, the page stands alone."""
    done, now, answered = (request.query.get(name, "") for name in ("done", "now", "answered"))
    visitor = None
    if operator is not None:
        visitor = {
            "name": operator.name,
            "role": operator.role,
            "session": operator.session,
            "csrf": operator.csrf,
        }
    return {
        "visitor": visitor,
        "places": [{"name": name, "href": href} for name, href in _PLACES],
        "section": "",
        "json": "",
        "done": done if done in TEXTS["done"] else "",
        "now": now if read("prf", now) is not None else "",
        "answered": answered if read("rev", answered) is not None else "",
        "request_id": request_id,
    }


def go(place: str, done: str = "", **more: str) -> web.Response:
    """Answer a form: the browser gets the page at `place`, which says what was done. `done` is a key of the texts."""
    query = urlencode(({"done": done} if done else {}) | more)
    return web.Response(status=303, headers={"Location": place + (f"?{query}" if query else "")})
