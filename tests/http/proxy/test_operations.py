"""The table of operations holds every place where the platform names a customer, and no other."""

from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.http.gameball.operations import DOCUMENTED, OUTSIDE, Operation

_PERSON = {"customerId", "email", "mobile"}
_NESTED = {"customerAttributes.email", "customerAttributes.mobile"}


class Fact(NamedTuple):
    route: str
    keys: str
    creates: bool
    request: frozenset[str]
    answer: frozenset[str]


def _read(line: str) -> Fact:
    asked, _, answered = line.partition("->")
    method, path, keys, creates, *places = asked.split()
    return Fact(
        f"{method} {path}", keys, creates == "creates", frozenset(places), frozenset(answered.split())
    )


FACTS = [
    _read(line)
    for line in Path(__file__).with_name("platform_operations.txt").read_text().splitlines()
    if not line.startswith("#")
]
OPERATIONS = {operation.route: operation for operation in DOCUMENTED}


def _places(operation: Operation) -> set[str]:
    named = operation.named
    places = {f"?{name}" for name in named.query} | ({"path:customerId"} if named.path else set())
    in_body = (_PERSON if named.body else set()) | (_NESTED if named.attributes else set())
    return places | {f"[]{name}" if named.body == "many" else name for name in in_body}


def test_the_table_has_exactly_the_operations_of_the_platform() -> None:
    assert [fact.route for fact in FACTS] == list(OPERATIONS)
    assert len(FACTS) == 74


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.route)
def test_the_table_has_every_place_of_a_customer_id_and_no_other(fact: Fact) -> None:
    operation = OPERATIONS[fact.route]
    places, known = _places(operation), {place for place in fact.request if "!" not in place}
    assert known <= places
    repeated = (
        {"customerId", "email", "mobile"} if operation.named.path and operation.method != "GET" else set()
    )
    assert places - known <= repeated
    assert fact.answer <= set(operation.named.answer)
    assert (operation.secret, operation.disputed) == (fact.keys != "K", fact.keys == "KS?")
    assert operation.named.creates == fact.creates


def test_an_answer_is_read_only_where_it_has_customer_ids() -> None:
    beyond = {
        fact.route: set(OPERATIONS[fact.route].named.answer) - fact.answer
        for fact in FACTS
        if set(OPERATIONS[fact.route].named.answer) - fact.answer
    }
    assert beyond == {"POST /customers": {"customerId"}}  # older pages of the platform show it there


def test_the_routes_outside_the_document_name_customers_like_those_they_stand_for() -> None:
    outside = {operation.route: operation.named for operation in OUTSIDE}
    status, erase = (
        OPERATIONS[route].named
        for route in ("GET /batches/{batchId}/status", "DELETE /customers/{customerId}")
    )
    assert outside["GET /batch/{jobId}"] == status
    assert outside["POST /customers/{customerId}/delete"] == erase
    samples = {
        "POST /customers/{customerId}/notifications/read": "PUT /customers/{customerId}/notifications/read",
        "POST /event": "POST /events",
        "POST /transaction/cashback": "POST /transactions/cashback",
        "POST /hold-points": "POST /transactions/hold",
        "POST /orders/calculate": "POST /orders/cashback",
    }
    for route, like in samples.items():
        assert outside[route] == OPERATIONS[like].named
    others = {route for route, named in outside.items() if named.body == "one" and not named.path}
    assert others - set(samples) == {
        "POST /inapp-messages/sync",
        "POST /inapp-messages/events",
        "POST /inapp-messages/variables",
    }
