"""What an operator fills in wrongly, or sends too late: the page says so in words, and nothing that was typed is lost."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import quote

import pytest

from tests.console.conftest import Shop
from tests.console.test_access import visiting
from tests.support.rule_texts import MINIMAL
from tests.support.running_gateway import ADMIN_TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="module")
WRONG = (
    (
        "profiles/{ann}/merge",
        {"other": "0100 123 4567", "reason": "one"},
        "Id of the other profile: write it as",
    ),
    ("profiles/{ann}/merge", {"other": "{merged}", "reason": "  "}, "Reason: write why"),
    ("profiles/{ann}/merge", {"other": "{merged}", "reason": "x" * 501}, "Reason: write why"),
    (
        "profiles/{ann}/pin",
        {"a": "ann", "b": "joe", "kind": "must", "reason": "one"},
        "Records: write each id",
    ),
    ("merges/undo", {"since": "1d"}, "Reason: write why"),
    ("operators", {"name": "Jörg Müller", "role": "viewer"}, "Name: write lower-case letters"),
    ("lists/stores/add", {"values": " \n ", "region": "EG"}, "Numbers: write one on each line"),
    ("lists/stores/add", {"values": "0100 123 4567", "region": "E1"}, "Country: write two letters"),
)


@pytest.mark.parametrize(("path", "form", "told"), WRONG)
async def test_a_field_that_is_filled_in_wrongly_is_named_in_words(
    shop: Shop, path: str, form: dict[str, str], told: str
) -> None:
    asked = {name: text.format(**shop.ids) for name, text in form.items()}
    async with visiting(shop, ADMIN_TOKEN) as visitor:
        status, text, _ = await visitor.post(f"/console/{path.format(**shop.ids)}", asked)
    assert (status, told in text, "Expected `" in text) == (400, True, False), text


TYPED = (
    ("lists/stores/add", {"values": "+201001234567\n+201001234568\nno number", "region": "EG"}),
    ("profiles/{ann}/merge", {"other": "prf_0", "reason": 'they share "one" <b>phone</b>'}),
    ("rules", {"text": "[rules]\nschema = 1"}),
)


@pytest.mark.parametrize("late", ["session", "upgrade", "secret", "wrong"])
@pytest.mark.parametrize(("path", "form"), TYPED)
async def test_what_was_filled_in_is_shown_when_it_is_not_taken(
    shop: Shop, path: str, form: dict[str, str], late: str
) -> None:
    spoilt = {"upgrade": {"_build": "older"}, "secret": {"_csrf": "of another session"}}
    async with visiting(shop, ADMIN_TOKEN) as visitor:
        if late == "session":
            visitor.session.cookie_jar.clear()
        _, text, _ = await visitor.post(
            f"/console/{path.format(**shop.ids)}", {**form, **spoilt.get(late, {})}
        )
    for typed in form.values():
        assert html.escape(typed).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in text


async def test_a_form_of_another_site_is_not_shown(shop: Shop) -> None:
    async with visiting(shop) as stranger:
        path = f"/console/profiles/{shop.ann}/merge"
        status, text, _ = await stranger.post(path, {"reason": "call us"}, origin="http://evil.example")
    assert (status, "call us" in text) == (401, False)


@pytest.mark.parametrize(
    "path", ["audit?since={}", "merges?until={}", "reviews?since={}", "profiles/{ann}?at={}"]
)
async def test_a_moment_is_taken_as_the_page_shows_it(shop: Shop, path: str) -> None:
    async with visiting(shop, ADMIN_TOKEN) as visitor:
        _, text, _ = await visitor.get(f"/console/profiles/{shop.ann}")
        (shown, *_) = re.findall(r"<time [^>]*>(2[^<]+)</time>", text)
        assert "Times are in UTC" in text
        for moment in (f"  {shown} ", shown[:16]):
            place = path.replace("{ann}", shop.ann).format(quote(moment))
            status, text, _ = await visitor.get(f"/console/{place}")
            assert "is not a time" not in text
            assert status in (200, 404), "a minute before, there may have been nothing"


BACK = (
    ("profiles/{ann}/merge", "profiles/{ann}"),
    ("profiles/{ann}/erase", "profiles/{ann}"),
    ("merges/{merge}/undo", "merges/{merge}"),
    ("splits/spl_0000000000000001/lift", ""),
    ("lists/stores/add", "lists/stores"),
    ("operators/vic/rotate", "operators"),
    ("operators/a%0d%0ab/rotate", "operators"),
    ("lists/a%2Fb/add", "lists/a%2Fb"),
    ("system/keys", "system"),
)


@pytest.mark.parametrize(("path", "to"), BACK)
async def test_the_address_of_a_form_leads_to_the_page_above_it(shop: Shop, path: str, to: str) -> None:
    async with visiting(shop, ADMIN_TOKEN) as visitor:
        status, _, response = await visitor.get(f"/console/{path.format(**shop.ids)}")
    assert (status, response.headers["Location"]) == (303, f"/console/{to.format(**shop.ids)}")


@pytest.mark.parametrize(
    ("path", "to"), [("merges/undo", "merges"), ("rules/check", "rules"), ("find/nobody", "find")]
)
async def test_a_page_that_is_not_there_leads_back_to_one_that_is(shop: Shop, path: str, to: str) -> None:
    async with visiting(shop, ADMIN_TOKEN) as visitor:
        status, text, _ = await visitor.get(f"/console/{path}")
    assert (status, f'href="/console/{to}">Go back' in text) == (404, True)


@pytest.mark.parametrize("version", ["2026/12", "a?b#c", "100%", "قواعد 2", 'the "new" one'])
async def test_a_rule_set_is_reached_whatever_its_version_is_called(shop: Shop, version: str) -> None:
    text = MINIMAL.replace('"1"', json.dumps(version, ensure_ascii=False))
    async with visiting(shop, ADMIN_TOKEN) as visitor:
        status, page, response = await visitor.post("/console/rules", {"text": text})
        assert status == 303, page
        place = f"/console/rules/{quote(version, safe='')}"
        assert response.headers["Location"] == f"{place}?done=stored"
        assert f'href="{place}"' in (await visitor.get("/console/rules"))[1]
        status, page, _ = await visitor.get(place)
        assert (status, f'action="{place}/activate"' in page) == (200, True)
        assert f'href="/admin/v1/rules/{quote(version, safe="")}"' in page


async def test_a_list_is_opened_by_any_name_that_it_may_have(shop: Shop) -> None:
    async with visiting(shop, ADMIN_TOKEN) as visitor:
        for name in ("open", "stores-2"):
            _, _, response = await visitor.get(f"/console/lists?name={name}")
            status, text, _ = await visitor.get(response.headers["Location"])
            assert (status, f"/console/lists/{name}/add" in text) == (200, True)
            assert "No number is on this list." in text
        status, text, _ = await visitor.get("/console/lists?name=Our stores")
        assert (status, 'value="Our stores"' in text, "write lower-case" in text) == (400, True, True)
