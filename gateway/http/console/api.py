"""The admin API as pages: what each operation needs, takes and answers, and a form to try those that only read."""

import json
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web

from gateway.errors import Refusal
from gateway.http.admin.example import EXAMPLES
from gateway.http.admin.openapi import document
from gateway.http.admin.operation import PREFIX, Operation
from gateway.http.admin.routes import OPERATIONS
from gateway.http.console.visit import Visit
from gateway.model import includes

_NAMED = {operation.name: operation for operation in OPERATIONS}


async def to_docs(_: Visit) -> web.Response:
    return web.Response(status=303, headers={"Location": "/console/api"})


async def show_operations(visit: Visit) -> web.Response:
    described = _described()
    subjects = [
        (tag["name"], tag["description"], [one for one in described.values() if one["tags"] == [tag["name"]]])
        for tag in _document()["tags"]
    ]
    return visit.page(
        "api.html",
        section="system",
        title=visit.text("api", "title"),
        json="/openapi.json",
        subjects=subjects,
    )


async def show_operation(visit: Visit) -> web.Response:
    operation = _operation(visit)
    one = _described()[operation.name]
    bodies = one.get("requestBody", {}).get("content", {})
    answers = [
        (status, answer["description"], _as_text(answer["content"]))
        for status, answer in one["responses"].items()
    ]
    return visit.page(
        "api_operation.html",
        section="system",
        title=f"{operation.method} {PREFIX}{operation.path}",
        json="/openapi.json",
        one=one,
        body=_as_text(bodies) if bodies else "",
        answers=answers,
        example=_example(operation),
        allowed=includes(visit.operator.role, operation.role),
        fields=_fields(one) if operation.method == "GET" and not operation.live else None,
    )


async def try_operation(visit: Visit) -> web.Response:
    """To the operation's own address, which answers as it answers a program."""
    operation, path = _operation(visit), _operation(visit).path
    if operation.method != "GET" or operation.live:
        raise Refusal("not_found", "a page can only try operations that read")
    given = {name: text.strip() for name, text in visit.request.query.items() if text.strip()}
    for field in _fields(_described()[operation.name]):
        if field["in"] == "path":
            if field["name"] not in given:
                raise Refusal("bad_parameter", f"{field['name']}: is part of the path; fill it in")
            path = path.replace(f"{{{field['name']}}}", quote(given.pop(field["name"]), safe=""))
    query = {name: text for name, text in given.items() if name in operation.query.__struct_fields__}
    return web.Response(
        status=303, headers={"Location": PREFIX + path + (f"?{urlencode(query)}" if query else "")}
    )


def _operation(visit: Visit) -> Operation:
    found = _NAMED.get(visit.request.match_info["operation"])
    if found is None:
        raise Refusal("not_found", "there is no such operation")
    return found


def _fields(one: dict[str, Any]) -> list[dict[str, Any]]:
    return [parameter for parameter in one["parameters"] if parameter["in"] in ("path", "query")]


@cache
def _document() -> dict[str, Any]:
    return document(OPERATIONS)


@cache
def _described() -> dict[str, dict[str, Any]]:
    """Each operation of the document by its name, with its method and path."""
    return {
        one["operationId"]: {"method": method.upper(), "path": path, **one}
        for path, methods in _document()["paths"].items()
        for method, one in methods.items()
    }


def _example(operation: Operation) -> tuple[str, str]:
    """The request, as it is sent, and the answer."""
    example = EXAMPLES[operation.name]
    path = operation.path.format(
        **{name: quote(value, safe="") for name, value in example.get("path", {}).items()}
    )
    query = urlencode({name: _written(value) for name, value in example.get("query", {}).items()})
    line = f"{operation.method} {PREFIX}{path}{f'?{query}' if query else ''}"
    body = f"\n\n{_indented(example['body'])}" if "body" in example else ""
    return line + body, _indented(example["answer"])


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _indented(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _as_text(content: dict[str, Any]) -> str:
    """The schemas of a body by content type, with what they refer to."""
    shown: dict[str, Any] = {kind: described["schema"] for kind, described in content.items()}
    parts: dict[str, Any] = {}
    _gather(shown, parts)
    return _indented(shown | parts)


def _gather(value: Any, parts: dict[str, Any]) -> None:
    match value:
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            if name not in parts:
                parts[name] = _document()["components"]["schemas"][name]
                _gather(parts[name], parts)
        case dict():
            for one in value.values():
                _gather(one, parts)
        case list():
            for one in value:
                _gather(one, parts)
        case _:
            pass
