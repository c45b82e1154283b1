"""The OpenAPI document. It is generated from the table of operations and their types, so it is never out of date."""

import inspect
import re
import sys
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec

from gateway.http.admin.example import EXAMPLES
from gateway.http.admin.operation import PREFIX, Operation
from gateway.http.admin.problem import CODES, Problem, status_of

_COMMON = (
    "bad_parameter",
    "unauthorized",
    "forbidden_role",
    "csrf_refused",
    "origin_refused",
    "wrong_host",
    "too_many_requests",
    "unavailable",
)
_WITH_BODY = ("bad_body", "body_timeout", "too_large", "unsupported_media_type")
_VERSION = {"type": "string", "pattern": r'^"\d{1,18}"$', "examples": ['"3"']}
_ETAG = {"headers": {"ETag": {"description": "the profile's version", "schema": _VERSION}}}


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    operations = tuple(operations)
    types = list({id(kind): kind for one in operations for kind in (one.answer, one.body) if kind}.values())
    (*schemas, _), components = msgspec.json.schema_components(
        [*types, Problem], ref_template="#/components/schemas/{name}"
    )
    by_type = {id(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(PREFIX + one.path, {})[one.method.lower()] = _operation(one, by_type)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Gateway admin API", "version": version("loyalty-identity-gateway")},
        "security": [{"token": []}, {"session": []}],
        "tags": _tags(operations),
        "paths": paths,
        "components": {
            "schemas": {name: _with_items(schema) for name, schema in components.items()},
            "examples": {code: {"value": _problem(code)} for code in sorted(CODES)},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "gateway_session"},
            },
        },
    }


def _with_items(schema: Any) -> Any:
    """The schema with `items` for each array. JSON Schema lets an array of anything do without; generators of clients do not."""
    match schema:
        case dict():
            named = {name: _with_items(value) for name, value in schema.items()}
            return {"items": {}, **named} if named.get("type") == "array" else named
        case list():
            return [_with_items(one) for one in schema]
        case _:
            return schema


def _tags(operations: Iterable[Operation]) -> list[dict[str, str]]:
    """The subjects of the operations, each with what the module of its name says about itself."""
    modules: dict[str, str] = {}
    for one in operations:
        name, module = _subject(one), one.handler.__module__
        if name not in modules or module.endswith(f".{name}"):
            modules[name] = module
    about = {name: inspect.getdoc(sys.modules[module]) or "" for name, module in modules.items()}
    return [{"name": name, "description": " ".join(about[name].split())} for name in sorted(about)]


def _subject(one: Operation) -> str:
    """The first word of the path."""
    return re.split(r"\W", one.path, maxsplit=2)[1]


def _operation(one: Operation, schemas: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    example = EXAMPLES.get(one.name, {})
    parameters = [*_path_parameters(one.path), *_query_parameters(one), *_header_parameters(one)]
    described: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "x-role": one.role,
        "description": " ".join([f"{one.summary}.", *(inspect.getdoc(one.handler) or "").split()]),
        "tags": [_subject(one)],
        "parameters": [_with_example(parameter, example) for parameter in parameters],
        "responses": {str(one.status.value): _answer(one, schemas, example)} | _refusals(one),
    }
    if one.body is not None:
        sent = {"example": example["body"]} if "body" in example else {}
        content: dict[str, Any] = {"application/json": {"schema": schemas[id(one.body)], **sent}}
        if one.plain_text:
            content["text/plain"] = {"schema": {"type": "string"}}
        required = any(field.required for field in msgspec.structs.fields(one.body))
        described["requestBody"] = {"required": required, "content": content}
    return described


def _with_example(parameter: dict[str, Any], example: Mapping[str, Any]) -> dict[str, Any]:
    given = example.get(parameter["in"], {})
    return parameter | ({"example": given[parameter["name"]]} if parameter["name"] in given else {})


def _answer(
    one: Operation, schemas: Mapping[int, dict[str, Any]], example: Mapping[str, Any]
) -> dict[str, Any]:
    answer = schemas[id(one.answer)]
    got = {"example": example["answer"]} if example else {}
    content: dict[str, Any] = {"application/json": {"schema": answer, **got}}
    if one.live:
        sent = {"example": _event(_subject(one), example["answer"])} if example else {}
        content = {"text/event-stream": {"schema": _events_of(answer), **sent}}
    if one.streams:
        content["application/x-ndjson"] = {"schema": {"type": "string", "description": "one item a line"}}
    if one.csv:
        content["text/csv"] = {"schema": {"type": "string", "description": "one item a line, under names"}}
    return {"description": one.summary, "content": content} | (_ETAG if one.tagged else {})


def _events_of(answer: dict[str, Any]) -> dict[str, Any]:
    """A text of server-sent events. The schema of the content is that of one event: its data is the text of the answer."""
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": answer}
    properties = {"id": {"type": "string"}, "event": {"type": "string"}, "data": data}
    event = {"type": "object", "properties": properties, "required": ["event", "data"]}
    return {"type": "string", "contentMediaType": "text/event-stream", "contentSchema": event}


def _event(name: str, data: dict[str, Any]) -> str:
    told = f"id: {data['id']}\n" if "id" in data else ""
    return f"{told}event: {name}\ndata: {msgspec.json.encode(data).decode()}\n\n"


def _problem(code: str) -> dict[str, Any]:
    status = HTTPStatus(status_of(code))
    return {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "code": code,
        "detail": CODES[code].meaning,
        "request_id": "req_018f4a0c6f1d2e3b",
    }


def _refusals(one: Operation) -> dict[str, Any]:
    codes: dict[int, list[str]] = {}
    by_shape = (
        *(_WITH_BODY if one.body else ()),
        *(("not_found",) if "{" in one.path else ()),
        *(("version_changed",) if one.conditional else ()),
    )
    for code in dict.fromkeys((*_COMMON, *by_shape, *one.refusals)):
        codes.setdefault(status_of(code), []).append(code)
    return {
        str(status): {"description": ", ".join(named), "content": _problems(named)}
        for status, named in sorted(codes.items())
    }


def _problems(codes: Iterable[str]) -> dict[str, Any]:
    examples = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"application/problem+json": {"schema": schema, "examples": examples}}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(one: Operation) -> list[dict[str, Any]]:
    schema = msgspec.json.schema(one.query)["$defs"][one.query.__name__]
    return [
        {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": form}
        for name, form in schema["properties"].items()
    ]


def _header_parameters(one: Operation) -> list[dict[str, Any]]:
    if one.live:
        about = "the id of the last event that arrived, if events have ids: the stream continues after it"
        text = {"type": "string"}
        return [
            {"name": "Last-Event-ID", "in": "header", "required": False, "description": about, "schema": text}
        ]
    if not one.conditional:
        return []
    about = "the profile's version from its ETag; refused if the profile has changed since"
    return [{"name": "If-Match", "in": "header", "required": False, "description": about, "schema": _VERSION}]
