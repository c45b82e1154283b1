"""Merge, split, undo, pins and reviews over the admin API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from gateway.ids import read
from gateway.store import Store
from gateway.store.queries.pins import pins
from tests.http.admin.test_query_plans import Explaining
from tests.support.admin_api import WHY, ask, refused
from tests.support.admin_decisions import doubt, merge, records, two
from tests.support.people import EMAIL, save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


NOBODY = "prf_0000000000000001"


async def tag(gateway: RunningGateway, profile: str) -> str:
    async with gateway.admin("GET", f"profiles/{profile}") as response:
        return response.headers["ETag"]


async def test_a_merge_is_shown_undone_and_shown_as_undone(gateway: RunningGateway) -> None:
    web, till = await two(gateway)
    shaped = await merge(gateway, web, till)
    survivor, absorbed = shaped["profile"], ({web, till} - {shaped["profile"]}).pop()
    assert (shaped["changed"], shaped["parts"]) == (True, [])
    (shown,) = (await ask(gateway, "GET", f"profiles/{absorbed}"))["merges"]
    assert (shown["id"], shown["absorbed"], shown["rule"]) == (shaped["merge"], absorbed, "operator")
    assert (shown["actor"], shown["undone_at"]) == ("operator:shared", None)
    undone = await ask(gateway, "POST", f"merges/{shaped['merge']}/undo", body=WHY)
    assert (undone["profile"], undone["parts"]) == (survivor, [absorbed])
    assert undone["version"] > shaped["version"]
    (shown,) = (await ask(gateway, "GET", f"profiles/{survivor}"))["merges"]
    assert shown["undone_at"]
    assert (await ask(gateway, "GET", f"profiles/{absorbed}"))["redirected_from"] is None
    again = await ask(gateway, "POST", f"merges/{shaped['merge']}/undo", body=WHY)
    assert (again["changed"], again["merge"]) == (False, None)


async def test_a_dry_run_names_new_profiles_by_number_and_answers_no_version(
    gateway: RunningGateway,
) -> None:
    web = await save(gateway.services, "web", "web-1", email=EMAIL)
    assert await save(gateway.services, "pos", "till-1", email=EMAIL) == web
    _, of_till = await records(gateway, web)
    body = {"records": [of_till], **WHY, "dry_run": True}
    async with gateway.admin("POST", f"profiles/{web}/split", json=body) as response:
        told = await response.json()
        assert "ETag" not in response.headers
    assert (told["parts"], told["effects"]["pins_set"]) == (["new-1"], 1)
    new = next(one for one in told["effects"]["profiles"] if one["id"] == "new-1")
    assert (new["records"], new["points"]) == ([of_till], 0)
    assert [review["id"] for review in told["effects"]["reviews"]] == [None]
    done = await ask(gateway, "POST", f"profiles/{web}/split", body={**body, "dry_run": False})
    assert (done["version"], done["effects"]) == (told["version"], None)


async def test_a_split_names_the_part(gateway: RunningGateway) -> None:
    web, till = await two(gateway)
    (of_till,) = await records(gateway, till)
    survivor = (await merge(gateway, web, till))["profile"]
    body = {"records": [of_till], "mode": "plain", **WHY}
    (part,) = (await ask(gateway, "POST", f"profiles/{survivor}/split", body=body))["parts"]
    assert await records(gateway, part) == [of_till]
    await refused(gateway, "POST", f"profiles/{survivor}/split", 409, "records_elsewhere", body)
    await refused(gateway, "POST", f"profiles/{part}/split", 409, "split_empties", body)
    detail = await refused(
        gateway, "POST", "merges", 409, "pinned_apart", {"profiles": [survivor, part], **WHY}
    )
    assert of_till in detail


async def test_all_records_apart_needs_no_names(gateway: RunningGateway) -> None:
    web, till = await two(gateway)
    survivor = (await merge(gateway, web, till))["profile"]
    shaped = await ask(gateway, "POST", f"profiles/{survivor}/split", body={"mode": "all", **WHY})
    assert len(shaped["parts"]) == 1


async def test_the_version_goes_out_as_etag_and_comes_back_as_if_match(gateway: RunningGateway) -> None:
    web, till = await two(gateway)
    seen = await tag(gateway, web)
    await save(gateway.services, "mobile", "app-1", email=EMAIL)
    body = {"profiles": [web, till], **WHY}
    stale = {"If-Match": seen}
    assert seen != await tag(gateway, web)
    url = f"{gateway.admin_url}/admin/v1/merges"
    keys = {"Authorization": f"Bearer {gateway.services.admin_token}"}
    async with gateway.client.post(url, json=body, headers=keys | stale) as response:
        assert (response.status, (await response.json(content_type=None))["code"]) == (412, "version_changed")
    current = {"If-Match": await tag(gateway, web)}
    async with gateway.client.post(url, json=body, headers=keys | current) as response:
        shaped = await response.json()
        assert (response.status, response.headers["ETag"]) == (200, f'"{shaped["version"]}"')
    for path in (f"merges/{shaped['merge']}/undo", f"profiles/{shaped['profile']}/split"):
        detail = {"mode": "all"} if path.endswith("split") else {}
        url = f"{gateway.admin_url}/admin/v1/{path}"
        async with gateway.client.post(url, json=WHY | detail, headers=keys | stale) as response:
            assert response.status == 412
        async with gateway.client.post(url, json=WHY | detail, headers=keys | {"If-Match": "*"}) as response:
            assert response.status in (200, 409)


async def test_an_invalid_version_is_reported(gateway: RunningGateway, subtests: pytest.Subtests) -> None:
    web, till = await two(gateway)
    url = f"{gateway.admin_url}/admin/v1/merges"
    body = {"profiles": [web, till], **WHY}
    for given in ("", "3", 'W/"3"', '"three"', '"1", "2"', '"٣"', '"' + "9" * 40 + '"'):
        headers = {"Authorization": f"Bearer {gateway.services.admin_token}", "If-Match": given}
        with subtests.test(given):
            async with gateway.client.post(url, json=body, headers=headers) as response:
                problem = await response.json(content_type=None)
            assert (problem["status"], problem["code"]) == (400, "bad_parameter")
            assert problem["detail"].startswith("If-Match")


async def test_pins_are_set_listed_and_removed(gateway: RunningGateway) -> None:
    web, till = await two(gateway)
    (of_web,), (of_till,) = await records(gateway, web), await records(gateway, till)
    pair = sorted([of_web, of_till])
    wanted = {"records": [of_till, of_web], "kind": "cannot", **WHY}
    placed = await ask(gateway, "POST", "pins", body={**wanted, "until": "90d"})
    assert (placed["records"], placed["kind"], placed["changed"]) == (pair, "cannot", True)
    assert set(placed["profiles"]) == {web, till}
    assert placed["until"] > placed["created_at"]
    for query in ("", f"?profile={web}", f"?profile={till}", f"?record={of_web}"):
        (listed,) = (await ask(gateway, "GET", f"pins{query}"))["items"]
        assert {**listed, "changed": True, "effects": None} == placed
    detail = await refused(gateway, "POST", "pins", 409, "pins_contradict", {**wanted, "kind": "must"})
    assert of_web in detail
    assert of_till in detail
    dropped = {"records": pair, "changed": True, "effects": None}
    assert await ask(gateway, "DELETE", f"pins?a={of_till}&b={of_web}") == dropped
    assert await ask(gateway, "DELETE", f"pins?a={of_web}&b={of_till}") == {**dropped, "changed": False}
    assert await ask(gateway, "GET", f"pins?record={of_web}") == {"items": [], "next": None}
    joined = await ask(gateway, "POST", "pins", body={**wanted, "kind": "must"})
    assert len(joined["profiles"]) == 1
    await ask(gateway, "DELETE", f"pins?a={of_web}&b={of_till}")
    await refused(gateway, "POST", "pins", 409, "same_profile", wanted)


async def test_a_dry_run_of_a_pin_shows_what_it_would_join_and_sets_no_pin(gateway: RunningGateway) -> None:
    web, till = await two(gateway)
    (of_web,), (of_till,) = await records(gateway, web), await records(gateway, till)
    wanted = {"records": [of_till, of_web], "kind": "must", **WHY, "dry_run": True}
    told = await ask(gateway, "POST", "pins", body=wanted)
    assert (told["changed"], told["effects"]["pins_set"], len(told["profiles"])) == (True, 1, 1)
    assert [lead["to"] for lead in told["effects"]["leads"]] == told["profiles"]
    assert (await ask(gateway, "GET", "pins"))["items"] == []
    apart = await ask(gateway, "POST", "pins", body={**wanted, "kind": "cannot"})
    assert (set(apart["profiles"]), apart["effects"]["leads"]) == ({web, till}, [])
    unknown = {**wanted, "records": [of_web, "rec_0000000000000001"]}
    await refused(gateway, "POST", "pins", 404, "not_found", unknown)

    joined = await ask(gateway, "POST", "pins", body={**wanted, "dry_run": False})
    assert joined["profiles"] == told["profiles"]
    path = f"pins?a={of_web}&b={of_till}&dry_run="
    assert (await ask(gateway, "DELETE", f"{path}true"))["effects"]["pins_lifted"] == 1
    assert len((await ask(gateway, "GET", "pins"))["items"]) == 1
    again = await ask(gateway, "POST", "pins", body=wanted)
    assert (again["changed"], again["effects"]["pins_set"]) == (False, 0)
    assert (await ask(gateway, "DELETE", f"{path}false"))["effects"] is None
    assert (await ask(gateway, "GET", "pins"))["items"] == []


async def test_pages_walk_over_every_pin_once(gateway: RunningGateway) -> None:
    made = [await save(gateway.services, "web", f"c{number}") for number in range(4)]
    one, *others = [record for profile in made for record in await records(gateway, profile)]
    for other in others:
        await ask(gateway, "POST", "pins", body={"records": [other, one], "kind": "cannot", **WHY})
    for query in ("", f"&record={one}"):
        seen: list[Any] = []
        cursor = ""
        while True:
            answer = await ask(gateway, "GET", f"pins?limit=2{query}{cursor}")
            seen += [pin["records"] for pin in answer["items"]]
            if answer["next"] is None:
                break
            cursor = f"&cursor={answer['next']}"
        assert seen == [[one, other] for other in others]


async def test_an_accepted_review_shows_the_one_profile(gateway: RunningGateway) -> None:
    review, profiles = await doubt(gateway)
    answer = await ask(gateway, "POST", f"reviews/{review}/accept", body={"reason": "same birthday"})
    assert (answer["state"], answer["closed_by"], answer["changed"]) == ("accepted", "operator:shared", True)
    assert len(answer["now"]) == 1
    assert set(answer["now"]) < set(profiles)
    again = await ask(gateway, "POST", f"reviews/{review}/accept")
    assert again == {**answer, "changed": False}
    await refused(gateway, "POST", f"reviews/{review}/reject", 409, "review_closed")


async def test_a_rejected_review_shows_both(gateway: RunningGateway) -> None:
    review, profiles = await doubt(gateway)
    answer = await ask(gateway, "POST", f"reviews/{review}/reject", body={})
    assert (answer["state"], set(answer["now"])) == ("rejected", set(profiles))
    assert (await ask(gateway, "GET", f"pins?profile={profiles[0]}"))["items"][0]["kind"] == "cannot"


@pytest.mark.parametrize("verdict", ["accept", "reject"])
async def test_an_answer_is_taken_back_after_a_look(gateway: RunningGateway, verdict: str) -> None:
    review, profiles = await doubt(gateway)
    await refused(gateway, "POST", f"reviews/{review}/undo", 409, "review_not_answered")
    assert (await ask(gateway, "GET", f"reviews/{review}"))["undo"] is None
    answer = await ask(gateway, "POST", f"reviews/{review}/{verdict}")
    told = await ask(gateway, "POST", f"reviews/{review}/undo", body={"dry_run": True})
    effects = told["effects"]
    assert (told["state"], set(told["now"])) == (answer["state"], set(profiles))
    assert [(one["id"], one["state"]) for one in effects["reviews"]] == [(review, "open")]
    assert effects["pins_lifted"] == 1
    assert len(effects["undone"]) == (verdict == "accept")
    shown = await ask(gateway, "GET", f"reviews/{review}")
    assert shown["undo"] == {"refused": None, "why": "", "effects": effects}

    undone = await ask(gateway, "POST", f"reviews/{review}/undo", body={"reason": "the wrong key"})
    assert (undone["state"], undone["closed_by"], undone["changed"]) == ("open", "", True)
    assert set(undone["now"]) == set(profiles)
    assert (await ask(gateway, "GET", "pins"))["items"] == []
    (event,) = (await ask(gateway, "GET", "audit?action=review.undone"))["items"]
    assert (event["object"], event["actor"], event["words"]) == (
        review,
        "operator:shared",
        {"note": "the wrong key"},
    )
    await ask(gateway, "POST", f"reviews/{review}/{verdict}")


async def test_a_decision_about_an_unknown_object_is_not_found(gateway: RunningGateway) -> None:
    web, _ = await two(gateway)
    (known,), unknown = await records(gateway, web), "rec_0000000000000001"
    await refused(gateway, "POST", "merges", 404, "not_found", {"profiles": [web, NOBODY], **WHY})
    await refused(gateway, "POST", "merges/mrg_0000000000000001/undo", 404, "not_found", WHY)
    await refused(gateway, "POST", "merges/7/undo", 404, "not_found", WHY)
    await refused(gateway, "POST", f"profiles/{NOBODY}/split", 404, "not_found", {"mode": "all", **WHY})
    pin = {"records": [known, unknown], "kind": "must", **WHY}
    await refused(gateway, "POST", "pins", 404, "not_found", pin)
    await refused(gateway, "POST", "reviews/rev_0000000000000001/accept", 404, "not_found")
    await refused(gateway, "GET", f"pins?profile={NOBODY}", 404, "not_found")


INVALID_BODIES: list[tuple[str, Any]] = [
    ("merges", {"profiles": [NOBODY, NOBODY]}),
    ("merges", {"profiles": [NOBODY, NOBODY], "reason": "   "}),
    ("merges", {"profiles": [NOBODY], **WHY}),
    ("merges", {"profiles": [NOBODY, "ann@shop.example.org"], **WHY}),
    ("merges", {"profiles": [NOBODY, NOBODY + "\n"], **WHY}),
    (f"profiles/{NOBODY}/split", WHY),
    (f"profiles/{NOBODY}/split", {"mode": "half", **WHY}),
    ("pins", {"records": ["rec_0000000000000001"] * 2, "kind": "may", **WHY}),
    ("pins", {"records": ["rec_0000000000000001"] * 2, "kind": "must", "until": "2020-01-01", **WHY}),
    ("pins", {"records": ["rec_0000000000000001"] * 2, "kind": "must", "until": "soon", **WHY}),
]


async def test_an_invalid_field_is_named_without_its_value(
    gateway: RunningGateway, subtests: pytest.Subtests
) -> None:
    for path, body in INVALID_BODIES:
        with subtests.test(path, body=body):
            problem = await ask(gateway, "POST", path, 400, body)
            assert problem["code"] in ("bad_body", "bad_parameter")
            assert "ann@shop" not in problem["detail"]


@pytest.mark.parametrize(
    ("until", "told"), [("2020-01-01", "not in the future"), ("9" * 12 + "d", "too far ahead")]
)
async def test_an_end_that_a_pin_cannot_have_says_which_way_it_is_wrong(
    gateway: RunningGateway, until: str, told: str
) -> None:
    body = {"records": ["rec_0000000000000001"] * 2, "kind": "must", "until": until, **WHY}
    assert told in (await ask(gateway, "POST", "pins", 400, body))["detail"]


@pytest.mark.parametrize("query", ["", "?a=rec_0000000000000001", "?a=rec_0000000000000001&b=2"])
async def test_a_pin_is_named_by_both_records(gateway: RunningGateway, query: str) -> None:
    await refused(gateway, "DELETE", f"pins{query}", 400, "bad_parameter")


async def test_pins_of_a_profile_and_a_record_are_two_questions(gateway: RunningGateway) -> None:
    query = f"pins?profile={NOBODY}&record=rec_0000000000000001"
    await refused(gateway, "GET", query, 400, "bad_parameter")


async def test_the_document_tells_of_versions_and_required_parameters(gateway: RunningGateway) -> None:
    paths = (await ask(gateway, "GET", "openapi.json"))["paths"]
    merging = paths["/admin/v1/merges"]["post"]
    assert [p["name"] for p in merging["parameters"] if p["in"] == "header"] == ["If-Match"]
    assert {"409", "412"} <= set(merging["responses"])
    assert "ETag" in paths["/admin/v1/profiles/{id}"]["get"]["responses"]["200"]["headers"]
    dropping = paths["/admin/v1/pins"]["delete"]["parameters"]
    assert {p["name"]: p["required"] for p in dropping} == {"a": True, "b": True, "dry_run": False}
    assert paths["/admin/v1/reviews/{id}/accept"]["post"]["requestBody"]["required"] is False


async def test_the_pins_of_one_record_are_found_over_an_index(gateway: RunningGateway) -> None:
    web, till = await two(gateway)
    await merge(gateway, web, till)
    explaining = Explaining(gateway.services.store)
    numbers = [read("rec", text) or 0 for text in await records(gateway, web)]
    assert len(await pins(cast("Store", explaining), numbers, (0, 0), 51)) == 1
    assert [step for step in explaining.walks() if step != "SCAN p"] == []
