from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gateway.http.admin.routes import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.running_gateway import RunningGateway


async def document(gateway: RunningGateway) -> dict[str, Any]:
    async with gateway.admin("GET", "openapi.json") as response:
        return await response.json()


async def test_the_document_lists_every_operation_and_no_other(gateway: RunningGateway) -> None:
    paths = (await document(gateway))["paths"]
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert described == {(one.method, f"/admin/v1{one.path}") for one in OPERATIONS}


async def test_every_operation_names_the_role_that_it_needs(gateway: RunningGateway) -> None:
    paths = (await document(gateway))["paths"]
    roles = {one["operationId"]: one["x-role"] for methods in paths.values() for one in methods.values()}
    assert roles == {one.name: one.role for one in OPERATIONS}
    assert (roles["find_profiles"], roles["undo_merge"], roles["erase_profile"]) == (
        "viewer",
        "steward",
        "admin",
    )


async def test_every_operation_is_described_under_a_subject_that_is_described(
    gateway: RunningGateway,
) -> None:
    found = await document(gateway)
    subjects = {tag["name"]: tag["description"] for tag in found["tags"]}
    assert all(subjects.values())
    for path, methods in found["paths"].items():
        for method, described in methods.items():
            assert described["description"], (method, path)
            assert set(described["tags"]) <= subjects.keys()
    assert subjects["rules"].startswith("Rule sets: check")


async def test_every_reference_of_the_document_leads_somewhere(gateway: RunningGateway) -> None:
    found = await document(gateway)
    named = set(re.findall(r"'#/components/schemas/([^']+)'", str(found)))
    assert named
    assert named <= set(found["components"]["schemas"])


async def test_answers_have_the_declared_fields(gateway: RunningGateway) -> None:
    found = await document(gateway)
    schema = found["components"]["schemas"]["RuleSetView"]
    async with gateway.admin("GET", "rules") as response:
        (item,) = (await response.json())["items"]
    assert set(item) == set(schema["properties"])


async def test_every_array_says_what_it_holds_as_generators_of_clients_need(gateway: RunningGateway) -> None:
    arrays = [one for one in _within(await document(gateway)) if one.get("type") == "array"]
    assert len(arrays) > 50
    assert [schema for schema in arrays if not {"items", "prefixItems"} & schema.keys()] == []


def _within(value: Any) -> Iterator[dict[str, Any]]:
    match value:
        case dict():
            yield value
            for one in value.values():
                yield from _within(one)
        case list():
            for one in value:
                yield from _within(one)
        case _:
            pass
