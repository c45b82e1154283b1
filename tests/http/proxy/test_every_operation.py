"""Every operation, on both versions, by a till that calls the person otherwise than the platform does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from yarl import URL

from gateway.http.gameball.operations import ACHIEVE, DOCUMENTED, OUTSIDE, Operation
from tests.support.loyalty_platform import API_KEY, SECRET_KEY, Platform, Seen

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway

CANONICAL, SENT = "ann", "p 7/ä+@x"
EMAIL, MOBILE = "ann@example.com", "+201001234567"
AS_WRITTEN = {"email": " Ann@EXAMPLE.com", "mobile": "0100 123 4567"}
FORWARDED = [operation for operation in (*DOCUMENTED, *OUTSIDE) if operation is not ACHIEVE]


async def one_person(gateway: RunningGateway) -> None:
    """On the web `ann`, at the till something else; the web shop came first, so the platform knows `ann`."""
    for channel, customer_id in (("web", CANONICAL), ("pos", SENT)):
        body = {"customerId": customer_id, "email": EMAIL}
        async with gateway.call("POST", "customers", channel=channel, json=body) as answer:
            assert answer.status == 200, await answer.text()


def _body(operation: Operation) -> Any:
    named = operation.named
    person: dict[str, Any] = {
        "orderId": "o-1",
        "big": 12345678901234567890,
        "price": "\u00e9",
        "referrerCode": SENT,
        "isActive": True,
        "tags": "vip",
    }
    if named.attributes:
        person["customerAttributes"] = {"displayName": "Ann", "joinDate": "2026-01-01", **AS_WRITTEN}
    if operation.path == "/batch/orders/transactions":
        return ["o-1", SENT]
    if named.body == "one":
        return {"customerId": SENT, **AS_WRITTEN, **person}
    if named.body == "many":
        return [{"customerId": SENT, **AS_WRITTEN, **person}, {"customerId": "stranger", "orderId": "o-2"}]
    return {"anything": SENT} if operation.method != "GET" and operation.method != "DELETE" else None


def _path(operation: Operation) -> str:
    path = operation.path.removeprefix("/").replace("{customerId}", "p%207%2f%C3%A4+@x")
    return path.replace("{", "some-").replace("}", "")


def _query(operation: Operation) -> str:
    written = {
        "customerId": "p+7%2F%c3%a4%2B@x",
        "forCustomerId": "p%207/%C3%A4%2B%40x",
        "email": "Ann@example.com",
        "mobile": "+201001234567",
    }
    return "&".join(
        ["before=a%20b+c", *(f"{name}={written[name]}" for name in operation.named.query), "after=%41"]
    )


@pytest.mark.parametrize("version", ["v4.0", "v4.1", "v4"])
async def test_each_operation_translates_customer_ids_in_both_directions(
    forward: RunningGateway, platform: Platform, version: str
) -> None:
    for operation in FORWARDED:
        await one_person(forward)
        platform.seen.clear()
        url, body = f"{_path(operation)}?{_query(operation)}", _body(operation)
        options = {} if body is None else {"json": body}
        target = URL(f"{forward.url}/api/{version}/integrations/{url}", encoded=True)
        keys = forward.keys("pos")
        async with forward.client.request(operation.method, target, headers=keys, **options) as answer:
            text = await answer.text()
            assert answer.status == 200, (operation.route, text)
        (seen,) = platform.seen
        _assert_sent(operation, version, seen)
        _assert_echoed(operation, json.loads(text) if text else {})


def _assert_sent(operation: Operation, version: str, seen: Seen) -> None:
    named, route = operation.named, operation.route
    path, _, query = seen.raw_path.partition("?")
    expected = operation.path.replace("{customerId}", CANONICAL).replace("{", "some-").replace("}", "")
    assert path == f"/api/{version}/integrations{expected}", route
    changed = {
        "email": "ann%40example.com",
        "mobile": "%2B201001234567",
        "customerId": CANONICAL,
        "forCustomerId": CANONICAL,
    }
    inner = [f"{name}={changed[name]}" for name in named.query]
    assert query == "&".join(["before=a%20b+c", *inner, "after=%41"]), route
    assert (seen.headers["apikey"], seen.headers["secretkey"]) == (API_KEY, SECRET_KEY)
    assert b"pos-" not in str(seen.headers).encode(), route
    if named.body == "":
        assert json.loads(seen.body or b"null") == _body(operation), route
        return
    wanted = _body(operation)
    for person in wanted if named.body == "many" else [wanted]:
        if person["customerId"] == SENT:
            person |= {"customerId": CANONICAL, "email": EMAIL, "mobile": MOBILE}
        if "customerAttributes" in person:
            person["customerAttributes"] |= {"email": EMAIL, "mobile": MOBILE}
    assert seen.json == wanted, route
    assert list(seen.json[0] if named.body == "many" else seen.json) == list(
        wanted[0] if named.body == "many" else wanted
    )
    assert b"\\u00e9" in seen.body or named.body == ""


def _assert_echoed(operation: Operation, answer: Any) -> None:
    for place in operation.named.answer:
        many, _, name = place.rpartition(".")
        if not many:
            found = [answer.get("customerId")] if operation.named.path or operation.named.body else []
        else:
            elements = answer
            for step in many.replace("[]", "").split("."):
                elements = elements[step]
            found = [element[name] for element in elements]
        assert CANONICAL not in found, operation.route
        assert all(one in (SENT, "stranger", None) for one in found), operation.route
