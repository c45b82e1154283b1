"""One question with both sides and what would follow from its answers, and lists of questions by what a person asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.model import SaveCustomer
from tests.support.admin_api import ask, refused
from tests.support.admin_decisions import doubt
from tests.support.people import caller

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start


async def name(gateway: RunningGateway, customer_id: str, **attributes: Any) -> None:
    await gateway.services.pipeline.submit(SaveCustomer(caller("web"), customer_id, (), attributes))


async def test_a_review_shows_both_sides_and_what_agrees_and_differs(gateway: RunningGateway) -> None:
    review, profiles = await doubt(gateway)
    await name(gateway, "ann", firstName="Ann", lastName="Lee", city="Cairo", gender="F")
    await name(gateway, "bob", displayName="Bob  Lee", city="Cairo", lastName="Li")
    shown = await ask(gateway, "GET", f"reviews/{review}")
    assert (shown["people"], shown["profiles"]) == (["Ann Lee", "Bob Lee"], profiles)
    ann, bob = shown["sides"]
    assert (ann["person"], ann["channels"], ann["profile"]["id"]) == ("Ann Lee", ["web"], profiles[0])
    assert ann["last_seen"]
    assert {(one["name"], one["value"], one["source"], one["wins"]) for one in bob["values"]} >= {
        ("displayName", "Bob  Lee", "backend", True)
    }
    assert {one["what"] for one in shown["agrees"]} >= {"email", "attribute city"}
    differs = {one["what"]: (one["one"], one["other"]) for one in shown["differs"]}
    assert differs == {
        "mobile": (["+201001234567"], ["+201007654321"]),
        "attribute lastName": (["Lee"], ["Li"]),
    }
    assert shown["trace"]["guard"]
    assert any("email is equal" in line for line in shown["trace"]["words"])
    assert shown["trace"]["guard"] in shown["trace"]["words"][-1]


async def test_the_consequences_are_what_the_answers_do(gateway: RunningGateway) -> None:
    review, profiles = await doubt(gateway)
    shown = await ask(gateway, "GET", f"reviews/{review}")
    assert (shown["no"]["effects"]["pins_set"], shown["no"]["effects"]["leads"]) == (1, [])
    (lead,) = shown["yes"]["effects"]["leads"]
    answer = await ask(gateway, "POST", f"reviews/{review}/accept")
    assert answer["now"] == [lead["to"]]
    assert lead["id"] in profiles
    shown = await ask(gateway, "GET", f"reviews/{review}")
    assert (shown["yes"], shown["no"], shown["trace"], len(shown["sides"])) == (None, None, None, 1)
    await refused(gateway, "GET", "reviews/rev_0000000000000001", 404, "not_found")


async def test_an_answer_that_would_be_refused_says_why_beforehand(gateway: RunningGateway) -> None:
    review, profiles = await doubt(gateway)
    records = [
        record["id"]
        for profile in profiles
        for record in (await ask(gateway, "GET", f"profiles/{profile}"))["records"]
    ]
    pin = {"records": records, "kind": "cannot", "reason": "twins"}
    await ask(gateway, "POST", "pins", body=pin)
    shown = await ask(gateway, "GET", f"reviews/{review}")
    if shown["state"] == "open":
        assert (shown["yes"]["refused"], shown["yes"]["effects"]) == ("pinned_apart", None)
        assert shown["no"]["refused"] is None


async def test_questions_are_filtered_by_the_given_criteria(gateway: RunningGateway) -> None:
    review, _ = await doubt(gateway)
    (shown,) = (await ask(gateway, "GET", "reviews"))["items"]

    async def found(**query: str) -> list[str]:
        return [one["id"] for one in (await ask(gateway, "GET", "reviews", params=query))["items"]]

    assert await found(state="open", reason=shown["reason"]) == [review]
    assert await found(reason=shown["reason"], rule=shown["rule"]) == [review]
    assert await found(state="open", rule=shown["rule"], channel="web", since="1h") == [review]
    assert await found(state="open", channel="pos") == []
    assert await found(until="1h") == []
    assert await found(state="open", reason="points") == []
    await refused(gateway, "GET", "reviews?channel=nowhere", 404, "unknown_channel")


async def test_a_look_at_a_question_is_audited_for_both_people(start: Start) -> None:
    async with start("[audit]\nreads = true") as gateway:
        review, profiles = await doubt(gateway)
        await ask(gateway, "GET", f"reviews/{review}")
        events = (await ask(gateway, "GET", "audit", params={"action": "customer.viewed"}))["items"]
        assert {event["profile"] for event in events} == {*profiles}
