"""A client that a public generator makes of the served OpenAPI document works for every operation: what the gateway answers, and
what it refuses, comes back in the client's types."""

from __future__ import annotations

import asyncio
import json
import re
from asyncio.subprocess import PIPE
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.http.admin.operation import Operation
from gateway.http.admin.routes import OPERATIONS
from tests.examples.requests import REQUESTS, Request
from tests.examples.shop import Shop, open_shop
from tests.support.running_gateway import ADMIN_TOKEN

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv/client/bin/python"
CALLS = ROOT / "tests/support/processes/generated_client.py"
SETTINGS = "package_name_override: gateway_admin\npost_hooks: []\n"
NOTHING = "(nothing)"
BY_NAME = {one.name: one for one in OPERATIONS}


async def run(directory: Path, *arguments: str | Path, text: str = "") -> str:
    assert PYTHON.exists(), "the generator of clients is missing: make .venv/client/installed"
    process = await asyncio.create_subprocess_exec(
        PYTHON, *arguments, cwd=directory, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    told, wrong = await process.communicate(text.encode())
    assert process.returncode == 0, wrong.decode()
    return told.decode() + wrong.decode()


async def generate(directory: Path, document: Any) -> str:
    """What the generator says."""
    (directory / "document.json").write_text(json.dumps(document), encoding="utf-8")
    (directory / "settings.yaml").write_text(SETTINGS, encoding="utf-8")
    command = "-m openapi_python_client generate --path document.json --config settings.yaml --meta none"
    return await run(directory, *command.split(), "--output-path", "gateway_admin")


def called(one: Operation, subject: str, request: Request, shop: Shop) -> dict[str, Any]:
    resolved = shop.resolved({"path": dict(request.path), "query": dict(request.query), "body": request.body})
    return {"operation": one.name, "subject": subject, "live": one.live, "as": "admin", **resolved}


def refused(one: Operation, call: dict[str, Any]) -> dict[str, Any]:
    """The same call, so that it is refused: for an id that does not exist, from a place that no list has, or without the role."""
    if call["path"]:
        return {**call, "path": dict.fromkeys(call["path"], NOTHING)}
    if "cursor" in one.query.__struct_fields__:
        return {**call, "query": {**call["query"], "cursor": "nowhere"}}
    return {**call, "as": "nobody" if one.role == "viewer" else "viewer", "live": False}


def same(value: Any) -> Any:
    """Times compare as moments, however they are written."""
    match value:
        case dict():
            return {name: same(one) for name, one in value.items()}
        case list():
            return [same(one) for one in value]
        case str() if re.match(r"\d{4}-\d\d-\d\dT", value):
            return datetime.fromisoformat(value)
        case _:
            return value


async def test_a_generated_client_calls_every_operation_and_is_refused_by_every_one(tmp_path: Path) -> None:
    place, home = tmp_path / "client", tmp_path / "shop"
    place.mkdir()
    home.mkdir()
    async with open_shop(home) as shop:
        document = await shop.ask("GET", "openapi.json")
        said = await generate(place, document)
        unread = re.findall(r"WARNING parsing (\S+ \S+)", said)
        assert unread == [f"POST /admin/v1/rules{part}" for part in ("", "/check", "/plan")]
        assert said.count("Unsupported content type text/plain") == len(unread)  # they take JSON as well
        described = {
            operation["operationId"]: operation
            for methods in document["paths"].values()
            for operation in methods.values()
        }
        tokens = {"admin": ADMIN_TOKEN, "nobody": "a-wrong-token"}
        for name in ("viewer", "listener"):
            body = {"name": name, "role": "viewer"}
            tokens[name] = (await shop.ask("POST", "operators", body))["token"]
        pairs: list[tuple[dict[str, Any], dict[str, Any]]] = []
        for request in REQUESTS:
            one = BY_NAME[request.operation]
            call = called(one, described[one.name]["tags"][0], request, shop)
            pairs.append((refused(one, call), call))
        asked = {
            "url": shop.gateway.admin_url,
            "tokens": tokens,
            "calls": [one for pair in pairs for one in pair],
        }
        answers = json.loads(await run(place, CALLS, text=json.dumps(asked)))
        assert len(answers) == 2 * len(OPERATIONS)
        for request, refusal, answer in zip(REQUESTS, answers[::2], answers[1::2], strict=True):
            check_refusal(described[request.operation], refusal)
            check_answer(BY_NAME[request.operation], answer)


def check_refusal(operation: dict[str, Any], refusal: dict[str, Any]) -> None:
    assert refusal["type"] == "Problem", operation["operationId"]
    codes = operation["responses"][str(refusal["status"])]["description"].split(", ")
    assert refusal["read"]["code"] in codes
    assert refusal["read"] == refusal["sent"]


def check_answer(one: Operation, answer: dict[str, Any]) -> None:
    assert answer["status"] == one.status, (one.name, answer)
    if one.live:
        assert answer["type"] == "str"
        assert "\nevent: " in answer["read"]
    else:
        assert answer["type"] != "Problem"
        assert same(answer["read"]) == same(answer["sent"]), one.name
