"""`docs/reference/log.schema.json` is what the log really looks like."""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest

from gateway.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.running_gateway import RunningGateway, Start

ROOT = Path(__file__).parents[1]
SCHEMA = json.loads((ROOT / "docs/reference/log.schema.json").read_text())
LEVELS = {"debug", "info", "warning", "error", "critical"}
OF_EVERY_LINE = {"ts", "level", "event"}
BY_NAME = {"clock_jumped", "database_ahead_of_clock", "machine_clock_differs"}
"""Named by a variable; all three are logged by one line."""
HOT = {
    "request": ["request_id", "trace_id", "channel", "route", "status", "code", "ms", "profile", "decision"],
    "admin_request": ["request_id", "trace_id", "method", "route", "status", "error", "actor", "ms"],
}
"""Written without structlog."""


def written() -> dict[str, set[str]]:
    """The events and fields that the source gives to the log."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in (ROOT / "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            logger = ast.unparse(node.func.value)
            if node.func.attr not in LEVELS or not (logger == "_log" or logger.startswith("structlog.")):
                continue
            named = node.args[0]
            fields = {keyword.arg or "" for keyword in node.keywords}
            for event in [named.value] if isinstance(named, ast.Constant) else BY_NAME:
                found[str(event)] |= fields
    return found


def test_the_schema_names_every_event_and_field_that_the_code_logs_and_no_other() -> None:
    logged = written()
    fields = set().union(*logged.values(), *HOT.values()) - {"exc_info"} | {"exception"} | OF_EVERY_LINE
    assert len(logged) > 20
    assert set(SCHEMA["properties"]["event"]["enum"]) == logged.keys() | HOT.keys()
    assert set(SCHEMA["properties"]) == fields
    assert [one["const"] for one in SCHEMA["$defs"]["events"]["oneOf"]] == SCHEMA["properties"]["event"][
        "enum"
    ]


async def test_real_lines_are_as_the_schema_says(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    async with start() as gateway:
        async with gateway.call("POST", "customers", json={"customerId": "ann"}):
            pass
        async with gateway.call("POST", "nothing", json={}):
            pass
        async with gateway.admin("GET", "keys"):
            pass
        await gateway.client.get(f"{gateway.admin_url}/admin/v1/keys")
        with pytest.raises(ConfigError):
            await gateway.reload("[store]\nqueue_limit = 7\n")
        await fail(gateway, monkeypatch)
        gateway.services.telemetry.writer.flush()
        lines = [json.loads(line) for line in (gateway.directory / "gateway.log").read_text().splitlines()]
    check = jsonschema_rs.validator_for(SCHEMA)
    assert {"request", "admin_request", "call_failed", "request_failed"} <= {line["event"] for line in lines}
    assert [str(error) for line in lines for error in check.iter_errors(line)] == []
    assert not check.is_valid({**lines[0], "email": "ann@example.com"})
    assert not check.is_valid({"event": "request"})


async def fail(gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call of each listener that runs into a mistake of ours, and no worker that does."""
    fetch = gateway.services.store.fetch

    async def broken(*_: object) -> None:
        raise RecursionError("with a secret in its text")

    async def without_merges(sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        if "FROM merge" in sql:
            await broken()
        return await fetch(sql, parameters)

    with monkeypatch.context() as patched:
        patched.setattr(gateway.services.pipeline, "submit", broken)
        patched.setattr(gateway.services.store, "fetch", without_merges)
        async with gateway.call("POST", "customers", json={"customerId": "ann"}) as answer:
            assert answer.status == 500
        async with gateway.admin("GET", "merges") as answer:
            assert answer.status == 500
