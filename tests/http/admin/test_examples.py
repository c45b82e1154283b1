"""The examples of the OpenAPI document: one for each operation, each sent to a real gateway and answered as the document says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from gateway.http.admin.example import EXAMPLES
from gateway.http.admin.openapi import document
from gateway.http.admin.operation import PREFIX, Operation
from gateway.http.admin.routes import OPERATIONS
from tests.examples.play import asked, is_whole, send
from tests.examples.requests import REQUESTS
from tests.examples.shop import open_shop

DOCUMENT = document(OPERATIONS)
WRITE = "run .venv/bin/python -m tests.examples.write"


def described(one: Operation) -> dict[str, Any]:
    return DOCUMENT["paths"][PREFIX + one.path][one.method.lower()]


def check(schema: dict[str, Any], value: Any) -> None:
    """Raises unless the value is as the schema of the document says."""
    within = {**schema, "components": DOCUMENT["components"]}
    jsonschema_rs.validator_for(within, validate_formats=True).validate(value)


@pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: one.name)
def test_an_example_is_as_its_operation_describes_it(one: Operation) -> None:
    example, operation = EXAMPLES[one.name], described(one)
    given = {**example.get("path", {}), **example.get("query", {})}
    assert given == {part["name"]: part["example"] for part in operation["parameters"] if "example" in part}
    for part in operation["parameters"]:
        if part["name"] in given:
            check(part["schema"], given[part["name"]])
        assert not part["required"] or part["name"] in given
    if "requestBody" in operation:
        body = operation["requestBody"]["content"]["application/json"]
        check(body["schema"], body["example"])
    assert is_whole(one, example["answer"]), f"{one.name}: its answer has other fields now: {WRITE}"
    (answer,) = (
        content
        for kind, content in operation["responses"][str(one.status.value)]["content"].items()
        if kind in ("application/json", "text/event-stream")
    )
    check(answer["schema"], answer["example"])
    assert example["answer"].get("items") != [], f"{one.name}: the example of a list shows nothing"


async def test_a_gateway_answers_each_example_as_the_document_says(tmp_path: Path) -> None:
    operations = {one.name: one for one in OPERATIONS}
    async with open_shop(tmp_path) as shop:
        for request in REQUESTS:
            one, example = operations[request.operation], EXAMPLES[request.operation]
            answer = await send(shop, request)
            assert is_whole(one, answer), one.name
            content = described(one)["responses"][str(one.status.value)]["content"]
            if not one.live:
                check(content["application/json"]["schema"], answer)
            known = {part: example[part] for part in ("path", "query", "body") if part in example}
            assert asked(shop, request) == known, f"{one.name}: its request has changed: {WRITE}"


def test_every_refusal_has_an_example_that_is_a_problem() -> None:
    examples = DOCUMENT["components"]["examples"]
    for one in OPERATIONS:
        for status, answer in described(one)["responses"].items():
            if not status.startswith("2"):
                problem = answer["content"]["application/problem+json"]
                codes = answer["description"].split(", ")
                assert list(problem["examples"]) == codes
                for code in codes:
                    check(problem["schema"], examples[code]["value"])
                    assert examples[code]["value"]["status"] == int(status)
