"""Answers on their way back: the channel's own ids, or a warning."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from multidict import CIMultiDict

from gateway.http.proxy import answer_ids
from gateway.http.proxy.answer_text import text_of
from gateway.http.proxy.headers import ids_in as ids_in_headers
from gateway.http.proxy.headers import rename
from tests.support.public_api import ask

if TYPE_CHECKING:
    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway, Start
from tests.support.encoded_answers import READABLE, UNREADABLE
from tests.support.forwarding import forwarding

EMAIL = "ann@example.com"
UNMAPPED = "answer:unmapped"


# ---- through the gateway ----


async def _one_person(forward: RunningGateway) -> None:
    for channel, customer_id in (("web", "c-1"), ("pos", "4711")):
        body = {"customerId": customer_id, "email": EMAIL, "orderId": "o"}
        assert (await ask(forward, "POST", "orders", channel=channel, json=body)).status == 200


CALLS = [
    ("POST", "orders", {"customerId": "4711"}),
    ("GET", "customers/4711/activities", None),
    ("GET", "transactions?customerId=4711", None),
    ("GET", "leaderboard", None),
    ("POST", "payments/cashback", {"customerId": "4711"}),
    ("DELETE", "customers/4711/tags", {"tags": "x"}),
    ("GET", "transactions/hold/h-1", None),
    ("GET", "orders/o-1/transactions", None),
]


async def _answered(forward: RunningGateway, method: str, path: str, body: Any) -> tuple[Any, bytes]:
    async with forward.call(method, path, channel="pos", json=body, auto_decompress=False) as answer:
        return answer, await answer.read()


async def test_an_answer_is_renamed_or_said_not_to_be(
    forward: RunningGateway, platform: Platform, subtests: pytest.Subtests
) -> None:
    await _one_person(forward)
    platform.customers["4711"] = platform.customers["c-1"]
    for how in (*READABLE, *UNREADABLE):
        with subtests.test(how):
            await _is_renamed_or_said_not_to_be(forward, platform, how)


async def _is_renamed_or_said_not_to_be(forward: RunningGateway, platform: Platform, how: str) -> None:
    write, more = (READABLE | UNREADABLE)[how]
    said: list[bytes] = []

    def disguise(raw: bytes, headers: CIMultiDict[str]) -> bytes:
        raw = '{"customerId":"c-1","name":"\u00e9","list":[{"customerId":"c-1","points":1.50}]}'.encode()
        headers.update(more)
        headers.update({"ETag": '"1"', "Content-MD5": "x", "Digest": "y", "Content-Digest": "z"})
        said.append(write(raw))
        return said[-1]

    platform.disguise = disguise
    for method, path, body in CALLS:
        answer, raw = await _answered(forward, method, path, body)
        assert platform.seen[-1].headers["Accept-Encoding"] == "identity"
        assert answer.status == 200, (path, raw)
        if how in UNREADABLE:
            assert answer.headers["X-Gateway-Warnings"] == UNMAPPED, path
            assert raw == said[-1]
            assert answer.headers["ETag"] == '"1"'
            assert answer.headers.get("Content-Encoding") == more.get(
                "Content-Encoding", more.get("content-encoding")
            )
            continue
        assert "X-Gateway-Warnings" not in answer.headers, path
        assert not {"ETag", "Content-MD5", "Digest", "Content-Digest"} & set(answer.headers), path
        assert "Content-Encoding" not in answer.headers
        assert int(answer.headers["Content-Length"]) == len(raw)
        text = text_of(raw, answer.headers, 1 << 20)
        assert text is not None
        bare = text.utf8.removeprefix(b"\xef\xbb\xbf").decode().removeprefix("\ufeff")
        assert bare == '{"customerId":"4711","name":"\u00e9","list":[{"customerId":"4711","points":1.50}]}', (
            path
        )


ODD_ANSWERS = [
    (b'{"id":"c-1"}', True),
    (b'{"c-1":{"points":1}}', True),
    (b'{"payload":"{\\"customerId\\":\\"c-1\\"}"}', True),
    (b'{"id":"\\u0063-1"}', True),
    (b"<answer><customerId>c-1</customerId></answer>", True),
    (b"customerId=c-1&points=3", True),
    (b"{'customerId':'c-1'}", True),
    (b'{"customerId":"c-1"} {"x":"c-1"}', True),
    (b'{"message":"customer does not exist","code":4004}', False),
    (b'{"points":1,"orderId":"c-11","note":"see c-1"}', False),
    (b"<html>bad gateway</html>", False),
    (b"", False),
]


async def test_an_id_that_could_not_be_renamed_is_reported(
    forward: RunningGateway, platform: Platform, subtests: pytest.Subtests
) -> None:
    await _one_person(forward)
    sent = b""
    platform.disguise = lambda _, headers: sent
    for raw, warned in ODD_ANSWERS:
        with subtests.test(raw=raw):
            sent = raw
            answer, body = await _answered(forward, "POST", "orders", {"customerId": "4711"})
            assert (answer.headers.get("X-Gateway-Warnings") == UNMAPPED) is warned
            assert answer.status == 200
            assert (body == raw) or warned
            answer, body = await _answered(forward, "GET", "leaderboard", None)
            assert ("X-Gateway-Warnings" in answer.headers) is (bool(raw) and not answer_ids.is_json(raw))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("events", {"email": EMAIL, "events": {}}),
        ("payments/cashback", {"mobile": "+201001234567"}),
        ("orders/cashback", {"email": "bob@example.com"}),
        ("coupons/automatic", {"totalPaid": 5}),
        ("inapp-messages/sync", {"Email": EMAIL}),
    ],
)
async def test_an_answer_to_a_call_without_an_id_is_renamed_too(
    forward: RunningGateway, platform: Platform, path: str, body: Any
) -> None:
    """The platform may find the customer by the e-mail or the mobile number."""
    await _one_person(forward)
    said = b'{"customerId":"c-1","list":[{"customerId":"c-1"}]}'
    platform.disguise = lambda _, headers: said
    answer, raw = await _answered(forward, "POST", path, body)
    assert raw == said.replace(b"c-1", b"4711")
    said = b"<customerId>c-1</customerId>"
    answer, raw = await _answered(forward, "POST", path, body)
    assert (raw, answer.headers.get("X-Gateway-Warnings")) == (said, UNMAPPED)


async def test_a_strangers_id_that_is_also_the_channels_own_is_reported(
    forward: RunningGateway, platform: Platform
) -> None:
    """Shop and till both count from 1. The till would take the shop's 1 for its own customer 1."""
    for channel, customer_id, email in (
        ("web", "1", "ann@example.com"),
        ("web", "2", "bob@example.com"),
        ("pos", "1", "eve@example.com"),
    ):
        body = {"customerId": customer_id, "email": email, "orderId": "o"}
        assert (await ask(forward, "POST", "orders", channel=channel, json=body)).status == 200
    for ids, shown, warned in (
        (["1", "2"], ["1", "2"], True),
        (["2", "pos:1"], ["2", "1"], False),
        (["pos:1", "1"], ["1", "1"], True),
    ):
        said = json.dumps({"leaderboard": [{"customerId": one} for one in ids]}).encode()
        platform.disguise = lambda _, headers, said=said: said
        answer, raw = await _answered(forward, "GET", "leaderboard", None)
        assert [one["customerId"] for one in json.loads(raw)["leaderboard"]] == shown
        assert (answer.headers.get("X-Gateway-Warnings") == UNMAPPED) is warned, ids


@pytest.mark.parametrize("status", [400, 404, 409, 422, 500, 207])
async def test_a_refusal_names_a_customer_by_the_channels_id_too(
    forward: RunningGateway, platform: Platform, status: int
) -> None:
    await _one_person(forward)
    platform.disguise = lambda _, headers: b'{"code":4000,"customerId":"c-1"}'
    platform.disguised_status = status
    answer, raw = await _answered(forward, "POST", "orders", {"customerId": "4711"})
    assert (answer.status, raw) == (status, b'{"code":4000,"customerId":"4711"}')


@pytest.mark.parametrize(
    ("status", "message", "warned"),
    [
        (404, "customer c-1 does not exist", True),
        (422, "customer 'c-1' is inactive.", True),
        (500, "c-1", True),
        (404, "customer c-11 does not exist", False),
        (404, "customer 4711 does not exist", False),
        (404, "customer does not exist", False),
        (200, "see c-1", False),
    ],
)
async def test_the_message_of_a_refusal_that_has_the_platforms_id_is_reported(
    forward: RunningGateway, platform: Platform, status: int, message: str, warned: bool
) -> None:
    await _one_person(forward)
    platform.disguise = lambda _, headers: json.dumps({"code": 4004, "message": message}).encode()
    platform.disguised_status = status
    answer, _ = await _answered(forward, "POST", "orders", {"customerId": "4711"})
    assert (answer.headers.get("X-Gateway-Warnings") == UNMAPPED) is warned


async def test_part_of_an_answer_is_not_renamed(forward: RunningGateway, platform: Platform) -> None:
    await _one_person(forward)
    platform.disguise = lambda _, headers: b'"customerId":"c-1"'
    platform.disguised_status = 206
    answer, raw = await _answered(forward, "POST", "orders", {"customerId": "4711"})
    assert (raw, answer.headers["X-Gateway-Warnings"]) == (b'"customerId":"c-1"', UNMAPPED)


V4 = "/api/v4.0/integrations"


HEADERS = [
    ("Location", V4 + "/customers/{}"),
    ("Location", "https://api.example.com" + V4 + "/customers/{}/details?x=1#y"),
    ("Location", V4 + "/transactions?a=1&customerId={}&b=2"),
    ("Content-Location", "/customers/{}"),
    ("Link", '</customers/{}/activities?startAfter=5>; rel="next", </customers/{}>; rel="up"'),
    ("X-Customer-Id", "{}"),
    ("X-GB-CustomerId", "{}"),
    ("X-Customer-Unique-Id", "{}"),
    ("Location", "customers/{}"),
    ("Location", V4 + "/Players/{}/levels"),
    ("Link", '<https://api.example.com/v?customer_id={}>; rel="next"'),
    ("Refresh", "0; url=/v?a=1&CustomerUniqueId={}"),
    ("Location", "/my-customers/c-1"),
    ("Location", "/v?myCustomerId=c-1"),
    ("Location", "/customers/c-11"),
    ("Location", "/orders/c-1"),
    ("Location", "/customers/social-challenges"),
    ("X-Trace", "c-1"),
]


@pytest.mark.parametrize("status", [201, 204, 303])
async def test_ids_in_headers_are_the_channels_own(
    forward: RunningGateway, platform: Platform, subtests: pytest.Subtests, status: int
) -> None:
    await _one_person(forward)
    usual = platform.headers.copy()
    platform.disguised_status = status
    platform.disguise = lambda _, headers: b"" if status == 204 else b"{}"
    for name, value in HEADERS:
        platform.headers = CIMultiDict([*usual.items(), (name, value.replace("{}", "c-1"))])
        with subtests.test(value, name=name):
            async with forward.call(
                "POST", "orders", channel="pos", json={"customerId": "4711"}, allow_redirects=False
            ) as answer:
                assert (answer.status, answer.headers[name]) == (status, value.replace("{}", "4711"))


NO_ONES = [
    b'{"customerId":"a\\u0000b","list":[{"customerId":"a\\u0000b"},{"customerId":"c-1"}]}',
    b'{"customerId":"\\ud800","list":[{"customerId":"\\ud800"},{"customerId":"c-1"}]}',
    b'{"customerId":"\xed\xa0\x80","list":[{"customerId":"\xed\xa0\x80"},{"customerId":"c-1"}]}',
    b'{"customerId":"","list":[{"customerId":"%s"},{"customerId":"c-1"}]}' % (b"x" * 100_000),
]


async def test_an_id_that_no_customer_can_have_keeps_no_other_from_its_name(
    forward: RunningGateway, platform: Platform
) -> None:
    await _one_person(forward)
    usual, sent = platform.headers.copy(), b""
    platform.disguise = lambda _, headers: sent
    for sent in NO_ONES:
        answer, raw = await _answered(forward, "GET", "transactions?customerId=4711", None)
        assert answer.status == 200, sent
        assert raw.count(b'"c-1"') == 0 or "X-Gateway-Warnings" in answer.headers, sent
    sent = b"{}"
    for name, value in (
        ("Location", "/customers/%00"),
        ("Link", "</customers/%ff>"),
        ("X-Customer-Id", "a\tb"),
    ):
        platform.headers = CIMultiDict([*usual.items(), (name, value)])
        async with forward.call("GET", "transactions?customerId=4711", channel="pos") as answer:
            assert (answer.status, answer.headers[name]) == (200, value)


def test_headers_are_renamed_where_they_name_a_customer() -> None:
    headers: CIMultiDict[str] = CIMultiDict(
        [("Location", "/customers/a"), ("Set-Cookie", "a"), ("Set-Cookie", "b"), ("X-A", "a")]
    )
    assert list(ids_in_headers(headers)) == ["a"]
    rename(headers, {"a": "x/y ?"})
    assert list(headers.items()) == [
        ("Location", "/customers/x%2Fy%20%3F"),
        ("Set-Cookie", "a"),
        ("Set-Cookie", "b"),
        ("X-A", "a"),
    ]


@pytest.mark.parametrize(
    "path", ["customers/1", "transactions?customerId=1", "leaderboard", "configurations/tiers"]
)
async def test_no_cache_gives_a_channel_the_customer_of_another(
    forward: RunningGateway, platform: Platform, path: str
) -> None:
    platform.headers.extend({"Cache-Control": "public, max-age=60", "Vary": "Accept"})
    platform.ensure("1")
    for channel in ("web", "pos"):
        async with forward.call("GET", path, channel=channel) as answer:
            assert answer.headers["Cache-Control"] == "public, max-age=60"
            known = {"Accept"} if path == "configurations/tiers" else {"Accept", "apikey"}
            assert set(answer.headers["Vary"].split(", ")) == known


async def test_an_answer_to_head_omits_length_and_etag_if_a_get_would_change_the_body(
    forward: RunningGateway, platform: Platform
) -> None:
    await _one_person(forward)
    platform.headers["ETag"] = '"1"'
    for channel, customer_id, told in (("pos", "4711", False), ("web", "c-1", True)):
        async with forward.call("HEAD", f"customers/{customer_id}", channel=channel) as answer:
            assert answer.status == 200
            assert ("ETag" in answer.headers) is told
            assert ("Content-Length" in answer.headers) is told


async def test_a_customer_deleted_with_an_empty_answer_is_erased_here(
    forward: RunningGateway, platform: Platform
) -> None:
    await _one_person(forward)
    platform.disguise = lambda _, headers: b""
    platform.disguised_status = 204
    assert (await ask(forward, "DELETE", "customers/4711", channel="pos")).status == 204
    assert await forward.rows("SELECT 1 FROM record") == []


async def _two_customers(forward: RunningGateway) -> None:
    """The till has an order with the number that is the web shop's id of the same customer."""
    await ask(forward, "POST", "orders", channel="web", json={"customerId": "1001", "email": EMAIL})
    await ask(forward, "POST", "orders", channel="pos", json={"customerId": "till-7", "email": EMAIL})


async def _job_about_orders(forward: RunningGateway) -> str:
    batch = {"body": [{"customerId": "till-7", "orderId": "1001"}]}
    async with forward.call("POST", "batch/orders", channel="pos", json=batch) as answer:
        return json.loads((await answer.read()).removeprefix(b"\xef\xbb\xbf"))["batchId"]


async def _done(forward: RunningGateway, job: str) -> Any:
    status = await ask(forward, "GET", f"batches/{job}/status", channel="pos")
    return status.body["response"]["successful"]


async def test_a_job_that_a_packed_answer_named_is_remembered(
    forward: RunningGateway, platform: Platform
) -> None:
    await _two_customers(forward)

    def packed(raw: bytes, headers: CIMultiDict[str]) -> bytes:
        headers["Content-Encoding"] = "gzip"
        return gzip.compress(b"\xef\xbb\xbf" + raw)

    platform.disguise = packed
    job = await _job_about_orders(forward)
    platform.disguise = None
    assert await _done(forward, job) == [{"customerId": "1001"}]


async def test_a_job_about_orders_is_known_after_a_restart(start: Start, platform: Platform) -> None:
    platform.limits = False
    async with forwarding(start, platform) as forward:
        await _two_customers(forward)
        job = await _job_about_orders(forward)
    async with forwarding(start, platform) as forward:
        assert await _done(forward, job) == [{"customerId": "1001"}]
        assert (await forward.rows("SELECT job FROM order_job")) == [(job,)]


@pytest.mark.parametrize("job", ["", "j" * 201, "a\\u0000b"])
async def test_what_can_be_no_id_of_a_job_is_not_kept(
    forward: RunningGateway, platform: Platform, job: str
) -> None:
    platform.disguise = lambda _, headers: f'{{"batchId":"{job}","jobId":7}}'.encode()
    assert (await ask(forward, "POST", "batch/orders", channel="pos", json={"body": []})).status == 200
    assert (await forward.rows("SELECT job FROM order_job")) == [("7",)]
