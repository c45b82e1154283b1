"""Whatever is sent, the answer is an envelope and never our failure."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.http.gameball.operations import DOCUMENTED
from tests.support.properties import ANY_HEALTH
from tests.support.public_api import names, save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("ann"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = st.dictionaries(
    st.sampled_from(
        sorted(
            names(
                "customerId challengeId email mobile customerAttributes guest isGuest isActive tags loyalty_id"
            )
        )
    ),
    JSON | st.fixed_dictionaries({"custom": JSON, "firstName": JSON, "utms": JSON}),
)
BODIES = st.binary(max_size=200) | MEMBERS.map(lambda body: json.dumps(body).encode())
SEGMENTS = st.text(min_size=1, max_size=12).map(
    lambda text: quote(text.encode("utf-8", "surrogatepass"), safe="+@:")
)
CORE = [operation for operation in DOCUMENTED if operation.modes == "both"]
QUERIES = st.sampled_from(
    [
        "",
        "?",
        "?limit=%00",
        "?startAfter=1&limit=5",
        "?campaignId=9e9",
        "?customerId=%ff",
        "?expand=%s",
        "?a=b&&&",
    ]
)


async def test_no_bytes_make_the_gateway_fail(gateway: RunningGateway) -> None:
    await save(gateway)
    host, port = gateway.url.removeprefix("http://").split(":")
    keys = {**gateway.keys("web"), "Content-Type": "application/json"}

    @settings(
        max_examples=200,
        deadline=None,
        suppress_health_check=ANY_HEALTH,
        database=None,
    )
    @given(st.sampled_from(CORE), SEGMENTS | st.just("ann"), QUERIES, BODIES)
    def any_call(operation: Any, segment: str, query: str, body: bytes) -> None:
        path = f"/api/v4.1/integrations{operation.path.replace('{customerId}', segment)}{query}"
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        connection.request(operation.method, path, None if operation.method == "GET" else body, keys)
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        assert response.status < 500, (response.status, answer)
        if response.status >= 400:
            assert set(answer) == {"code", "type", "message", "documentationUrl", "requestId"}

    await asyncio.to_thread(any_call)
