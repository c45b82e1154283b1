"""What an answer means for the delivery that it answers."""

import json
import random
from datetime import UTC, datetime
from email.utils import format_datetime
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import HOUR, MINUTE, SECOND
from gateway.upstream.answers import (
    Dead,
    Delivered,
    Held,
    Retry,
    Unknown,
    Verdict,
    backoff,
    classify,
    classify_failure,
    masked,
    retry_after,
)
from gateway.upstream.errors import Garbled, Lost, Unreachable
from tests.support.in_process_gateway import NOON


def verdict(
    status: int, code: int = 0, *, body: bytes | None = None, after_unknown: bool = False, **headers: str
) -> Verdict:
    content = json.dumps({"code": code}).encode() if body is None else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return classify(status, named, content, now=NOON, after_unknown=after_unknown)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (202, 0, Delivered()),
        (200, 0, Delivered()),
        (422, 9001, Delivered()),
        (422, 9003, Delivered()),
        (422, 9004, Delivered()),
        (422, 7001, Delivered()),
        (422, 2001, Retry("status_422")),
        (429, 0, Retry("status_429")),
        (408, 0, Retry("status_408")),
        (425, 0, Retry("status_425")),
        (500, 5000, Retry("status_500")),
        (503, 5003, Retry("status_503")),
        (307, 0, Retry("status_307")),
        (502, 0, Unknown("status_502")),
        (504, 0, Unknown("status_504")),
        (401, 1006, Held("auth")),
        (403, 1002, Held("auth")),
        (422, 6000, Held("disabled")),
        (400, 3000, Dead("status_400", '{"code": 3000}')),
        (400, 4000, Dead("status_400", '{"code": 4000}')),
        (404, 4004, Dead("status_404", '{"code": 4004}', customer_unknown=True)),
        (422, 3003, Dead("status_422", '{"code": 3003}')),
    ],
)
def test_an_answer_has_one_meaning(status: int, code: int, expected: Verdict) -> None:
    assert verdict(status, code) == expected


def test_sent_several_times_means_that_it_arrived_once_an_attempt_of_ours_was_unknown() -> None:
    assert verdict(400, 4000, after_unknown=True) == Delivered()


def test_a_route_that_is_not_deployed_is_not_an_unknown_customer() -> None:
    assert verdict(404, body=b"") == Retry("status_404")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"code":"x"}', b"\xff", b"<html>", b'{"code":1e99}']
)
def test_a_body_that_says_nothing_leaves_it_to_the_status(body: bytes) -> None:
    assert verdict(202, body=body) == Delivered()
    assert verdict(503, body=body) == Retry("status_503")
    assert isinstance(verdict(400, body=body), Dead)


def test_only_a_call_that_was_never_sent_may_be_sent_again_without_asking() -> None:
    assert classify_failure(Unreachable("no_connection")) == Retry("no_connection")
    assert classify_failure(Lost("timeout")) == Unknown("timeout")
    assert classify_failure(Garbled("malformed")) == Unknown("malformed")


@given(st.integers(100, 599), st.integers(0, 10_000), st.binary(max_size=50))
def test_no_request_that_may_have_succeeded_is_sent_again_blindly(
    status: int, code: int, body: bytes
) -> None:
    meaning = verdict(status, code)
    assert isinstance(meaning, Delivered) or not 200 <= status < 300
    assert not isinstance(meaning, Retry) or status not in {502, 504}
    verdict(status, body=body)


# ---- Retry-After ----

IN_A_MINUTE = format_datetime(datetime.fromtimestamp((NOON + MINUTE) / SECOND, UTC), usegmt=True)
YESTERDAY = format_datetime(datetime.fromtimestamp(NOON / SECOND - 86_400, UTC), usegmt=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", 7 * SECOND),
        (" 7 ", 7 * SECOND),
        ("0", SECOND),
        ("1000000000", HOUR),
        ("9" * 18, HOUR),
        (IN_A_MINUTE, MINUTE),
        (YESTERDAY, SECOND),
        ("Sun, 31 Dec 9999 23:59:59 GMT", HOUR),
        (None, None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٧", None),
        ("9" * 400, None),
        ("Sun, 99 Foo 2026 99:99:99 GMT", None),
    ],
)
def test_f15_retry_after_is_kept_within_a_second_and_an_hour_and_garbage_is_none(
    value: str | None, expected: int | None
) -> None:
    assert retry_after(value, NOON) == expected


@given(st.text(max_size=60))
def test_f15_no_header_value_raises(value: str) -> None:
    wait = retry_after(value, NOON)
    assert wait is None or SECOND <= wait <= HOUR


def test_an_answer_to_be_tried_again_says_when() -> None:
    assert verdict(503, Retry_After="30") == Retry("status_503", 30 * SECOND)


@given(st.integers(1, 10_000))
def test_the_wait_before_the_next_attempt_is_anything_up_to_a_bound_that_doubles(attempt: int) -> None:
    bound = min(15 * MINUTE, 2 * SECOND * 2 ** min(attempt - 1, 20))
    assert backoff(attempt, lambda low, high: high) == bound
    assert backoff(attempt, lambda low, high: low) == 0
    assert 0 <= backoff(attempt, random.Random(attempt).randint) <= bound


# ---- what is kept of a body ----


@given(st.binary(max_size=5_000))
def test_the_kept_part_of_a_body_is_short(body: bytes) -> None:
    assert len(masked(body)) <= 6_000


def test_the_kept_part_of_a_body_is_masked() -> None:
    kept = masked(b'{"message":"ann@example.com or +20 100 123 4567 has id 01001234567","code":3008}')
    assert kept == '{"message":"a***@e***.com or ***67 has id ***67","code":3008}'


@pytest.mark.parametrize(
    "piece", ["a", "a%4", "\\u004", "+", ".", "a@", "1 ", "1(", "%40", 'xy",', "ann%40 "]
)
def test_no_body_keeps_the_gateway_busy_with_masking(piece: str) -> None:
    body = (piece * (1 << 20)).encode()
    spent: list[float] = []
    for _ in range(3):
        begun = process_time()
        masked(body)
        spent.append(process_time() - begun)
    assert min(spent) < 0.01


def test_a_number_behind_the_sign_is_masked_as_well() -> None:
    assert masked(b"ann@01001234567") == "a***@***.***67"


@pytest.mark.parametrize("sign", ["%40", "\\u0040"])
def test_an_address_that_came_escaped_is_masked_as_well(sign: str) -> None:
    kept = masked(f'{{"path":"/customers/ann{sign}example.com/balance"}}'.encode())
    assert "ann" not in kept
    assert "example" not in kept
