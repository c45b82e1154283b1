"""Answers: whatever the platform writes, no channel gets another channel's id without being told."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from gateway.http.proxy import echo, reading
from gateway.http.proxy.headers import ids_in as ids_in_headers
from gateway.http.proxy.headers import rename
from gateway.http.proxy.reading import Text, text_of
from tests.support.asking import ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway

DEEP = b'{"a":' * 5_000
EMAIL = "ann@example.com"
UNMAPPED = "answer:unmapped"


def renamed(raw: bytes, names: dict[str, str]) -> bytes:
    spots = echo.ids_in(raw)
    return echo.renamed(raw, spots, [names.get(spot.customer_id, spot.customer_id) for spot in spots])


# ---- finding ids ----


@pytest.mark.parametrize(
    ("raw", "new"),
    [
        (b'{"customerId":"c1"}', b'{"customerId":"mine"}'),
        (b'{ "n": 1.0,"r" : [ {"customerId" : "c1", "x" :1e5}] }', b'{ "n": 1.0,"r" : [ {"customerId" : "mine", "x" :1e5}] }'),
        (b'\xef\xbb\xbf{"customerId":"c1"}', b'\xef\xbb\xbf{"customerId":"mine"}'),
        (b'{"customerId":"c1","customerId":"c1"}', b'{"customerId":"mine","customerId":"mine"}'),
        (b'{"x":NaN,"customerId":"c1","y":-Infinity}', b'{"x":NaN,"customerId":"mine","y":-Infinity}'),
        (b'{"CustomerID":"c1","customer_id":"c1"}', b'{"CustomerID":"mine","customer_id":"mine"}'),
        (b'{"playerUniqueId":"c1"}', b'{"playerUniqueId":"mine"}'),
        (b'{"customer\\u0049d":"c1"}', b'{"customer\\u0049d":"mine"}'),
        (b'{"\\u0063ustomerId":"\\u0063\\u0031"}', b'{"\\u0063ustomerId":"mine"}'),
        (b'{"customerIds":["c1", "c2","c1"]}', b'{"customerIds":["mine", "c2","mine"]}'),
        (DEEP + b'{"customerId":"c1"}', DEEP + b'{"customerId":"mine"}'),
        (b'{"customerId":"c1"', b'{"customerId":"mine"'),
        (b'{"customerId":"c1"}\n{"customerId":"c1"}', b'{"customerId":"mine"}\n{"customerId":"mine"}'),
        (b'{"text":"\\"customerId\\":\\"c1\\"","customerId":"c1"}', b'{"text":"\\"customerId\\":\\"c1\\"","customerId":"mine"}'),
    ],
)  # fmt: skip
def test_an_id_is_found_however_the_answer_is_written(raw: bytes, new: bytes) -> None:
    assert renamed(raw, {"c1": "mine"}) == new


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b"\xff",
        b"[" * 5_000,
        b'{"customerId":null,"y":"c1"}',
        b'{"customerId":1.5,"x":{"customerId":1e1}}',
        b'{"customerId":"c1x"}',
        b'{"gb_customer_id":"c1","gameballId":"c1","referrerCode":"c1"}',
        b'{"text":"customerId\\":\\"c1"}',
        b'{"customerId":{"a":"c1"}}',
        b'{"customerId":true}',
        b'{"customerId":"c1',
    ],
)
def test_bytes_that_are_not_an_id_stay_unchanged(raw: bytes) -> None:
    assert renamed(raw, {"c1": "mine", "1": "mine", "15": "mine"}) is raw


def test_a_number_is_taken_for_its_digits() -> None:
    assert renamed(b'{"customerId":4711, "x":[{"customerId": 4711}]}', {"4711": "c1"}) == (
        b'{"customerId":"c1", "x":[{"customerId": "c1"}]}'
    )
    assert renamed(b'{"customerId":4711}', {}) == b'{"customerId":4711}'


@pytest.mark.parametrize(
    ("raw", "roots"),
    [
        (b'{"customerId":"a"}', [True]),
        (b'\xef\xbb\xbf {"x":"}{","customerId":"a"}', [True]),
        (b'{"x":{"customerId":"a"},"customerId":"a"}', [False, True]),
        (b'{"customerId":"a","x":[{"customerId":"a"}],"customerId":"b"}', [True, False, True]),
        (b'[{"customerId":"a"}]', [False]),
        (b'{"x":NaN,"y":["]"],"customerId":"a"}', [True]),
    ],
)
def test_only_the_object_that_is_the_whole_answer_is_its_root(raw: bytes, roots: list[bool]) -> None:
    assert [spot.at_root for spot in echo.ids_in(raw)] == roots


NAMES = [
    "customerId",
    "customer_id",
    "CustomerIDs",
    "customerUniqueId",
    "player_unique_ids",
    "playerUniqueId",
]
written = st.sampled_from(NAMES).flatmap(
    lambda name: st.tuples(
        *(
            st.sampled_from([sign, sign.upper(), f"\\u{ord(sign):04x}", f"\\u{ord(sign):04X}"])
            for sign in name
        )
    )
)


@settings(max_examples=100, deadline=None)
@given(st.one_of(written.map("".join), st.sampled_from(["custom", "play", "id", "\\u00e9"])))
def test_a_name_is_found_however_it_is_written_and_a_quick_look_misses_none(name: str) -> None:
    raw = f'{{"x":1,"{name}":"c1"}}'.encode()
    found = echo.ids_in(raw)
    with patch.object(echo, "_IN_A_NAME", (b"",)):
        assert echo.ids_in(raw) == found
    assert bool(found) is (len(name) > len("custom"))


ids = st.sampled_from(["c1", "c2", "\u00e9 1", 'q"1', "b\\1", "4711"])
values = st.recursive(
    st.none() | st.integers() | ids | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["customerId", "x", "customerIds", "\u00e9"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(values, st.booleans(), st.sampled_from([None, 1]))
def test_a_parser_sees_the_ids_changed_and_nothing_else(
    value: Any, ascii_only: bool, indent: int | None
) -> None:
    def change(one: Any, name: str = "") -> Any:
        if isinstance(one, dict):
            return {
                key: change(inner, key if not isinstance(inner, dict) else "") for key, inner in one.items()
            }
        if isinstance(one, list):
            flat = name in ("customerId", "customerIds") and not any(
                isinstance(inner, dict | list) for inner in one
            )
            return [change(inner, name if flat else "") for inner in one]
        return "new" if one == "c1" and name in ("customerId", "customerIds") else one

    try:
        raw = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    except UnicodeEncodeError:
        return
    got = json.loads(renamed(raw, {"c1": "new"}))
    assert _without_mixed_lists(got) == _without_mixed_lists(change(value))


def _without_mixed_lists(value: Any) -> Any:
    """A list of ids and other things under such a name cannot be judged."""
    if isinstance(value, dict):
        mixed = {name for name in ("customerId", "customerIds") if isinstance(value.get(name), list)}
        return {name: _without_mixed_lists(one) for name, one in value.items() if name not in mixed}
    return [_without_mixed_lists(one) for one in value] if isinstance(value, list) else value


# ---- reading bytes ----

JSON = b'{"customerId":"ann","name":"\xc3\xa9"}'


def _deflated(raw: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(raw) + packer.flush()


READABLE: dict[str, tuple[Callable[[bytes], bytes], dict[str, str]]] = {
    "plain": (lambda raw: raw, {}),
    "identity": (lambda raw: raw, {"Content-Encoding": "identity"}),
    "gzip": (gzip.compress, {"Content-Encoding": "gzip"}),
    "x-gzip": (gzip.compress, {"Content-Encoding": "X-GZIP"}),
    "gzip in members": (lambda raw: gzip.compress(raw[:9]) + gzip.compress(raw[9:]), {"Content-Encoding": "gzip"}),
    "deflate": (zlib.compress, {"Content-Encoding": "deflate"}),
    "bare deflate": (_deflated, {"Content-Encoding": "deflate"}),
    "gzip twice": (lambda raw: gzip.compress(gzip.compress(raw)), {"Content-Encoding": "gzip, gzip"}),
    "deflate, then gzip": (lambda raw: gzip.compress(zlib.compress(raw)), {"Content-Encoding": "deflate,gzip"}),
    "a mark": (lambda raw: b"\xef\xbb\xbf" + raw, {}),
    "UTF-16 with a mark": (lambda raw: raw.decode().encode("utf-16"), {}),
    "UTF-16 without one": (lambda raw: raw.decode().encode("utf-16-be"), {}),
    "UTF-32": (lambda raw: raw.decode().encode("utf-32"), {"Content-Type": "application/json; charset=utf-32"}),
    "Latin-1": (lambda raw: raw.decode().encode("latin-1"), {"Content-Type": "application/json; charset=ISO-8859-1"}),
    "Windows": (lambda raw: raw.decode().encode("cp1252"), {"Content-Type": 'text/json;charset="windows-1252"'}),
    "text": (lambda raw: raw, {"Content-Type": "text/plain"}),
    "bytes": (lambda raw: raw, {"Content-Type": "application/octet-stream"}),
    "no type": (lambda raw: raw, {"Content-Type": ""}),
}  # fmt: skip
UNREADABLE: dict[str, tuple[Callable[[bytes], bytes], dict[str, str]]] = {
    "br": (lambda raw: b"\x0b\x10\x80" + raw, {"Content-Encoding": "br"}),
    "zstd": (lambda raw: b"\x28\xb5\x2f\xfd" + raw, {"Content-Encoding": "zstd"}),
    "br in gzip": (gzip.compress, {"Content-Encoding": "br, gzip"}),
    "four codings": (lambda raw: raw, {"Content-Encoding": "gzip,gzip,gzip,gzip"}),
    "no gzip at all": (lambda raw: raw, {"Content-Encoding": "gzip"}),
    "half a gzip": (lambda raw: gzip.compress(raw)[:-9], {"Content-Encoding": "gzip"}),
    "gzip without its header": (gzip.compress, {}),
    "gzip in two headers": (gzip.compress, {"Content-Encoding": "gzip", "content-encoding": "br"}),
    "a bomb": (lambda raw: gzip.compress(raw + b" " * (17 << 20)), {"Content-Encoding": "gzip"}),
    "Latin-1 without its header": (lambda raw: raw.decode().encode("latin-1"), {"Content-Type": "application/json"}),
    "an unknown charset": (lambda raw: raw.decode().encode("latin-1"), {"Content-Type": "text/json; charset=x-klingon"}),
    "a charset that is none": (lambda raw: raw.decode().encode("latin-1"), {"Content-Type": "text/json; charset=base64"}),
}  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([b"\0", b"{", b'"']), max_size=8).map(b"".join))
def test_ascii_is_read_as_utf_8_unless_it_begins_as_a_wider_charset_does(raw: bytes) -> None:
    text = text_of(raw, {}, 1 << 20)
    if reading._WIDE.match(raw):
        assert text is None or text.charset
    else:
        assert text == Text(raw, "", raw)


@pytest.mark.parametrize("how", READABLE)
def test_an_answer_is_encoded_as_it_was_received(how: str) -> None:
    write, headers = READABLE[how]
    text = text_of(write(JSON), CIMultiDict(headers), 1 << 20)
    assert text is not None
    assert text.utf8.endswith(JSON)
    assert text.written(text.utf8) == text.plain


@pytest.mark.parametrize("how", UNREADABLE)
def test_an_answer_that_cannot_be_decoded_has_no_text(how: str) -> None:
    write, headers = UNREADABLE[how]
    assert text_of(write(JSON), CIMultiDict(list(headers.items())), 16 << 20) is None


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


@pytest.mark.parametrize("how", [*READABLE, *UNREADABLE])
async def test_an_answer_is_renamed_or_said_not_to_be(
    forward: RunningGateway, platform: Platform, how: str
) -> None:
    await _one_person(forward)
    write, more = (READABLE | UNREADABLE)[how]
    said: list[bytes] = []

    def disguise(raw: bytes, headers: CIMultiDict[str]) -> bytes:
        raw = '{"customerId":"c-1","name":"\u00e9","list":[{"customerId":"c-1","points":1.50}]}'.encode()
        headers.update(more)
        headers.update({"ETag": '"1"', "Content-MD5": "x", "Digest": "y", "Content-Digest": "z"})
        said.append(write(raw))
        return said[-1]

    platform.disguise = disguise
    platform.customers["4711"] = platform.customers["c-1"]
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


@pytest.mark.parametrize(
    ("raw", "warned"),
    [
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
    ],
)
async def test_an_id_that_could_not_be_renamed_is_reported(
    forward: RunningGateway, platform: Platform, raw: bytes, warned: bool
) -> None:
    await _one_person(forward)
    platform.disguise = lambda _, headers: raw
    answer, body = await _answered(forward, "POST", "orders", {"customerId": "4711"})
    assert (answer.headers.get("X-Gateway-Warnings") == UNMAPPED) is warned
    assert answer.status == 200
    assert (body == raw) or warned
    answer, body = await _answered(forward, "GET", "leaderboard", None)
    assert ("X-Gateway-Warnings" in answer.headers) is (bool(raw) and not echo.is_json(raw))


@pytest.mark.parametrize("status", [400, 404, 409, 422, 500, 207])
async def test_a_refusal_names_a_customer_by_the_channels_id_too(
    forward: RunningGateway, platform: Platform, status: int
) -> None:
    await _one_person(forward)
    platform.disguise = lambda _, headers: b'{"code":4000,"customerId":"c-1"}'
    platform.disguised_status = status
    answer, raw = await _answered(forward, "POST", "orders", {"customerId": "4711"})
    assert (answer.status, raw) == (status, b'{"code":4000,"customerId":"4711"}')


async def test_part_of_an_answer_is_not_renamed(forward: RunningGateway, platform: Platform) -> None:
    await _one_person(forward)
    platform.disguise = lambda _, headers: b'"customerId":"c-1"'
    platform.disguised_status = 206
    answer, raw = await _answered(forward, "POST", "orders", {"customerId": "4711"})
    assert (raw, answer.headers["X-Gateway-Warnings"]) == (b'"customerId":"c-1"', UNMAPPED)


V4 = "/api/v4.0/integrations"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Location", V4 + "/customers/{}"),
        ("Location", "https://api.example.com" + V4 + "/customers/{}/details?x=1#y"),
        ("Location", V4 + "/transactions?a=1&customerId={}&b=2"),
        ("Content-Location", "/customers/{}"),
        ("Link", '</customers/{}/activities?startAfter=5>; rel="next", </customers/{}>; rel="up"'),
        ("X-Customer-Id", "{}"),
        ("X-GB-CustomerId", "{}"),
        ("Location", "/customers/c-11"),
        ("Location", "/orders/c-1"),
        ("Location", "/customers/social-challenges"),
        ("X-Trace", "c-1"),
    ],
)
@pytest.mark.parametrize("status", [201, 204, 303])
async def test_ids_in_headers_are_the_channels_own(
    forward: RunningGateway, platform: Platform, status: int, name: str, value: str
) -> None:
    await _one_person(forward)
    platform.headers[name] = value.replace("{}", "c-1")
    platform.disguised_status = status
    platform.disguise = lambda _, headers: b"" if status == 204 else b"{}"
    async with forward.call(
        "POST", "orders", channel="pos", json={"customerId": "4711"}, allow_redirects=False
    ) as answer:
        assert (answer.status, answer.headers[name]) == (status, value.replace("{}", "4711"))


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


async def test_a_job_that_a_packed_answer_named_is_remembered(
    forward: RunningGateway, platform: Platform
) -> None:
    await ask(forward, "POST", "orders", channel="web", json={"customerId": "1001", "email": EMAIL})
    await ask(forward, "POST", "orders", channel="pos", json={"customerId": "till-7", "email": EMAIL})

    def packed(raw: bytes, headers: CIMultiDict[str]) -> bytes:
        headers["Content-Encoding"] = "gzip"
        return gzip.compress(b"\xef\xbb\xbf" + raw)

    platform.disguise = packed
    batch = {"body": [{"customerId": "till-7", "orderId": "1001"}]}
    async with forward.call("POST", "batch/orders", channel="pos", json=batch) as answer:
        job = json.loads((await answer.read()).removeprefix(b"\xef\xbb\xbf"))["batchId"]
    platform.disguise = None
    status = await ask(forward, "GET", f"batches/{job}/status", channel="pos")
    assert status.body["response"]["successful"] == [{"customerId": "1001"}]
