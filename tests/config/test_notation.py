"""The notation of durations, sizes, times, addresses and origins."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import (
    load,
)
from gateway.config.notation import (
    Address,
    address,
    duration,
    duration_text,
    instant,
    instant_text,
    size,
    size_text,
)

moments = st.datetimes(timezones=st.just(UTC)).filter(lambda moment: 2 < moment.year < 9_998)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("250ms", 250), ("300s", 300_000), ("5m", 300_000), ("72h", 259_200_000), ("400d", 34_560_000_000)],
)
def test_durations_are_milliseconds(text: str, expected: int):
    assert duration(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("1B", 1), ("64KiB", 65_536), ("1MiB", 1 << 20), ("2GiB", 2 << 30)]
)
def test_sizes_are_bytes(text: str, expected: int):
    assert size(text) == expected


@pytest.mark.parametrize("text", ["", "5", "s", "-5s", "5 s", "1.5s", "5S", "٥s", 5, True, None])
def test_text_that_is_not_a_duration_is_refused(text: object):
    with pytest.raises(ValueError, match="is not a duration; write"):
        duration(text)


@given(st.integers(0, 10**14))
def test_durations_and_sizes_are_read_back_as_they_are_shown(amount: int):
    assert duration(duration_text(amount)) == amount
    assert size(size_text(amount)) == amount


@given(moments, st.integers(-720, 840))
def test_instants_are_the_same_in_every_offset(moment: datetime, offset: int):
    utc = moment.replace(microsecond=moment.microsecond // 1_000 * 1_000)
    milliseconds = instant(utc.astimezone(timezone(timedelta(minutes=offset))))
    assert datetime.fromisoformat(instant_text(milliseconds)) == utc


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8080", Address("127.0.0.1", 8080)),
        ("[::1]:0", Address("::1", 0)),
        ("localhost:80", Address("localhost", 80)),
        ("gateway.example:65535", Address("gateway.example", 65_535)),
    ],
)
def test_addresses_are_read_and_shown_the_same(text: str, expected: Address):
    assert address(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("127.8.0.1:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("h:1", False),
    ],
)
def test_only_loopback_addresses_count_as_loopback(text: str, loopback: bool):
    assert address(text).is_loopback is loopback


def test_an_origin_is_what_a_browser_writes(tmp_path: Path) -> None:
    origins = [
        "https://shop.example.com",
        "http://localhost:3000",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "https://xn--caf-dma.example",
        "https://shop.example.com:8443",
        "http://shop.example.com:443",
        "capacitor://localhost",
        "ionic://localhost",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    ]
    path = tmp_path / "config.toml"
    path.write_text(f"[server]\ncors_origins = {json.dumps(origins)}\n")
    assert load(path, {}).server.cors_origins == tuple(origins)
