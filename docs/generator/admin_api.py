"""The page of the admin API, from the OpenAPI document that the gateway itself serves."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from docs.generator.text import bullet, paragraph, sentence
from gateway.http.admin.openapi import document
from gateway.http.admin.operation import PREFIX
from gateway.http.admin.routes import OPERATIONS

Schema = Mapping[str, Any]
_REFERENCE = "#/components/schemas/"


def lines() -> Iterator[str]:
    described = document(OPERATIONS)
    schemas: dict[str, Schema] = described["components"]["schemas"]
    operations = [
        (method.upper(), path.removeprefix(PREFIX), operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    refusals = [set(_codes(operation)) for _, _, operation in operations]
    common = set[str].intersection(*refusals)
    yield paragraph(
        f"The admin API is on `[server] admin_listen`, below `{PREFIX}`. `GET {PREFIX}/openapi.json` is the same as this "
        "page for programs (OpenAPI 3.1). Every call needs `Authorization: Bearer TOKEN`; `gateway admin-token` prints the "
        "token. The commands of the [command line](cli.md) use these operations."
    )
    yield ""
    yield paragraph(
        "Each operation names the least role that it needs: a viewer reads, a steward also decides about customers, and an "
        "admin may do everything. The admin token has the role of an admin. In the OpenAPI document the role is `x-role`."
    )
    yield ""
    yield paragraph(
        "Lists come in pages: `next` of an answer is the `cursor` of the next call. Every operation can be refused with "
        f"{_and(sorted(common))}; below each operation are its other codes. [Errors](errors.md#the-admin-listener) explains "
        "them."
    )
    yield ""
    for method, path, operation in operations:
        yield from _operation(method, path, operation, schemas, common)
    yield from ("## Types", "")
    for name, schema in sorted(schemas.items()):
        if "properties" in schema and not name.startswith("Page_"):
            yield from _type(name, schema, schemas)


def _operation(
    method: str, path: str, operation: Schema, schemas: Mapping[str, Schema], common: set[str]
) -> Iterator[str]:
    yield from (f"## `{method} {path}`", "", paragraph(sentence(operation["description"])), "")
    yield bullet(f"role: {operation['x-role']}")
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            continue
        kind = "header" if parameter["in"] == "header" else "parameter"
        about = parameter.get("description", "") or parameter["schema"].get("description", "")
        needed = ", required" if parameter["required"] else ""
        told = f". {sentence(about)}" if about else ""
        yield bullet(f"{kind} `{parameter['name']}`: {_form(parameter['schema'], schemas)}{needed}{told}")
    if body := operation.get("requestBody"):
        yield bullet(f"body: {_content(body['content'], schemas)}{'' if body['required'] else ', optional'}")
    status, answer = next(item for item in operation["responses"].items() if item[0].startswith("2"))
    tagged = ", with the profile's version as `ETag`" if "headers" in answer else ""
    yield bullet(f"answer {status}: {_content(answer['content'], schemas)}{tagged}")
    if own := [code for code in _codes(operation) if code not in common]:
        yield bullet(f"refused with: {_and(own)}")
    yield ""


def _codes(operation: Schema) -> Iterator[str]:
    for status, answer in operation["responses"].items():
        if not status.startswith("2"):
            yield from answer["description"].split(", ")


def _content(content: Mapping[str, Schema], schemas: Mapping[str, Schema]) -> str:
    if "text/event-stream" in content:
        event = content["text/event-stream"]["schema"]["contentSchema"]
        data = event["properties"]["data"]["contentSchema"]
        return f"`text/event-stream`, each event with {_form(data, schemas)}"
    json = _form(content["application/json"]["schema"], schemas)
    other = [f"`{name}`" for name in content if name != "application/json"]
    return f"{json}{f', or {_and(other, quoted=True)}' if other else ''}"


def _type(name: str, schema: Schema, schemas: Mapping[str, Schema]) -> Iterator[str]:
    yield from (f"### {name}", "")
    if about := schema.get("description", ""):
        yield from (paragraph(sentence(about)), "")
    required = schema.get("required", ())
    for key, form in schema["properties"].items():
        optional = "" if key in required else ", optional"
        told = f". {sentence(form['description'])}" if "description" in form else ""
        yield bullet(f"`{key}`: {_form(form, schemas)}{optional}{told}")
    yield ""


def _form(schema: Schema, schemas: Mapping[str, Schema]) -> str:
    """A schema in words."""
    if "$ref" in schema:
        return _named(schema["$ref"].removeprefix(_REFERENCE), schemas)
    if "anyOf" in schema:
        return " or ".join(_form(one, schemas) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{word}`" for word in schema["enum"])
    match schema.get("type"):
        case "array":
            return f"list of {_form(schema['items'], schemas)}" if schema.get("items") else "list"
        case "string":
            return "time (RFC 3339)" if schema.get("format") == "date-time" else "text"
        case "integer" | "number":
            return f"number{_range(schema)}"
        case None:
            return "any JSON"
        case kind:
            return {"object": "object", "boolean": "true or false", "null": "null"}[kind]


def _named(name: str, schemas: Mapping[str, Schema]) -> str:
    schema = schemas[name]
    if name.startswith("Page_"):
        return f"a page of {_form(schema['properties']['items']['items'], schemas)}"
    return f"[{name}](#{name.lower()})" if "properties" in schema else _form(schema, schemas)


def _range(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    return f" from {least} to {most}" if least is not None and most is not None else ""


def _and(words: Iterable[str], *, quoted: bool = False) -> str:
    shown = [word if quoted else f"`{word}`" for word in words]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
