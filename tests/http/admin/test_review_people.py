"""Open questions by person: who comes first, and where a page ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from gateway.http.admin.listing import NEWEST
from gateway.store.queries import review_people, window
from gateway.store.queries.reviews import WantedReviews
from gateway.store.sqlite import SqliteStore
from tests.http.admin.test_query_plans import Explaining
from tests.support.admin_api import ask, refused
from tests.support.people import grant, save

if TYPE_CHECKING:
    import pytest

    from tests.support.running_gateway import RunningGateway


async def doubts(gateway: RunningGateway, people: int, each: int) -> list[str]:
    """Known customers, about each of whom some newer ones raise a question; the profiles, oldest first."""
    services, known = gateway.services, list[str]()
    for person in range(people):
        email = f"p{person}@example.com"
        known.append(await save(services, "web", f"w{person}", email=email, mobile=f"0100000{person}000"))
    for number in range(each):
        for person in range(people):
            email, mobile = f"p{person}@example.com", f"0100000{person}{number + 1:03}"
            await save(services, "pos", f"t{person}-{number}", email=email, mobile=mobile)
    return known


async def asked(gateway: RunningGateway, **query: Any) -> list[dict[str, Any]]:
    """All pages of the list."""
    found: list[dict[str, Any]] = []
    cursor = {}
    while True:
        page = await ask(gateway, "GET", "reviews/people", params={**query, **cursor})
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


async def test_a_person_is_listed_once_with_all_their_questions(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = await doubts(gateway, 3, 3)
    everyone = await asked(gateway)
    of_known = {one["profile"]: one for one in everyone if one["profile"] in known}
    assert of_known.keys() == {*known}
    for one in everyone:
        assert one["questions"] == len(one["reviews"])
        assert all(review["profiles"][0] == one["profile"] for review in one["reviews"])
        assert len({review["id"] for review in one["reviews"]}) == len(one["reviews"])
        times = [review["evidence_at"] for review in one["reviews"]]
        assert times == sorted(times, reverse=True)
    assert [one["reviews"][0]["evidence_at"] for one in everyone] == sorted(
        (one["reviews"][0]["evidence_at"] for one in everyone), reverse=True
    )
    total = (await ask(gateway, "GET", "reviews", params={"state": "open", "limit": 200}))["items"]
    assert sorted(review["id"] for one in everyone for review in one["reviews"]) == sorted(
        one["id"] for one in total
    )
    for size in (1, 2):
        assert await asked(gateway, limit=size) == everyone
    monkeypatch.setattr("gateway.store.queries.review_people.WINDOW", 2)
    for sort in ("evidence", "points"):
        found = await asked(gateway, limit=2, sort=sort)
        assert sorted(one["profile"] for one in found) == sorted(one["profile"] for one in everyone)
    assert window.WINDOW > 2


async def test_people_are_read_in_the_order_of_an_index_and_looked_up_by_another(
    gateway: RunningGateway,
) -> None:
    """An index by the state alone would sort all open questions for each page."""
    if not isinstance(gateway.services.store, SqliteStore):
        return
    newest = (NEWEST, NEWEST)
    columns: dict[review_people.Sort, str] = {"evidence": "evidence_at", "points": "points"}
    for sort, column in columns.items():
        explaining = Explaining(gateway.services.store)
        await review_people.people_asked(cast("Any", explaining), WantedReviews(), sort, newest, 50)
        used = " ".join(explaining.plan)
        assert f"t USING INDEX review_by_{sort} (state=? AND {column}<?)" in used
        assert f"(profile_a=? AND state=? AND {column}>?)" in used


async def test_questions_are_filtered_before_people_are_sorted(gateway: RunningGateway) -> None:
    known = await doubts(gateway, 2, 2)
    (first, *_), rule = await asked(gateway), "email"
    assert [one["profile"] for one in await asked(gateway, rule=rule, channel="pos", since="1h")] == [
        one["profile"] for one in await asked(gateway, rule=rule)
    ]
    assert {one["profile"] for one in await asked(gateway, rule=rule)} >= {*known}
    assert await asked(gateway, rule="no-such-rule") == []
    assert await asked(gateway, until="1h") == []
    reason = first["reviews"][0]["reason"]
    assert all(
        review["reason"] == reason
        for one in await asked(gateway, reason=reason, sort="points")
        for review in one["reviews"]
    )
    await ask(gateway, "POST", f"reviews/{first['reviews'][0]['id']}/reject")
    left = {review["id"] for one in await asked(gateway) for review in one["reviews"]}
    assert first["reviews"][0]["id"] not in left
    await refused(gateway, "GET", "reviews/people?cursor=x", 400, "bad_cursor")
    await refused(gateway, "GET", "reviews/people?channel=nowhere", 404, "unknown_channel")


async def test_the_points_of_both_sides_are_at_stake_when_a_question_comes(gateway: RunningGateway) -> None:
    services = gateway.services
    rich = await save(services, "web", "rich", email="rich@example.com", mobile="01000001000")
    await save(services, "web", "poor", email="poor@example.com", mobile="01000002000")
    body = {"customerId": "rich", "challengeId": 11664}
    async with gateway.call("POST", "customers/social-challenges", json=body) as response:
        assert response.status == 202
    await grant(services)
    balance = (await ask(gateway, "GET", f"profiles/{rich}"))["balance"]["points"]
    assert balance > 0
    for name, mobile in (("rich", "01000001001"), ("poor", "01000002001")):
        await save(services, "pos", name, email=f"{name}@example.com", mobile=mobile)
    first, second = await asked(gateway, sort="points")
    assert (first["profile"], first["reviews"][0]["points"]) == (rich, balance)
    assert second["reviews"][0]["points"] == 0
    assert [one["profile"] for one in await asked(gateway)] == [second["profile"], rich]
