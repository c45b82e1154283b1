"""Request targets: one canonical reading, or a refusal."""

from __future__ import annotations

import pytest

from gateway.http.gameball.envelope import Fault
from gateway.http.gameball.framing import path_of, texts

# ---- targets ----


@pytest.mark.parametrize(
    "target",
    ["/api/x", "/a%2Fb", "/a%2fb?x=1&y=//", "/+20100", "/a@b.c", "/~a/b.c/...", "/a?b?c"],
)
def test_a_plain_target_has_a_path(target: str) -> None:
    assert path_of(target) == target.partition("?")[0]


@pytest.mark.parametrize(
    "target",
    [
        "http://other/api",
        "*",
        "example.org:443",
        "",
        "/a//b",
        "//a",
        "/a/../b",
        "/a/%2e%2E/b",
        "/a/.",
        "/a/%2e",
        "/a\\b",
        "/a#b",
        "/a?b#c",
        "/a%2",
        "/a%zz",
        "/a?b=%",
        "/a b",
        "/\u00e9",
    ],
)
def test_an_ambiguous_request_target_is_refused(target: str) -> None:
    assert isinstance(path_of(target), Fault)


def test_segments_are_decoded_once() -> None:
    assert texts(["a%2Fb%3Fc%23", "%252F", "+20100"]) == ("a/b?c#", "%2F", "+20100")
    assert texts(["%ff"]) is None
