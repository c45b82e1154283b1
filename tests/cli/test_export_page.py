"""The page of a person: whatever is in the data is text in it."""

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.export import page

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></table><iframe src=//evil>",
    "<!--",
    "]]>",
    "&lt;b&gt;",
    "'onmouseover='x",
    "javascript:alert(1)",
    "\x1b[31m\x00\u202e",
    "<svg/onload=alert(1)>",
]
OWN = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "table", "tr", "th", "td", "br"}


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def person(text: str) -> dict[str, Any]:
    return {
        "exported_at": text,
        "profile": {"id": text, text: text, "records": [{"customer_id": text, "seen": [{"value": text}]}]},
        "attributes": [{"name": text, "value": {text: [text, 1, None, True]}}],
        "claimed_attributes": [],
        "tags": [text],
        "pins": [],
        "splits": [],
        "achievements": [{"coupon_code": text}],
        "kept_answers": [],
        "waiting_messages": [{"body": text}],
        "import_changes": [],
        "events": [{"detail": {text: text}, "words": {"note": text}}],
    }


def looked_at(text: str) -> Seen:
    seen = Seen()
    seen.feed(page(person(text)))
    seen.close()
    return seen


@pytest.mark.parametrize("text", HOSTILE)
def test_active_content_is_shown_as_text(text: str) -> None:
    seen = looked_at(text)
    assert seen.tags <= OWN
    assert seen.attributes == {"lang", "charset", "http-equiv", "content"}
    if text.isprintable():
        assert seen.texts.count(text) >= 10


@given(st.text(alphabet=st.sampled_from("<>&\"'/=!-abcs \n\x00\x1b")))
def test_no_text_makes_markup(text: str) -> None:
    seen = looked_at(text)
    assert seen.tags <= OWN
    assert seen.attributes == {"lang", "charset", "http-equiv", "content"}
    assert "\x1b" not in page(person(text))
