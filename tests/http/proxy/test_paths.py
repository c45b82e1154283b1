"""No path means one thing to the gateway and another to the next server."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from gateway.http.gameball.framing import path_of, texts
from gateway.http.gameball.operations import UNLISTED, Operation
from gateway.http.gameball.routing import find, find_unlisted
from gateway.http.proxy import address

if TYPE_CHECKING:
    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway

V41 = "/api/v4.1/integrations"
WORDS = (
    "customers",
    "ann",
    "coupons",
    "validate",
    "batch",
    "orders",
    "tags",
    "hash",
    "delete",
    "transactions",
    "hold",
)
TRICKS = (
    *(
        ".",
        "..",
        "%2e",
        "%2e%2e",
        ".%2E",
        "%2f",
        "%2F",
        "%5c",
        "\\",
        "%00",
        "%0a",
        "%7f",
        "//",
        "/",
        "/./",
        "/../",
        ";",
    ),
    *(
        ";x=1",
        "%3b",
        "%c0%ae",
        "%c0%af",
        "%252e%252e",
        "%252f",
        "%255c",
        "%25",
        "%",
        "%zz",
        "@",
        "+",
        "%20",
        "~",
        "é",
    ),
    *("%e2%80%ae", "?", "#", "%3f", "%23", ":", "http:"),
)
targets = st.lists(st.sampled_from((*WORDS, *("/" + word for word in WORDS), *TRICKS)), max_size=8).map(
    "".join
)


def forwarded(raw: str) -> tuple[Operation, str] | None:
    """The operation that a path is authorised as, and the path that is sent on."""
    path = path_of(raw)
    place = (find(path) or find_unlisted(path)) if isinstance(path, str) else None
    operation = next(iter(place.operations.values())) if place else None
    if place is None or operation is None:
        return None
    parameters = texts(place.parameters)
    if parameters is None:
        return None
    named = operation.named.path or operation.named.by_name
    sent = address.path(str(path), dict(zip(place.id_at, parameters, strict=False)) if named else {})
    return (operation, sent) if isinstance(sent, str) else None


def readings(path: str) -> set[str]:
    """What servers make of one path: decoding it once or twice, dropping what follows a `;`, taking a backslash for a slash."""
    found = {path}
    for _ in range(2):
        found |= {unquote(one) for one in found}
    found |= {one.replace("\\", "/") for one in found}
    return found | {re.sub(r";[^/]*", "", one) for one in found}


@settings(max_examples=2_000, deadline=None)
@given(targets)
def test_the_authorised_path_is_the_path_that_is_sent(below: str) -> None:
    result = forwarded(f"{V41}/{below}")
    if result is None:
        return
    operation, sent = result
    again = forwarded(sent)
    assert again is not None
    assert (again[0].route, again[1]) == (operation.route, sent)
    before_the_id = V41 if operation is UNLISTED else f"{V41}{operation.path.partition('{')[0]}"
    for reading in readings(sent):
        assert posixpath.normpath(reading).startswith(before_the_id.rstrip("/")), reading


@settings(max_examples=300, deadline=None)
@given(st.text(min_size=1, max_size=100).filter(lambda text: max(text) < "\ud800" or min(text) > "\udfff"))
def test_any_customer_id_is_one_segment_that_decodes_to_itself(customer_id: str) -> None:
    sent = address.path(f"{V41}/customers/x/balance", {5: customer_id})
    if not isinstance(sent, str):
        assert address.climbs(customer_id)
        return
    head, segment, tail = sent.rsplit("/", 2)
    assert (head, unquote(segment), tail) == (f"{V41}/customers", customer_id, "balance")
    assert re.fullmatch(r"[A-Za-z0-9._~%-]+", segment)


@pytest.mark.parametrize(
    ("customer_id", "climbs"),
    [
        ("a/b", False),
        ("ann@example.com", False),
        ("+201001234567", False),
        ("100%", False),
        ("a;b", False),
        ("..a", False),
        ("..", True),
        ("a/../b", True),
        ("..\\b", True),
        ("%2e%2e/b", True),
        ("..%2fb", True),
        ("%252e%252e%255cb", True),
        ("%2525252525252e", True),
    ],
)
def test_an_id_may_hold_anything_but_a_way_up(customer_id: str, climbs: bool) -> None:
    assert address.climbs(customer_id) is climbs


@pytest.mark.parametrize(
    ("below", "status"),
    [
        ("customers/a%2Fb", 200),
        ("customers/a%2fb/balance", 200),
        ("customers/ann@example.com", 200),
        ("customers/+201001234567", 200),
        ("customers/ann;x=1", 200),
        ("customers/%2e%2e", 400),
        ("customers/..%2f..%2fbatch", 400),
        ("customers/..%5cbatch", 400),
        ("customers/%252e%252e%252fbatch", 400),
        ("customers/ann/../bob", 400),
        ("customers//ann", 400),
        ("customers/a%00b", 400),
        ("customers/%c0%ae%c0%ae", 400),
        ("customers/%zz", 400),
        ("transactions/hold/a%2fb", 400),
        ("transactions/hold/a;b", 400),
        ("transactions/hold/a%5cb", 400),
        ("transactions/hold/a%0ab", 400),
        ("customers/ann/stamps/1%2f2", 400),
        ("orders/%2e%2e/transactions", 400),
        ("transactions?customerId=ann;customerId=bob", 400),
        ("transactions?customerId=ann&CustomerID=bob", 400),
        ("transactions?customerId=ann&customer%49d=bob", 400),
        ("transactions?customerId=%ff", 400),
        ("%63ustomers/ann", 404),
        ("orders/a%20b/transactions", 200),
    ],
)
async def test_a_path_is_sent_on_or_refused(
    forward: RunningGateway, platform: Platform, below: str, status: int
) -> None:
    for customer_id in ("a/b", "ann@example.com", "+201001234567", "ann;x=1"):
        platform.ensure(customer_id)
    url = URL(f"{forward.url}{V41}/{below}", encoded=True)
    async with forward.client.get(url, headers=forward.keys("pos")) as answer:
        assert answer.status == status, await answer.text()
    assert len(platform.seen) == (status == 200)


async def test_other_segments_and_the_query_pass_byte_for_byte(
    forward: RunningGateway, platform: Platform
) -> None:
    below = "customers/p-1/stamps/a%41%c3%A4+~?lang=%61r&q=a+b%20c&empty=&flag"
    url = URL(f"{forward.url}{V41}/{below}", encoded=True)
    async with forward.client.get(url, headers=forward.keys("pos")) as answer:
        assert answer.status == 200
    assert platform.seen[0].raw_path == f"{V41}/{below}"
