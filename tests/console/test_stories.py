"""What a steward does in the console: with the keyboard, and without JavaScript."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.console.conftest import found, log_in, save

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext

    from tests.console.conftest import Shop

SEEN = """
  const Source = EventSource;
  window.EventSource = class extends Source {
    constructor(address) {
      super(address);
      this.addEventListener("open", () => { document.documentElement.dataset.streamed = ""; });
    }
  };
"""
"""The page notes when its stream is open."""
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def question(shop: Shop, name: str, number: int) -> str:
    """Ask whether two customers with one address and two numbers are one person."""
    for channel, mobile in (("web", f"0100{number}1"), ("mobile", f"0100{number}2")):
        await save(shop.gateway, channel, f"{name}-{channel}", email=f"{name}@example.com", mobile=mobile)
    async with shop.gateway.admin("GET", "reviews?state=open") as response:
        return (await response.json())["items"][0]["id"]


async def record_of(shop: Shop, customer_id: str) -> str:
    async with shop.gateway.admin("GET", f"profiles/{shop.merged}") as response:
        records = (await response.json())["records"]
    return next(one["id"] for one in records if one["customer_id"] == customer_id)


async def state_of(shop: Shop, review: str) -> str:
    async with shop.gateway.admin("GET", "reviews") as response:
        items = (await response.json())["items"]
    return next(one["state"] for one in items if one["id"] == review)


async def test_a_steward_works_without_javascript(chromium: Browser, shop: Shop) -> None:
    review = await question(shop, "plain", 700000)
    context = await chromium.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = await context.new_page()
    await page.goto(shop.url("/console/reviews?state=open"))
    assert "log-in" in page.url
    await log_in(page, shop)
    assert page.url.endswith("/console/reviews?state=open")
    await page.locator(f'a[href="/console/reviews/{review}"]').click()
    assert await page.get_by_role("heading", name="Are these two profiles one person?").is_visible()
    assert "has 2 records" in await page.locator("#yes >> xpath=../..").inner_text()
    await page.get_by_role("button", name="No", exact=True).click()
    assert "Answered with no." in await page.get_by_role("status").inner_text()
    assert await state_of(shop, review) == "rejected"

    await page.goto(shop.url("/console/find"))
    await page.get_by_label("Search for").fill("0100 123 4567")
    await page.get_by_role("button", name="Find", exact=True).click()
    assert page.url.endswith(shop.ann)
    assert "01001234567" not in page.url
    await page.get_by_label("Leaves: till-1").check()
    await page.locator("summary", has_text="Split").click()
    await page.locator("#f-why-split").fill("two persons")
    await page.locator("#split").get_by_role("button").click()
    assert await page.get_by_role("heading", name="Split this profile?").is_visible()
    assert "a new profile (1) has 1 record" in await page.locator("main").inner_text()
    await page.get_by_role("button", name="Split").click()
    assert "The records left this profile." in await page.get_by_role("status").inner_text()
    await page.get_by_role("button", name="Log out").click()
    assert "You are logged out." in await page.locator("main").inner_text()
    await context.close()


async def test_questions_are_answered_by_keys(inside: BrowserContext, shop: Shop) -> None:
    review = await question(shop, "keys", 800000)
    page = await inside.new_page()
    await page.goto(shop.url("/console/"))
    await page.get_by_role("link", name="Reviews", exact=True).click()
    assert page.url.endswith("/console/reviews/people")
    await page.get_by_label("First come").select_option("points")
    await page.get_by_label("Asked since").fill("1h")
    await page.get_by_role("button", name="Show").click()
    await page.locator(f'a[href="/console/reviews/{review}"]').wait_for()
    await page.goto(shop.url("/console/reviews/people"))
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/{review}")
    await page.locator("#r-yes").fill("y n")
    assert await state_of(shop, review) == "open"
    await page.locator("#r-yes").blur()
    await page.keyboard.press("y")
    await page.wait_for_url("**done=accepted**")
    assert await state_of(shop, review) == "accepted"
    await page.keyboard.press("u")
    await page.wait_for_url(f"**/{review}/undo")
    assert await page.get_by_role("heading", name="Undo this answer?").is_visible()
    assert "1 merge undone" in await page.locator("main").inner_text()
    assert await state_of(shop, review) == "accepted"
    await page.keyboard.press("y")
    await page.wait_for_url("**done=reopened**")
    assert await state_of(shop, review) == "open"
    await page.keyboard.press("n")
    await page.wait_for_url("**done=rejected**")
    await page.goto(shop.url(f"/console/reviews/{review}"))
    await page.keyboard.press("u")
    await page.wait_for_url("**done=reopened**")
    assert await state_of(shop, review) == "open"
    await page.close()


async def test_a_key_that_is_held_down_answers_one_question(inside: BrowserContext, shop: Shop) -> None:
    questions = [await question(shop, f"held-{n}", 810000 + n) for n in range(3)]
    page = await inside.new_page()
    await page.goto(shop.url(f"/console/reviews/{questions[-1]}"))
    for _ in range(3):
        await page.keyboard.down("n")
        await page.wait_for_url("**done=rejected**")
        await page.wait_for_load_state()
    await page.keyboard.up("n")
    assert [await state_of(shop, one) for one in questions] == ["open", "open", "rejected"]
    await page.keyboard.press("n")
    await page.wait_for_url(f"**answered={questions[1]}**")
    await page.close()


async def test_a_page_on_paper_has_moments_and_no_spans(inside: BrowserContext, shop: Shop) -> None:
    page = await inside.new_page()
    await page.goto(shop.url(f"/console/profiles/{shop.ann}"))
    history = page.locator(".timeline time").first
    assert " ago" in await history.inner_text()
    for event, on_paper in (("beforeprint", True), ("afterprint", False)):
        await page.evaluate("event => dispatchEvent(new Event(event))", event)
        assert (" ago" not in await history.inner_text()) == on_paper
    await page.close()


CLICKS = """
  () => {
    const held = [];
    addEventListener("submit", (event) => { held.push(event.defaultPrevented); event.preventDefault(); });
    const button = document.querySelector("main button.main");
    button.click();
    button.click();
    dispatchEvent(new Event("pageshow"));
    button.click();
    return held;
  }
"""
"""Clicks twice, and once more as if the page was come back to: which of them the page held back. None is sent."""


async def test_a_form_that_is_clicked_twice_is_sent_once(inside: BrowserContext, shop: Shop) -> None:
    page = await inside.new_page()
    await page.goto(shop.url("/console/operators"))
    await page.locator("#f-name").fill("twice")
    assert await page.evaluate(CLICKS) == [False, True, False]
    await page.close()


async def test_a_pin_is_shown_before_it_is_set_and_before_it_is_removed(
    inside: BrowserContext, shop: Shop
) -> None:
    page = await inside.new_page()
    await page.goto(shop.url(f"/console/profiles/{shop.merged}"))
    await page.get_by_role("button", name="Remove").click()
    assert await page.get_by_role("heading", name="Remove this pin?").is_visible()
    assert "1 pin lifted" in await page.locator("main").inner_text()
    await page.get_by_role("button", name="Remove the pin").click()
    assert "The pin is removed." in await page.get_by_role("status").inner_text()

    one, other = [await record_of(shop, name) for name in ("joe", "joseph")]
    await page.locator("summary", has_text="Pin two records").click()
    await page.get_by_label("One record").fill(one)
    await page.get_by_label("The other record").fill(other)
    await page.get_by_label("They are").select_option("must")
    await page.locator("#f-why-pin").fill("one person")
    await page.locator("#f-why-pin").press("Enter")
    assert await page.get_by_role("heading", name="Set this pin?").is_visible()
    assert "1 pin set" in await page.locator("main").inner_text()
    await page.keyboard.press("y")
    await page.get_by_text("The pin is set.").wait_for()
    await page.close()


async def test_a_split_is_lifted_after_a_look(
    inside: BrowserContext, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.usecases.split.MOST_PAIRS", 0)
    gateway, ids = shop.gateway, []
    for name in ("tom", "tim"):
        await save(gateway, "web", name)
        ids.append(await found(gateway, f"profiles?q={name}"))
    async with gateway.admin("POST", "merges", json={"profiles": ids, "reason": "one"}) as answer:
        person = (await answer.json())["profile"]
    body = {"mode": "all", "reason": "two after all"}
    async with gateway.admin("POST", f"profiles/{person}/split", json=body) as answer:
        assert answer.status == 200
    page = await inside.new_page()
    await page.goto(shop.url(f"/console/profiles/{person}"))
    assert "A split keeps 2 records on 2 sides apart." in await page.locator("main").inner_text()
    await page.get_by_role("button", name="Lift").click()
    assert "1 pin lifted" in await page.locator("main").inner_text()
    assert await gateway.rows("SELECT COUNT(*) FROM split") == [(1,)]
    await page.get_by_role("button", name="Lift the split").click()
    assert "no longer keeps its sides apart" in await page.get_by_role("status").inner_text()
    assert await gateway.rows("SELECT COUNT(*) FROM split") == [(0,)]
    await page.close()


async def test_a_number_of_the_shop_goes_from_today_onto_a_list(inside: BrowserContext, shop: Shop) -> None:
    page = await inside.new_page()
    await page.goto(shop.url("/console/"))
    await page.get_by_role("link", name="Values that newly join too many").click()
    row = page.get_by_role("row", name="***00")
    assert "Would join" in await page.locator("thead").inner_text()
    assert "+201550001000" not in await page.content()
    await row.get_by_role("button", name="Put on stores").click()
    assert "The numbers are on the list." in await page.get_by_role("status").inner_text()
    await page.goto(shop.url("/console/generic-values"))
    assert "it is blocked" in await row.inner_text()
    await page.close()


async def test_a_token_that_leaked_is_replaced_without_a_grace(inside: BrowserContext, shop: Shop) -> None:
    page = await inside.new_page()
    await page.goto(shop.url("/console/operators"))
    await page.get_by_label("Name", exact=True).fill("lou")
    await page.get_by_role("button", name="Add an operator").click()

    async def token_works(token: str) -> bool:
        headers = {"Authorization": f"Bearer {token}"}
        async with shop.gateway.client.get(shop.url("/admin/v1/me"), headers=headers) as response:
            return response.status == 200

    for choice, still in (("for one more hour", True), ("no longer, because it leaked", False)):
        token = await page.locator("main [data-copy]").inner_text()
        assert await token_works(token)
        await page.goto(shop.url("/console/operators"))
        row = page.locator("tr", has_text="lou").first
        await row.locator("summary", has_text="New token").click()
        await row.get_by_label("Their sessions end.").select_option(choice)
        await row.get_by_role("button", name="New token").click()
        await page.get_by_role("heading", name="The token of lou").wait_for()
        assert await token_works(token) is still
    await page.close()


async def test_the_audit_log_is_downloaded_for_a_spreadsheet(inside: BrowserContext, shop: Shop) -> None:
    page = await inside.new_page()
    await page.goto(shop.url("/console/audit?action=identity.*"))
    async with page.expect_download() as started:
        await page.get_by_role("link", name="Download as CSV").click()
    path = await (await started.value).path()
    rows = [*csv.DictReader(path.read_text("utf-8").splitlines())]
    assert rows
    assert all(row["action"].startswith("identity.") for row in rows)
    assert all(isinstance(json.loads(row["detail"]), dict) for row in rows)
    await page.close()


async def test_the_keyboard_alone_reaches_the_content(inside: BrowserContext, shop: Shop) -> None:
    page = await inside.new_page()
    await page.goto(shop.url("/console/audit"))
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.textContent") == "Skip to the content"
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.closest('main') !== null")
    await page.close()


async def test_a_session_that_ended_leads_back_to_where_it_was(chromium: Browser, shop: Shop) -> None:
    context = await chromium.new_context()
    page = await context.new_page()
    await log_in(page, shop)
    await page.goto(shop.url(f"/console/profiles/{shop.hostile}"))
    await context.clear_cookies()
    await page.get_by_role("button", name="Log out").click()
    assert await page.get_by_role("heading", name="Your session has ended").is_visible()
    await page.goto(shop.url(f"/console/profiles/{shop.hostile}"))
    await log_in(page, shop)
    assert page.url.endswith(shop.hostile)
    await context.close()


@pytest.mark.parametrize("path", ["", "audit"])
async def test_a_live_page_begins_where_it_was_read(inside: BrowserContext, shop: Shop, path: str) -> None:
    """It is not fetched again because its stream has begun. What happens in the shop meanwhile may be news once, not each time."""
    counts = [await _fetches(inside, shop, path) for _ in range(4)]
    assert 1 in counts, counts


async def _fetches(inside: BrowserContext, shop: Shop, path: str) -> int:
    """How often a page that is opened is fetched until its stream has begun and five seconds have passed."""
    page = await inside.new_page()
    await page.clock.install()
    await page.add_init_script(SEEN)
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(urlsplit(request.url).path))
    await page.goto(shop.url(f"/console/{path}"))
    await page.locator("html[data-streamed]").wait_for(state="attached")
    await page.clock.run_for(5_000)
    await page.close()
    return fetched.count(f"/console/{path}")


async def test_the_audit_log_on_the_page_follows_what_happens(inside: BrowserContext, shop: Shop) -> None:
    page = await inside.new_page()
    await page.goto(shop.url("/console/audit?action=customer.updated&channel=pos"))
    shown = page.get_by_text("Pos changed displayName")
    before = await shown.count()
    await save(shop.gateway, "pos", "till-9", name="Newly Seen")
    await shown.nth(before).wait_for(timeout=20_000)
    await page.close()
