"""An answer's bytes as text, however they were encoded, and back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from gateway.http.proxy import answer_text
from gateway.http.proxy.answer_text import AnswerText, text_of
from tests.support.encoded_answers import JSON, READABLE, UNREADABLE


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([b"\0", b"{", b'"']), max_size=8).map(b"".join))
def test_ascii_is_read_as_utf_8_unless_it_begins_as_a_wider_charset_does(raw: bytes) -> None:
    text = text_of(raw, {}, 1 << 20)
    if answer_text._WIDE.match(raw):
        assert text is None or text.charset
    else:
        assert text == AnswerText(raw, "", raw)


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
