"""A page that was loaded a while ago: what it showed may no longer be what would follow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.console.conftest import found, save
from tests.console.test_access import visiting
from tests.support.running_gateway import ADMIN_TOKEN

if TYPE_CHECKING:
    from tests.console.conftest import Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


@dataclass
class Person:
    """Two customers whom an operator joined, and two others, `other` and `fourth`."""

    profile: str
    merge: str
    records: list[str]
    other: str
    others_record: str
    fourth: str


async def asked(shop: Shop, method: str, path: str, **options: Any) -> Any:
    async with shop.gateway.admin(method, path, **options) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def joined(shop: Shop, *profiles: str) -> dict[str, Any]:
    return await asked(shop, "POST", "merges", json={"profiles": profiles, "reason": "one person"})


async def records_of(shop: Shop, profile: str) -> list[str]:
    return [one["id"] for one in (await asked(shop, "GET", f"profiles/{profile}"))["records"]]


async def person(shop: Shop, name: str) -> Person:
    ids = []
    for suffix in ("one", "two", "three", "four"):
        await save(shop.gateway, "web", f"{name}-{suffix}")
        ids.append(await found(shop.gateway, f"profiles?q={name}-{suffix}"))
    (others_record,) = await records_of(shop, ids[2])
    done = await joined(shop, *ids[:2])
    records = await records_of(shop, done["profile"])
    return Person(done["profile"], done["merge"], records, ids[2], others_record, ids[3])


def form_of(change: str, one: Person) -> tuple[str, dict[str, str]]:
    """Where the form of this change is sent, and what is filled in."""
    place, why = f"/console/profiles/{one.profile}", {"reason": "sure"}
    return {
        "undo": (f"/console/merges/{one.merge}/undo", why),
        "erase": (f"{place}/erase", {"confirm": one.profile}),
        "split": (f"{place}/split", {**why, "records": one.records[0]}),
        "merge": (f"{place}/merge", {**why, "other": one.other}),
        "pin": (f"{place}/pin", {**why, "a": one.records[0], "b": one.others_record, "kind": "must"}),
    }[change]


CHANGES = ("undo", "erase", "split", "merge", "pin")


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_is_shown_again_if_a_person_became_another_after_the_preview(
    shop: Shop, change: str
) -> None:
    one = await person(shop, f"tabs-{change}")
    path, form = form_of(change, one)
    async with visiting(shop, ADMIN_TOKEN) as visitor:
        _, text, _ = await visitor.post(path, form)
        preview = hidden(text) | form
        await joined(shop, one.other if change in ("merge", "pin") else one.profile, one.fourth)
        before = await asked(shop, "GET", f"profiles/{one.profile}")

        status, text, _ = await visitor.post(path, preview)
        assert (status, "Something has changed since you looked." in text) == (409, True), text
        assert await asked(shop, "GET", f"profiles/{one.profile}") == before

        status, _, response = await visitor.post(path, hidden(text) | form)
        assert (status, "?done=" in response.headers["Location"]) == (303, True)


@pytest.mark.parametrize("change", CHANGES)
async def test_a_confirmation_without_a_preview_changes_nothing(shop: Shop, change: str) -> None:
    one = await person(shop, f"blind-{change}")
    path, form = form_of(change, one)
    before = await asked(shop, "GET", f"profiles/{one.profile}")
    async with visiting(shop, ADMIN_TOKEN) as visitor:
        status, text, _ = await visitor.post(path, {**form, "sure": "yes"})
        assert (status, "seen" in hidden(text)) == (409, True)
    assert await asked(shop, "GET", f"profiles/{one.profile}") == before


async def test_a_confirmation_that_is_sent_twice_says_that_it_was_done_before(shop: Shop) -> None:
    one = await person(shop, "twice")
    path, form = form_of("undo", one)
    async with visiting(shop, ADMIN_TOKEN) as visitor:
        _, text, _ = await visitor.post(path, form)
        preview = hidden(text) | form
        for done in ("undone", "unchanged"):
            status, _, response = await visitor.post(path, preview)
            assert (status, response.headers["Location"].partition("?done=")[2]) == (303, done)


def hidden(text: str) -> dict[str, str]:
    """What the form in the main part of a page sends along."""
    return dict(HIDDEN.findall(text.partition("<main")[2]))
