"""What the platform adds tomorrow: passed on with the secret key, its customers recognised by name; and what never passes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from gateway.http.proxy import mentions
from gateway.http.proxy.mentions import Mentions, Writing
from tests.support.forwarding import forwarding
from tests.support.public_api import ask

if TYPE_CHECKING:
    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway, Start

CANONICAL, OWN, MAIL = "c-17", "4711", "ann@example.com"
V41 = "/api/v4.1/integrations"
ANSWER = b'{ "customer_id":"c-17", "n":1.50, "list":[{"customerIds":["c-17","x"]}], "name":"c-x" }'


@pytest.fixture
async def tomorrow(
    forward: RunningGateway, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> RunningGateway:
    """A platform with routes that the gateway does not know, and one person whom web and till know by other ids."""
    for channel, customer_id in (("web", CANONICAL), ("pos", OWN)):
        await ask(
            forward, "POST", "customers", channel=channel, json={"customerId": customer_id, "email": MAIL}
        )
    monkeypatch.setattr(
        platform, "_answer", lambda seen: web.Response(body=ANSWER, content_type="application/json")
    )
    platform.seen.clear()
    return forward


async def call(
    gateway: RunningGateway, method: str, target: str, channel: str = "pos", **options: Any
) -> tuple[int, str, bytes]:
    keys = options.pop("keys", gateway.keys(channel)) | options.pop("headers", {})
    url = URL(gateway.url + target, encoded=True)
    async with gateway.client.request(method, url, headers=keys, **options) as answer:
        return answer.status, answer.headers.get("X-Gateway-Warnings", ""), await answer.read()


NAMED = [
    ("GET", f"{V41}/customers/4711/wallet", f"{V41}/customers/c-17/wallet"),
    ("PATCH", f"{V41}/customers/4711", f"{V41}/customers/c-17"),
    ("GET", f"{V41}/Customers/4711/balance", f"{V41}/Customers/c-17/balance"),
    ("GET", "/api/v5/players/4711/levels/3", "/api/v5/players/c-17/levels/3"),
    ("GET", "/api/v5.2/integrations/player/4711", "/api/v5.2/integrations/player/c-17"),
    (
        "GET",
        "/api/v4.0/loyalty/customers/4711/friends/4711",
        "/api/v4.0/loyalty/customers/c-17/friends/4711",
    ),
    (
        "GET",
        f"{V41}/search/customers?customerId=4711&q=4711",
        f"{V41}/search/customers?customerId=c-17&q=4711",
    ),
    ("GET", f"{V41}/ranks?playerUniqueId=4711&", f"{V41}/ranks?playerUniqueId=c-17&"),
    ("GET", f"{V41}/ranks?customer_ids=4711,x%2Cy,4711", f"{V41}/ranks?customer_ids=c-17,x%2Cy,c-17"),
    (
        "GET",
        f"{V41}/ranks?customerIds[]=4711&customerIds[]=z",
        f"{V41}/ranks?customerIds[]=c-17&customerIds[]=z",
    ),
    (
        "GET",
        f"{V41}/ranks?a=%41+b&forCustomerId=4711&flag",
        f"{V41}/ranks?a=%41+b&forCustomerId=c-17&flag",
    ),
    *(
        ("GET", f"{V41}/ranks?{name}=4711", f"{V41}/ranks?{name}=c-17")
        for name in (
            "customerId[]",
            "customerId[0]",
            "customerId%5B%5D",
            "customerId%5b0%5d",
            "customerId%255B0%255D",
            "customerId%20",
            "%20customerId",
            "+customerId",
            "customerId+",
            "customerId%09",
            "customerId%00",
            "CUSTOMERID",
            "customer%49d",
            "customer_id[]",
            "filter[customerId]",
            "filter[customerId][0]",
            "customers[0].customerId",
            "customer.customerId",
            "customerId[eq]",
            "customerId.0",
            "%EF%BB%BFcustomerId",
            "customer%C4%B1d",
            "cu%C5%BFtomerId",
            "-customerId",
        )
    ),
    *(
        ("GET", f"{V41}/ranks?{name}=4711", f"{V41}/ranks?{name}=4711")
        for name in (
            "myCustomerId",
            "customerIdType",
            "customer",
            "id",
            "customer[id]",
            "x[y]",
            "[]",
        )
    ),
    ("GET", f"{V41}/orders/4711/lines/%20x", f"{V41}/orders/4711/lines/%20x"),
    ("DELETE", f"{V41}/tiers", f"{V41}/tiers"),
]


async def test_customers_in_path_and_query_are_recognised_by_name(
    tomorrow: RunningGateway, platform: Platform, subtests: pytest.Subtests
) -> None:
    for method, target, sent in NAMED:
        with subtests.test(target):
            status, warnings, answer = await call(tomorrow, method, target)
            assert (status, warnings) == (200, "route:unknown")
            assert platform.seen[-1].raw_path == sent
            assert json.loads(answer) == {
                "customer_id": OWN,
                "n": 1.5,
                "list": [{"customerIds": [OWN, "x"]}],
                "name": "c-x",
            }
            assert b'"n":1.50' in answer


BODIES = [
    ('{"customerId":"4711"}', '{"customerId":"c-17"}'),
    ('{"customerId":4711,"n":1.0}', '{"customerId":"c-17","n":1.0}'),
    ('{"CUSTOMER_ID":"4711","x":"4711"}', '{"CUSTOMER_ID":"c-17","x":"4711"}'),
    (
        '{"customerUniqueId":"4711","email":" Ann@EXAMPLE.com"}',
        '{"customerUniqueId":"c-17","email":" Ann@EXAMPLE.com"}',
    ),
    (
        '[{"playerUniqueId":"4711"},{"playerUniqueId":"z"}]',
        '[{"playerUniqueId":"c-17"},{"playerUniqueId":"z"}]',
    ),
    ('{"a":{"b":[{"customerIds":["4711","z"]}]}}', '{"a":{"b":[{"customerIds":["c-17","z"]}]}}'),
    ('{"playerUniqueIds":[4711,[4711]]}', '{"playerUniqueIds":["c-17",["c-17"]]}'),
    *(
        (f'{{"{name}":"4711"}}', f'{{"{name}":"c-17"}}')
        for name in (
            " customerId",
            "customerId ",
            "customerId[]",
            "customerId[0]",
            "CustomerID",
            "customer-id",
            "-customerId",
        )
    ),
    (
        '{"customerId":"4711"," customerId":"4711","customer_id":"z"}',
        '{"customerId":"c-17"," customerId":"c-17","customer_id":"z"}',
    ),
    ('{"customerId":{"in":["4711"]}}', '{"customerId":{"in":["4711"]}}'),
    ('{"customerId":null,"playerUniqueId":""}', '{"customerId":null,"playerUniqueId":""}'),
    ('{ "price" : 1.50, "big":12345678901234567890 }', '{ "price" : 1.50, "big":12345678901234567890 }'),
    ('{"referrerCode":"4711","customerId":"z"}', '{"referrerCode":"4711","customerId":"z"}'),
    ('"4711"', '"4711"'),
]


async def test_customers_in_a_body_are_recognised_by_name_and_all_else_keeps_its_bytes(
    tomorrow: RunningGateway, platform: Platform, subtests: pytest.Subtests
) -> None:
    headers = {"Content-Type": "application/json"}
    for body, sent in BODIES:
        with subtests.test(body):
            target = f"{V41}/wallets"
            status, warnings, _ = await call(tomorrow, "POST", target, data=body.encode(), headers=headers)
            assert (status, warnings) == (200, "route:unknown")
            assert platform.seen[-1].body.decode() == sent


async def test_a_form_is_read_and_what_is_neither_json_nor_form_passes_with_a_warning(
    tomorrow: RunningGateway, platform: Platform
) -> None:
    await call(tomorrow, "POST", f"{V41}/wallets", data={"customerId": OWN, "q": OWN})
    assert platform.seen[-1].body == b"customerId=c-17&q=4711"
    await call(
        tomorrow, "POST", f"{V41}/wallets", data=b'{"customerId":"4711"}', skip_auto_headers=["Content-Type"]
    )
    assert platform.seen[-1].json == {"customerId": CANONICAL}
    for content in (b'{"customerId":"4711"', b"\xff\xfe"):
        status, warnings, _ = await call(
            tomorrow, "POST", f"{V41}/wallets", data=content, skip_auto_headers=["Content-Type"]
        )
        assert (status, warnings) == (200, "body:unread, route:unknown")
        assert platform.seen[-1].body == content
    for content, kind in (
        (b"customerId\n4711\n", "text/csv"),
        (b"\x00\xff" * 50_000, "application/octet-stream"),
    ):
        status, warnings, _ = await call(
            tomorrow, "POST", f"{V41}/uploads", data=content, headers={"Content-Type": kind}
        )
        assert (status, warnings) == (200, "body:unread, route:unknown")
        assert platform.seen[-1].body == content


@pytest.mark.parametrize(
    ("form", "status"),
    [
        (b"&".join([b"q=1"] * 1_024), 200),
        (b"&".join([b"q=1"] * 1_025), 422),
        (b"&" * 900_000, 422),
        (b"q" * 2_048 + b"=1", 200),
        (b"[" * 2_049 + b"=1", 422),
        (b"q=" + b"[" * 900_000, 200),
        (b"customerIds=" + b"4711," * 999 + b"4711", 200),
        (b"customerIds=" + b"4711," * 180_000, 422),
    ],
    ids=lambda value: None if isinstance(value, int) else value[:12].decode(),
)
async def test_a_form_is_read_within_the_limits_of_the_platforms_framework(
    tomorrow: RunningGateway, platform: Platform, form: bytes, status: int
) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await call(tomorrow, "POST", f"{V41}/wallets", data=form, headers=headers))[0] == status
    assert len(platform.seen) == (status == 200)


async def test_unknown_routes_are_counted_and_create_no_customer(
    tomorrow: RunningGateway, platform: Platform
) -> None:
    await call(tomorrow, "POST", f"{V41}/wallets", json={"customerId": "new", "email": "new@example.com"})
    assert await tomorrow.rows("SELECT 1 FROM record WHERE customer_id = 'new'") == []
    async with tomorrow.client.get(
        f"{tomorrow.admin_url}/metrics", headers={"Authorization": "Bearer admin-token-0123456789"}
    ) as answer:
        assert 'gateway_unknown_routes_total{channel="pos",method="POST"} 1.0' in await answer.text()


async def test_a_canonical_id_does_not_reach_another_channels_customer(
    tomorrow: RunningGateway, platform: Platform
) -> None:
    for options in ({"json": {"customerId": CANONICAL}}, {"data": {"playerUniqueId": CANONICAL}}):
        assert (await call(tomorrow, "POST", f"{V41}/wallets", "mobile", **options))[0] == 200
        assert CANONICAL.encode() not in platform.seen[-1].body.replace(b"mobile%3Ac-17", b"").replace(
            b"mobile:c-17", b""
        )
    assert (await call(tomorrow, "GET", f"{V41}/customers/{CANONICAL}/wallet", "mobile"))[0] == 200
    assert platform.seen[-1].raw_path == f"{V41}/customers/mobile%3Ac-17/wallet"


OUTSIDE = [
    ("GET", "/", 404),
    ("GET", "/api", 404),
    ("GET", "/api/v4.1", 404),
    ("GET", "/api/v4.1/", 404),
    ("GET", "/api/beta/customers/4711", 404),
    ("GET", "/api/v0/customers/4711", 404),
    ("GET", "/admin/v1/profiles", 404),
    ("GET", "/metrics", 404),
    ("GET", "/readyz", 404),
    ("GET", "/customers/4711", 404),
    ("GET", "/v4.1/integrations/customers/4711", 404),
    ("POST", "/webhooks/gameball", 401),
    ("GET", "/api/v4.1/../../admin", 400),
    ("GET", f"{V41}/%2e%2e/wallets", 400),
    ("GET", f"{V41}/%252e%252e/wallets", 400),
    ("GET", f"{V41}/a%2Fb/wallets", 400),
    ("GET", f"{V41}//wallets", 400),
    ("GET", f"{V41}/wallets;x", 400),
    ("GET", f"{V41}/%63ustomers/4711", 404),
    ("GET", f"{V41}/customer%73/4711", 404),
    ("GET", "/api/v3.0/integrations/%70layer/4711", 404),
    ("GET", f"{V41}/ranks?customerId=4711;q", 400),
    ("GET", f"{V41}/ranks?customerId=%ff", 400),
    ("TRACE", f"{V41}/wallets", 404),
    ("PROPFIND", f"{V41}/wallets", 404),
]


async def test_a_path_outside_the_platforms_api_never_passes(
    tomorrow: RunningGateway, platform: Platform, subtests: pytest.Subtests
) -> None:
    for method, target, status in OUTSIDE:
        with subtests.test(target, method=method):
            platform.seen.clear()
            assert (await call(tomorrow, method, target))[0] == status
            assert not platform.seen


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({}, 1000),
        ({"apikey": "pos-api-key-0123456789"}, 1001),
        ({"apikey": "pos-api-key-0123456789", "secretkey": "x"}, 1001),
    ],
)
async def test_unknown_routes_are_refused_without_the_secret_key_and_say_why(
    tomorrow: RunningGateway, platform: Platform, keys: dict[str, str], code: int
) -> None:
    for method, target in (
        ("GET", f"{V41}/wallets"),
        ("PUT", f"{V41}/orders"),
        ("GET", "/api/v4.0/integrations/x"),
    ):
        status, _, raw = await call(tomorrow, method, target, keys=keys)
        answer = json.loads(raw)
        assert (status, answer["code"]) == (401, code)
        assert ("not known here" in answer["message"]) == (code == 1001)
    assert not platform.seen


async def test_refused_routes_answer_404_and_405_as_before(start: Start, platform: Platform) -> None:
    async with forwarding(start, platform, 'unknown_routes = "refuse"') as gateway:
        assert (await call(gateway, "GET", f"{V41}/wallets"))[0] == 404
        assert (await call(gateway, "PATCH", f"{V41}/orders"))[0] == 405
        assert (await call(gateway, "GET", "/api/v3.0/integrations/config"))[0] == 200
    assert len(platform.seen) == 1


async def test_a_version_below_the_minimum_is_refused_also_where_it_is_unknown(
    start: Start, platform: Platform
) -> None:
    async with forwarding(start, platform, more='[api]\nminimum_version = "v4.1"') as gateway:
        for target, status in (
            ("/api/v4.0/integrations/wallets", 403),
            ("/api/v3.0/x/y", 403),
            ("/api/v5/x", 404),
        ):
            assert (await call(gateway, "GET", target))[0] == status


_TEXTS = st.sampled_from(["4711", "z", "", "c-17", "customerId"])
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["customerId", "playerUniqueIds", "email", "x", "a_b"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(_JSON)
def test_an_unchanged_document_is_written_back_as_it_was_read(value: Any) -> None:
    raw = json.dumps(value).encode()
    found = Mentions((), lambda kind, text: ())
    if found.add_value(value) is not None:
        return
    assert mentions.rewritten(raw, Writing({one: one for one in found.subjects})) == raw
    marked = json.loads(mentions.rewritten(raw, Writing({one: f"<{one}>" for one in found.subjects})))
    again = Mentions((), lambda kind, text: ())
    assert again.add_value(marked) is None
    assert set(again.subjects) == {f"<{one}>" for one in found.subjects}
