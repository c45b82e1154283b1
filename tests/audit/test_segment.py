"""Segments: what is packed is unpacked as it was, and nothing else is taken for it."""

import gzip
import hashlib
import hmac
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import segment
from gateway.audit.chain import Chain, Link
from gateway.audit.event import AuditEvent
from gateway.audit.segment import (
    Header,
    Packing,
    Stretch,
    Unpacking,
    header_digest,
    is_signed,
    name_of,
    number_of,
    read_header,
    signature,
    tips,
)


def links() -> list[Link]:
    """Of two chains, one of which has links before these."""
    one, other = Chain("a"), Chain("b")
    one.keep((4, b"\xaa"))
    one.rewind()
    return [
        chain.link(
            AuditEvent(10 + n, 1_000 + n, "pin.set", "ok", "", "ann b", "", "", "", "a\u2028b\n", "{}")
        )
        for n, chain in enumerate((one, other, one, one, other))
    ]


def packed(links: list[Link]) -> tuple[Packing, Header, bytes]:
    packing = Packing()
    packing.add(links[:3], {"a": (4, b"\xaa"), "c": (9, b"\xcc")})
    packing.add(links[3:], {"a": (6, b"\xbb"), "b": (1, b"\xdd")})
    return packing, packing.header(3, "previous"), b"".join(packing.body())


def lines(links: list[Link]) -> bytes:
    return b"".join(msgspec.json.encode(link) + b"\n" for link in links)


def test_a_header_has_the_bounds_of_the_events_and_of_each_chain() -> None:
    whole = links()
    packing, header, body = packed(whole)
    assert header == Header(
        number=3,
        previous="previous",
        first=10,
        last=14,
        since=1_000,
        until=1_004,
        events=5,
        chains={
            "a": Stretch(5, "aa", 7, whole[3].hash.hex()),
            "b": Stretch(1, "", 2, whole[4].hash.hex()),
        },
        lines=hashlib.sha256(lines(whole)).hexdigest(),
    )
    assert gzip.decompress(body) == lines(whole)
    assert (packing.events, packing.size) == (5, len(lines(whole)))
    assert tips([header]) == {"a": (7, whole[3].hash), "b": (2, whole[4].hash)}


def test_the_newest_header_says_where_a_chain_ends() -> None:
    first, second = (Header(n, "", 1, 1, 1, 1, 1, {"a": Stretch(n, "", n, f"0{n}")}, "") for n in (1, 2))
    assert tips([first, second]) == {"a": (2, b"\x02")}


@given(st.integers(1, 60), st.integers(1, 40))
def test_events_are_read_in_pieces_of_any_size(size: int, piece: int) -> None:
    whole = links()
    _, header, body = packed(whole)
    unpacking = Unpacking(header)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segment, "_PIECE", piece)
        found = unpacking.read(body[at : at + size] for at in range(0, len(body), size))
        assert [link for links in found for link in links] == whole
    assert unpacking.is_whole


@pytest.mark.parametrize("kept", [0, 1, 4])
def test_events_that_are_missing_are_noticed(kept: int) -> None:
    _, header, _ = packed(links())
    unpacking = Unpacking(header)
    list(unpacking.read([gzip.compress(lines(links()[:kept]))]))
    assert not unpacking.is_whole


def test_an_event_that_is_another_and_a_count_that_is_wrong_are_noticed() -> None:
    _, header, body = packed(links())
    other = Unpacking(header)
    list(other.read([gzip.compress(lines(links()).replace(b'"ok"', b'"no"', 1))]))
    assert not other.is_whole
    miscounted = Unpacking(msgspec.structs.replace(header, events=6))
    list(miscounted.read([body]))
    assert not miscounted.is_whole


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "the end is missing"),
        (gzip.compress(lines(links()))[:-1], "the end is missing"),
        (gzip.compress(lines(links()) + b"[1"), "the end is missing"),
        (gzip.compress(lines(links())) + b"x", "data after the end"),
        (b"plain", "incorrect header check"),
        (zlib.compress(lines(links())), "incorrect header check"),
        (gzip.compress(lines(links()))[:-8] + bytes(8), "incorrect data check"),
    ],
)
@pytest.mark.parametrize("size", [1, 1_000])
def test_a_body_that_is_no_such_stream_is_refused(body: bytes, what: str, size: int) -> None:
    _, header, _ = packed(links())
    with pytest.raises(ValueError, match=what):
        list(Unpacking(header).read(body[at : at + size] for at in range(0, len(body), size)))


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "LONGEST_HEADER", 1_000)
    monkeypatch.setattr(segment, "_PIECE", 100)
    _, header, _ = packed(links())
    with pytest.raises(ValueError, match="a line without an end"):
        list(Unpacking(header).read([gzip.compress(b"x" * 1_000_000)]))
    with pytest.raises(ValueError, match="the end is missing"):
        list(Unpacking(header).read([gzip.compress(b"x" * 1_000)]))


def test_a_header_is_read_as_it_was_written_and_with_no_other_field() -> None:
    _, header, _ = packed(links())
    assert read_header(header.encoded()) == header
    with pytest.raises(msgspec.MsgspecError):
        read_header(header.encoded()[:-1] + ',"more":1}')


def test_a_signature_and_a_digest_stay_what_they_were_in_stored_archives() -> None:
    signed = hmac.digest(b"key", b"gateway.audit.segment.v1\0{}", "sha256").hex()
    assert signature(b"key", "{}") == signed
    assert is_signed(b"key", "{}", signed)
    assert not is_signed(b"other", "{}", signed)
    assert not is_signed(b"key", "{}", "\udcff")
    assert header_digest("{}") == hashlib.sha256(b"{}").hexdigest()


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("audit-000001.segment", 1),
        ("audit-1234567.segment", 1_234_567),
        ("audit-00001.segment", None),
        ("audit-000001.segment.0123abcd.partial", None),
        ("audit-٠٠٠٠٠١.segment", None),
        ("AUDIT-000001.SEGMENT", None),
        ("audit-000001xsegment", None),
    ],
)
def test_a_number_is_read_from_the_name_of_a_segment_only(name: str, number: int | None) -> None:
    assert number_of(name) == number
    assert number is None or name_of(number) == name
