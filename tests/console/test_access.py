"""Who gets a page and who may send its forms; everything here is asked without a browser, as an attacker would."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from gateway.errors import StoreUnavailable
from gateway.http.admin import sessions
from gateway.http.admin.page_headers import PAGE_HEADERS
from gateway.http.console.render import BUILD
from gateway.http.console.routes import PAGES, Page
from tests.console.conftest import Shop
from tests.support.running_gateway import ADMIN_TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOT = Path(__file__).parents[2]
CSRF = re.compile(r'name="_csrf" value="([^"]+)"')
READS = [page for page in PAGES if page.method == "GET"]
FORMS = [page for page in PAGES if page.method == "POST"]


def filled(page: Page, shop: Shop) -> str:
    """The page's path with ids of the right kind."""
    first = page.path.split("/")[1]
    ids = {"reviews": shop.review, "merges": "mrg_0000000000000001", "achievements": "ach_0000000000000001"}
    ids |= {
        "jobs": "job_0000000000000001",
        "deliveries": "dlv_0000000000000001",
        "imports": "0123456789abcdef",
        "system": "key",
        "sessions": "x",
    }
    path = page.path.replace("{id}", ids.get(first, shop.ann))
    path = path.replace("{operation}", "show_profile")
    return "/console" + path.replace("{version}", "preset-email-or-mobile-1").replace("{name}", "stores")


class Visitor:
    """A client with cookies, which says where its requests come from as a browser does."""

    def __init__(self, shop: Shop, session: aiohttp.ClientSession) -> None:
        self.shop, self.session, self.csrf = shop, session, ""

    async def get(self, path: str, **options: Any) -> tuple[int, str, aiohttp.ClientResponse]:
        url = self.shop.url(path)
        async with self.session.get(url, allow_redirects=False, **options) as response:
            return response.status, await response.text(), response

    async def post(
        self, path: str, form: dict[str, str] | None = None, *, origin: str | None = None
    ) -> tuple[int, str, aiohttp.ClientResponse]:
        data = {"_csrf": self.csrf, "_build": BUILD, **(form or {})}
        headers = {"Origin": self.shop.gateway.admin_url if origin is None else origin}
        url = self.shop.url(path)
        async with self.session.post(url, data=data, headers=headers, allow_redirects=False) as response:
            return response.status, await response.text(), response

    async def log_in(self, token: str, to: str = "") -> aiohttp.ClientResponse:
        _, _, response = await self.post(f"/console/log-in?to={to}", {"token": token})
        if response.status == 303:
            _, text, _ = await self.get("/console/find")
            self.csrf = CSRF.findall(text)[0]
        return response


@asynccontextmanager
async def visiting(shop: Shop, token: str = "") -> AsyncGenerator[Visitor]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        visitor = Visitor(shop, session)
        if token:
            assert (await visitor.log_in(token)).status == 303
        yield visitor


async def token_of(shop: Shop, name: str, role: str) -> str:
    body = {"name": name, "role": role}
    async with shop.gateway.admin("POST", "operators", json=body) as response:
        return (await response.json())["token"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin(shop: Shop) -> AsyncGenerator[Visitor]:
    async with visiting(shop, ADMIN_TOKEN) as visitor:
        yield visitor


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def viewer(shop: Shop) -> AsyncGenerator[Visitor]:
    async with visiting(shop, await token_of(shop, "vic", "viewer")) as visitor:
        yield visitor


async def test_no_page_is_shown_without_a_session(shop: Shop) -> None:
    async with visiting(shop) as stranger:
        for page in READS:
            path = filled(page, shop)
            status, text, response = await stranger.get(path)
            assert (status, text) == (303, ""), path
            assert response.headers["Location"].startswith("/console/log-in?to=%2Fconsole%2F")
        for page in FORMS:
            status, text, _ = await stranger.post(filled(page, shop))
            assert (status, "session has ended" in text) == (401, True), page.path


async def test_every_page_is_the_viewers_to_look_at(shop: Shop, viewer: Visitor) -> None:
    for page in READS:
        status, text, response = await viewer.get(filled(page, shop))
        assert status in (200, 303, 404) or page.path.endswith(("diff", "/try")), (page.path, text)
        if response.content_type == "text/html" and status == 200:
            assert {name: response.headers[name] for name in PAGE_HEADERS} == PAGE_HEADERS
            assert response.headers["Cache-Control"] == "no-store"


async def test_every_form_that_changes_something_needs_more_than_a_viewer(
    shop: Shop, viewer: Visitor
) -> None:
    harmless = {"/find", "/log-out", "/sessions/{id}/end", "/rules/check"}
    for page in (one for one in FORMS if one.path not in harmless):
        status, text, _ = await viewer.post(filled(page, shop), {"text": "x", "sure": "yes"})
        assert (status, "forbidden_role" in text) == (403, True), (page.path, text)


async def test_a_form_without_the_secret_of_the_session_changes_nothing(shop: Shop, admin: Visitor) -> None:
    for page in FORMS:
        status, text, _ = await admin.post(filled(page, shop), {"_csrf": "guess"})
        assert (status, "csrf_refused" in text) == (403, True), page.path


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
async def test_a_form_of_another_site_changes_nothing(shop: Shop, admin: Visitor, origin: str) -> None:
    status, text, _ = await admin.post(f"/console/reviews/{shop.review}/yes", origin=origin)
    assert (status, "origin_refused" in text) == (403, True)
    async with visiting(shop) as stranger:
        status, _, _ = await stranger.post("/console/log-in", {"token": ADMIN_TOKEN}, origin=origin)
        assert status == 403


async def test_a_form_from_before_an_upgrade_says_so(shop: Shop, admin: Visitor) -> None:
    status, text, _ = await admin.post(f"/console/reviews/{shop.review}/yes", {"_build": "older"})
    assert (status, "from before an upgrade" in text) == (409, True)
    status, text, _ = await admin.get(f"/console/reviews/{shop.review}")
    assert "What waits" not in text
    assert ">open<" in text


async def test_an_irreversible_action_asks_for_a_typed_word(shop: Shop, admin: Visitor) -> None:
    path = f"/console/profiles/{shop.ann}/erase"
    status, text, _ = await admin.post(path, {"sure": "yes", "confirm": "prf_0000000000000001"})
    assert (status, "not_confirmed" in text) == (409, True)
    status, _, _ = await admin.get(f"/console/profiles/{shop.ann}")
    assert status == 200


MANY = (
    ("merges/undo", {"rule": "operator", "reason": "a broken rule"}, "Undo 1 merge?"),
    ("reviews/accept", {"channel": "web", "rule": "email"}, "Answer 1 question with yes?"),
    ("reviews/reject", {"since": "1h", "rule": "email"}, "Answer 1 question with no?"),
    ("deliveries/retry", {"state": "dead"}, "Send 0 deliveries again?"),
    ("deliveries/discard", {"state": "held", "target": "upstream"}, "Give 0 deliveries up for good?"),
    ("achievements/retry", {"state": "failed", "campaign": "11664"}, "Try 0 achievements again?"),
)


@pytest.mark.parametrize(("path", "asked", "title"), MANY)
async def test_work_on_many_is_shown_and_asks_for_the_number_that_matches(
    shop: Shop, admin: Visitor, path: str, asked: dict[str, str], title: str
) -> None:
    status, text, _ = await admin.post(f"/console/{path}", asked)
    assert (status, title in text, 'name="sure"' in text) == (200, True, " 0 " not in title)
    for form, code in (
        ({"expected": "1", "confirm": "2"}, "not_confirmed"),
        ({"expected": "7", "confirm": "7"}, "count_changed"),
        ({"expected": "x", "confirm": "x"}, "bad_body"),
    ):
        _, text, _ = await admin.post(f"/console/{path}", {**asked, "sure": "yes", **form})
        assert code in text
    assert "No job was started." in (await admin.get("/console/jobs"))[1]


async def test_a_list_offers_work_on_many_only_where_its_filters_allow_it(shop: Shop, admin: Visitor) -> None:
    for path, offers in (
        ("merges", False),
        ("merges?rule=operator", True),
        ("reviews?state=open", False),
        ("reviews?state=open&channel=web", True),
        ("reviews?channel=web", False),
        ("reviews/people?channel=web", True),
        ("achievements?state=granted&campaign=11664", False),
    ):
        _, text, _ = await admin.get(f"/console/{path}")
        assert (path, "All that match" in text) == (path, offers)


async def test_a_wrong_token_is_refused_and_the_page_says_so(shop: Shop) -> None:
    async with visiting(shop) as stranger:
        status, text, response = await stranger.post("/console/log-in", {"token": "wrong"})
        assert (status, "not valid" in text) == (401, True)
        assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    "to", ["//evil.example/", "https://evil.example/", "/console/%0d%0aX: y", "/console/\\evil"]
)
async def test_the_log_in_leads_to_no_other_site(shop: Shop, to: str) -> None:
    async with visiting(shop) as stranger:
        assert (await stranger.log_in(ADMIN_TOKEN, to)).headers["Location"] == "/console/"


async def test_a_log_out_ends_the_session_and_a_removed_operator_has_none(shop: Shop) -> None:
    async with visiting(shop, await token_of(shop, "leaving", "steward")) as visitor:
        assert (await visitor.post("/console/log-out"))[0] == 303
        assert (await visitor.get("/console/find"))[0] == 303
    async with visiting(shop, await token_of(shop, "removed", "steward")) as visitor:
        async with shop.gateway.admin("DELETE", "operators/removed") as response:
            assert response.status == 200
        assert (await visitor.get("/console/find"))[0] == 303


async def test_a_file_of_the_pages_is_kept_for_good_and_changes_its_name_with_its_content(
    shop: Shop, admin: Visitor
) -> None:
    _, text, _ = await admin.get("/console/find")
    for address in re.findall(r'(?:href|src)="(/console/static/[^"]+)"', text):
        status, _, response = await admin.get(address)
        assert status == 200
        assert re.search(r"\.[0-9a-f]{12}\.", address)
        assert "immutable" in response.headers["Cache-Control"]
    assert (await admin.get("/console/static/console.css"))[0] == 404


async def test_a_nul_character_in_a_filter_or_a_form_is_refused_in_words(shop: Shop, admin: Visitor) -> None:
    status, text, _ = await admin.get("/console/audit?actor=a%00b")
    assert (status, "NUL" in text) == (400, True)
    status, text, _ = await admin.post("/console/find", {"q": "a\0b"})
    assert status == 400


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/x-www-form-urlencoded", b"token=%ff", 400),
        ("application/x-www-form-urlencoded", b"token=\xff", 400),
        ("application/x-www-form-urlencoded; charset=none", b"token=x", 401),
        ("application/x-www-form-urlencoded", b"a&" * 1_001, 400),
        ("multipart/form-data", b"token=x", 415),
        ("text/plain", b"token=x", 415),
    ],
)
async def test_a_stranger_gets_a_refusal_for_a_broken_form_and_the_log_no_error(
    shop: Shop, kind: str, body: bytes, status: int
) -> None:
    headers = {"Content-Type": kind, "Sec-Fetch-Site": "same-origin"}
    url = shop.url("/console/log-in")
    async with shop.gateway.client.post(url, data=body, headers=headers) as response:
        assert response.status == status
    assert "request_failed" not in (shop.gateway.directory / "gateway.log").read_text(encoding="utf-8")


async def test_fields_of_forms_and_addresses_have_the_limits_of_the_api(shop: Shop, admin: Visitor) -> None:
    status, text, _ = await admin.post("/console/find", {"q": "a" * 501})
    assert (status, "length &lt;= 500" in text) == (400, True)
    for version in ("9" * 5_000, "x", "-1"):
        status, text, _ = await admin.post(f"/console/profiles/{shop.ann}/merge", {"version": version})
        assert (status, "version:" in text) == (400, True)
    status, _, response = await admin.get("/console/lists?name=a%0d%0aX-Y:%20z/..")
    assert (status, "Location" in response.headers) == (400, False)


async def test_a_streamed_download_has_the_headers_of_a_page(shop: Shop, viewer: Visitor) -> None:
    downloads = ("/console/audit/events.ndjson", "/admin/v1/duplicates", "/admin/v1/audit")
    for path in downloads:
        status, _, response = await viewer.get(path, headers={"Accept": "application/x-ndjson"})
        assert status == 200
        assert {name: response.headers.get(name) for name in PAGE_HEADERS} == PAGE_HEADERS
    async with viewer.session.get(shop.url("/admin/v1/overview/stream")) as response:
        assert {name: response.headers.get(name) for name in PAGE_HEADERS} == PAGE_HEADERS


async def test_a_page_says_that_the_database_does_not_answer(
    shop: Shop, admin: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable("the database does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(type(shop.gateway.services.store), "fetch", away)
        status, text, response = await admin.get("/console/reviews")
    assert (status, "The database does not answer" in text) == (503, True)
    assert "Nothing was changed." in text
    assert int(response.headers["Retry-After"]) > 0
    assert (await admin.get("/console/reviews"))[0] == 200


async def test_today_shows_its_last_known_state_while_the_database_does_not_answer(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable("the database does not answer")

    async with (
        visiting(shop, ADMIN_TOKEN) as admin,
        visiting(shop, ADMIN_TOKEN) as other,
        visiting(shop) as stranger,
    ):
        status, before, _ = await admin.get("/console/")
        await other.post("/console/log-out")
        with monkeypatch.context() as patch:
            patch.setattr(type(shop.gateway.services.store), "fetch", away)
            status, text, response = await admin.get("/console/")
            assert (status, "The database does not answer" in text) == (503, True)
            assert int(response.headers["Retry-After"]) > 0
            assert re.search(r"This is what was known \d+ seconds? ago\.", text)
            assert "data-live" in before
            assert "data-live" not in text
            waiting = re.findall(r'<ul class="figures tasks".*?</ul>', before, re.DOTALL)
            assert waiting == re.findall(r'<ul class="figures tasks".*?</ul>', text, re.DOTALL)
            for visitor in (stranger, other):
                _, text, _ = await visitor.get("/console/")
                assert "This is what was known" not in text
            for path in ("/console/find", "/console/reviews/people", f"/console/profiles/{shop.ann}"):
                status, text, _ = await admin.get(path)
                assert (status, "Nothing was changed." in text, "This is what was" in text) == (
                    503,
                    True,
                    False,
                )
            monkeypatch.setattr(sessions, "_REMEMBERED", 0)
            assert "This is what was known" not in (await admin.get("/console/"))[1]
        status, text, _ = await admin.get("/console/")
        assert (status, "This is what was known" in text) == (200, False)


async def test_looking_at_a_page_changes_nothing(shop: Shop, admin: Visitor) -> None:
    """Though pages try the answers of a question before they are given."""
    before = await shop.gateway.rows("SELECT count(*) FROM audit WHERE action <> 'call.refused'")
    for page in READS:
        await admin.get(filled(page, shop))
    assert before == await shop.gateway.rows("SELECT count(*) FROM audit WHERE action <> 'call.refused'")


async def test_the_audit_log_is_downloaded_with_the_filters_of_the_page(shop: Shop, viewer: Visitor) -> None:
    path = "/console/audit/events.ndjson?action=identity.created&channel="
    status, text, _ = await viewer.get(path)
    assert (status, text[:11]) == (200, '{"id":"evt_')
    assert {json.loads(line)["action"] for line in text.splitlines()} == {"identity.created"}


async def test_a_plan_shows_what_would_change_with_the_names_of_people(shop: Shop, admin: Visitor) -> None:
    rules = (ROOT / "rules/presets/email.toml").read_text(encoding="utf-8")
    status, text, _ = await admin.post("/console/rules/plan", {"text": rules.replace("\n", "\r\n")})
    assert (status, "What preset-email-1 would change" in text) == (200, True)
    assert ">Mona<" in text
    assert "Nothing was changed." in text
    status, text, _ = await admin.post("/console/rules/check", {"text": rules.replace("strength", "strenth")})
    assert (status, "did you mean &#34;strength&#34;" in text) == (422, True)


async def test_a_person_is_found_by_their_name(shop: Shop, viewer: Visitor) -> None:
    status, _, response = await viewer.post("/console/find", {"q": "mansour"})
    assert (status, response.headers["Location"]) == (303, f"/console/profiles/{shop.ann}")


async def test_the_pages_of_the_api_try_an_operation_that_reads_and_no_other(
    shop: Shop, viewer: Visitor
) -> None:
    status, _, response = await viewer.get("/admin/docs")
    assert (status, response.headers["Location"]) == (303, "/console/api")
    status, _, response = await viewer.get("/console/api/find_profiles/try?customer_id=a%26b&unknown=x&q=")
    assert (status, response.headers["Location"]) == (303, "/admin/v1/profiles?customer_id=a%26b")
    status, _, response = await viewer.get("/console/api/show_profile/try?id=..%2F..%2Fx")
    assert (status, response.headers["Location"]) == (303, "/admin/v1/profiles/..%2F..%2Fx")
    status, text, _ = await viewer.get("/console/api/show_profile/try")
    assert (status, "fill it in" in text) == (400, True)
    for name in ("merge_profiles", "follow_audit", "no_such_operation"):
        status, _, _ = await viewer.get(f"/console/api/{name}/try")
        assert status == 404, name


async def test_a_stranger_who_opens_the_docs_is_led_to_the_log_in(shop: Shop) -> None:
    async with visiting(shop) as stranger:
        status, _, response = await stranger.get("/admin/docs")
    assert (status, response.headers["Location"]) == (303, "/console/log-in?to=%2Fadmin%2Fdocs")
