from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.people import EMAIL, MOBILE, achieve, grant, one_person, save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


async def get(gateway: RunningGateway, path: str, expected: int = 200) -> Any:
    async with gateway.admin("GET", path) as response:
        assert response.status == expected, await response.text()
        return await response.json(content_type=None)


WAYS_TO_ASK = [
    "email=ANN@Shop.Example.ORG",
    "mobile=0100+123+4567",
    "mobile=%2B20%20100%20123%204567",
    "mobile=01001234567&channel=pos",
    "customer_id=till-1",
    "channel=web&customer_id=web-1",
    "q=Ann@shop.example.org",
    "q=0100-123-4567",
    "q=app-1",
    "email=ann@shop.example.org&mobile=01001234567",
    "channel=pos",
]


async def test_a_person_is_found_however_it_is_written(
    gateway: RunningGateway, subtests: pytest.Subtests
) -> None:
    survivor, _ = await one_person(gateway.services)
    await save(gateway.services, "mobile", "somebody-else")
    for query in WAYS_TO_ASK:
        with subtests.test(query):
            found = await get(gateway, f"profiles?{query}")
            assert [profile["id"] for profile in found["items"]] == [survivor]


async def test_a_profile_that_does_not_match_is_not_found(gateway: RunningGateway) -> None:
    await one_person(gateway.services)
    for query in ("channel=web&customer_id=till-1", "email=bob@shop.example.org", "q=nobody"):
        assert await get(gateway, f"profiles?{query}") == {"items": [], "next": None}, query


async def test_all_criteria_must_hold(gateway: RunningGateway) -> None:
    await save(gateway.services, "web", "a", email="a@shop.example.org")
    await save(gateway.services, "pos", "b", mobile="01002222222")
    assert not (await get(gateway, "profiles?email=a@shop.example.org&mobile=01002222222"))["items"]


@pytest.mark.parametrize(
    ("query", "status"), [("email=nothing", 400), ("mobile=12", 400), ("channel=fax", 404)]
)
async def test_a_search_by_an_invalid_value_names_the_parameter(
    gateway: RunningGateway, query: str, status: int
) -> None:
    assert query.partition("=")[0] in (await get(gateway, f"profiles?{query}", status))["detail"]


async def test_pages_walk_over_every_profile_once(gateway: RunningGateway) -> None:
    made = [await save(gateway.services, "web", f"c{number}") for number in range(7)]
    seen: list[str] = []
    cursor = ""
    while True:
        answer = await get(gateway, f"profiles?limit=3{cursor}")
        seen += [profile["id"] for profile in answer["items"]]
        if answer["next"] is None:
            break
        cursor = f"&cursor={answer['next']}"
    assert seen == made[::-1]


async def test_a_profile_shows_everything_that_was_put_together(gateway: RunningGateway) -> None:
    survivor, absorbed = await one_person(gateway.services)
    achievement = await achieve(gateway.services, "pos", "till-1")
    await grant(gateway.services)
    profile = await get(gateway, f"profiles/{survivor}")
    assert {(r["id_space"], r["customer_id"]) for r in profile["records"]} == {
        ("web", "web-1"),
        ("pos", "till-1"),
        ("mobile", "app-1"),
    }
    assert {o["value"] for r in profile["records"] for o in r["observations"]} >= {EMAIL, MOBILE}
    assert profile["balance"] == {"points": 100, "score": 10}
    assert profile["attributes"] == {"source": "mobile"}
    assert [merge["absorbed"] for merge in profile["merges"]] == [absorbed]
    assert [(a["id"], a["state"], a["points"]) for a in profile["achievements"]] == [
        (achievement, "granted", 100)
    ]
    assert profile["redirected_from"] is None


async def test_an_absorbed_id_answers_the_survivor(gateway: RunningGateway) -> None:
    survivor, absorbed = await one_person(gateway.services)
    profile = await get(gateway, f"profiles/{absorbed}")
    assert (profile["id"], profile["redirected_from"]) == (survivor, absorbed)
    assert [one["id"] for one in (await get(gateway, f"profiles?q={absorbed}"))["items"]] == [survivor]


async def test_a_person_is_found_by_the_id_that_the_upstream_knows(gateway: RunningGateway) -> None:
    survivor, absorbed = await one_person(gateway.services)
    other = await save(gateway.services, "pos", "web-1")
    for name, found in (("web-1", [other, survivor]), ("till-1", [survivor]), ("pos:web-1", [other])):
        items = (await get(gateway, f"profiles?q={name}"))["items"]
        assert [(one["id"]) for one in items] == found, name
    canonical = {one["id"]: one["canonical_id"] for one in (await get(gateway, "profiles"))["items"]}
    assert canonical == {survivor: "web-1", other: "pos:web-1"}
    assert absorbed not in canonical


async def test_the_history_holds_what_happened_to_the_absorbed_too(gateway: RunningGateway) -> None:
    survivor, absorbed = await one_person(gateway.services)
    for asked in (survivor, absorbed):
        events = (await get(gateway, f"profiles/{asked}/history?order=asc"))["items"]
        assert [event["action"] for event in events if event["action"].startswith("identity.")] == [
            "identity.created",
            "identity.created",
            "identity.merged",
        ]


async def test_an_erased_person_is_gone_and_the_history_stays(gateway: RunningGateway) -> None:
    survivor, absorbed = await one_person(gateway.services)
    async with gateway.admin("DELETE", f"profiles/{absorbed}") as response:
        assert await response.json() == {"erased": survivor, "records": 3, "effects": None}
    for gone in (survivor, absorbed):
        assert (await get(gateway, f"profiles/{gone}", 404))["code"] == "not_found"
    async with gateway.admin("DELETE", f"profiles/{survivor}") as response:
        assert response.status == 404
    actions = [event["action"] for event in (await get(gateway, f"profiles/{survivor}/history"))["items"]]
    assert "customer.erased" in actions
    assert not (await get(gateway, "profiles?email=ann@shop.example.org"))["items"]


@pytest.mark.parametrize(
    "path", ["profiles/prf_1", "profiles/ach_0000000000000001", "profiles/prf_zzzzzzzzzzzzzzzz"]
)
async def test_text_that_is_not_a_profile_id_is_not_found(gateway: RunningGateway, path: str) -> None:
    assert (await get(gateway, path, 404))["code"] == "not_found"
