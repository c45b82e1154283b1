"""Whatever an operator sends, the listener answers as its own document says: no 5xx, no undeclared status or shape."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from gateway.http.admin.openapi import document
from gateway.http.admin.operation import Operation
from gateway.http.admin.routes import OPERATIONS

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway

SCHEMA = schemathesis.openapi.from_dict(document(OPERATIONS))
CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]
_PARTS = 3


@pytest.mark.parametrize("part", range(_PARTS))
async def test_every_operation_conforms_to_its_document(
    gateway: RunningGateway, subtests: pytest.Subtests, part: int
) -> None:
    for one in OPERATIONS[part::_PARTS]:
        with subtests.test(one.name):
            await asyncio.to_thread(_fuzz, gateway, one)


def _fuzz(gateway: RunningGateway, one: Operation) -> None:
    operation = SCHEMA[f"/admin/v1{one.path}"][one.method]
    headers = {"Authorization": f"Bearer {gateway.services.admin_token}"}

    @settings(
        max_examples=6,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy())
        if one.live:
            _check_beginning(case.as_transport_kwargs(base_url=gateway.admin_url, headers=headers), operation)
        else:
            case.call_and_validate(base_url=gateway.admin_url, headers=headers, checks=CHECKS)

    ask()


def _check_beginning(request: dict[str, Any], operation: Any) -> None:
    """A live answer has no end, so only its status and its kind are looked at."""
    with requests.request(**request, stream=True, timeout=30) as response:
        declared = operation.definition.raw["responses"][str(response.status_code)]
        assert response.headers["Content-Type"].split(";")[0] in declared["content"]
