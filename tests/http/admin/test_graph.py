"""A person as a graph, and as they were at a moment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from gateway.app.shared_state import refresh
from gateway.clock import timestamp
from gateway.model import SaveCustomer
from tests.support.admin_api import WHY, ask, refused
from tests.support.admin_decisions import merge, records, two
from tests.support.people import EMAIL, MOBILE, achieve, caller, grant, one_person, save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


async def test_a_graph_shows_which_rule_joined_by_which_identifier(gateway: RunningGateway) -> None:
    survivor, absorbed = await one_person(gateway.services)
    graph = await ask(gateway, "GET", f"profiles/{absorbed}/graph")
    assert (graph["profile"], graph["record_count"]) == (survivor, 3)
    by_customer = {record["customer_id"]: record for record in graph["records"]}
    assert by_customer["app-1"]["channels"] == ["mobile"]
    keys = {one["type"]: (one["state"], one["owner"], one["records"]) for one in graph["identifiers"]}
    assert keys["email"] == keys["mobile"] == ("normal", survivor, 2)
    edges = {(edge["record"], edge["type"]): edge["rule"] for edge in graph["edges"]}
    joins = {rule for (_, kind), rule in edges.items() if kind in ("email", "mobile")}
    assert len(edges) >= 4
    assert "" not in joins
    await refused(gateway, "GET", "profiles/prf_0000000000000001/graph", 404, "not_found")


async def test_a_graph_shows_pins_and_observations_that_joined_nothing(gateway: RunningGateway) -> None:
    web, till = await two(gateway)
    survivor = (await merge(gateway, web, till))["profile"]
    graph = await ask(gateway, "GET", f"profiles/{survivor}/graph")
    assert {edge["rule"] for edge in graph["edges"]} == {""}
    (pin,) = graph["pins"]
    assert (pin["kind"], sorted(pin["records"])) == ("must", sorted(await records(gateway, survivor)))
    assert "operator" in {record["rule"] for record in graph["records"]}


STRICTER = """\
[rules]
schema = 1
version = "both"
activation = "immediate"

[identifier.email]
kind = "email"
strength = 70

[identifier.mobile]
kind = "phone"
strength = 80

[[rule]]
name = "both"
all_of = ["email", "mobile"]

[conflict]
resplit = "off"
"""


def joins(graph: Any) -> set[tuple[str, str]]:
    return {(edge["type"], edge["rule"]) for edge in graph["edges"] if edge["rule"]}


async def test_an_edge_keeps_the_rule_that_joined_by_it_when_the_rules_change(
    gateway: RunningGateway,
) -> None:
    survivor, absorbed = await one_person(gateway.services)
    joined = joins(await ask(gateway, "GET", f"profiles/{survivor}/graph"))
    assert joined == {("email", "email"), ("mobile", "mobile")}
    await ask(gateway, "POST", "rules", 201, body={"text": STRICTER})
    await ask(gateway, "POST", "rules/both/activate")
    await refresh(gateway.services)
    assert joins(await ask(gateway, "GET", f"profiles/{survivor}/graph")) == joined
    await save(gateway.services, "app", "app-2", email=EMAIL, mobile=MOBILE)
    graph = await ask(gateway, "GET", f"profiles/{absorbed}/graph")
    assert graph["records"][-1]["rule"] == "both"
    assert joins(graph) >= joined


async def test_a_graph_is_shown_as_it_was_at_each_moment(gateway: RunningGateway) -> None:
    before = await now(gateway)
    web = await save(gateway.services, "web", "web-1", email=EMAIL)
    till = await save(gateway.services, "pos", "till-1", mobile=MOBILE)
    apart = await now(gateway)
    survivor = await save(gateway.services, "mobile", "app-1", email=EMAIL, mobile=MOBILE)
    together = await now(gateway)
    (merged,) = (await ask(gateway, "GET", "merges"))["items"]
    await ask(gateway, "POST", f"merges/{merged['id']}/undo", body={**WHY, "tree": True})

    async def then(profile: str, moment: str) -> Any:
        return await ask(gateway, "GET", f"profiles/{profile}/graph", params={"at": moment})

    for profile in (web, till):
        graph = await then(profile, apart)
        assert (graph["profile"], graph["at"], joins(graph)) == (profile, apart, set())
        assert (len(graph["records"]), len(graph["edges"])) == (1, 1)
        graph = await then(profile, together)
        assert (graph["profile"], len(graph["records"])) == (survivor, 3)
        assert joins(graph) == {("email", "email"), ("mobile", "mobile")}
    shown = await ask(gateway, "GET", f"profiles/{survivor}/graph")
    assert (shown["at"], len(shown["records"]) < 3, len(shown["pins"]) > 0) == (None, True, True)
    assert (await then(survivor, together))["pins"] == []
    await refused(gateway, "GET", f"profiles/{web}/graph?at={before}", 404, "not_found")


async def now(gateway: RunningGateway) -> str:
    """A moment with nothing else in its millisecond."""
    await asyncio.sleep(0.002)
    moment = timestamp(gateway.services.clock.now())
    await asyncio.sleep(0.002)
    return moment


async def at(gateway: RunningGateway, profile: str, moment: str) -> Any:
    return await ask(gateway, "GET", f"profiles/{profile}", params={"at": moment})


async def test_a_profile_is_shown_as_it_was_at_each_moment(gateway: RunningGateway) -> None:
    before = await now(gateway)
    web, till = await two(gateway)
    apart = await now(gateway)
    merged = await merge(gateway, web, till)
    survivor, absorbed = merged["profile"], ({web, till} - {merged["profile"]}).pop()
    await achieve(gateway.services, "web", "web-1")
    await gateway.services.pipeline.submit(SaveCustomer(caller("web"), "web-1", (), {"city": "Cairo"}))
    together = await now(gateway)
    await ask(gateway, "POST", f"merges/{merged['merge']}/undo", body=WHY)
    await save(gateway.services, "mobile", "app-1", email=EMAIL)

    for profile in (web, till):
        shown = await at(gateway, profile, apart)
        assert (shown["id"], len(shown["records"]), shown["merges"]) == (profile, 1, [])
        assert (shown["at"], shown["redirected_from"]) == (apart, None)
    shown = await at(gateway, absorbed, together)
    assert (shown["id"], shown["redirected_from"]) == (survivor, absorbed)
    assert {record["customer_id"] for record in shown["records"]} == {"web-1", "till-1"}
    assert [one["undone_at"] for one in shown["merges"]] == [None]
    assert (shown["attributes"]["city"], len(shown["achievements"])) == ("Cairo", 1)
    assert "city" not in (await at(gateway, web, apart))["attributes"]
    assert {one["customer_id"] for one in (await at(gateway, web, await now(gateway)))["records"]} == {
        "web-1",
        "app-1",
    }
    await refused(gateway, "GET", f"profiles/{web}?at={before}", 404, "not_found")
    await refused(gateway, "GET", f"profiles/{web}?at=soon", 400, "bad_parameter")


async def test_points_at_a_moment_are_those_entered_by_then(gateway: RunningGateway) -> None:
    web = await save(gateway.services, "web", "web-1", email=EMAIL, mobile=MOBILE)
    poor = await now(gateway)
    number = await achieve(gateway.services, "web", "web-1")
    shown = await ask(gateway, "GET", f"achievements/{number}")
    assert (shown["profile"], shown["state"]) == (web, "accepted")
    await refused(gateway, "GET", "achievements/ach_0000000000000001", 404, "not_found")
    await gateway.services.pipeline.submit(SaveCustomer(caller("web"), "web-1", (), {"gender": "F"}))
    await grant(gateway.services)
    assert (await at(gateway, web, poor))["balance"] == {"points": 0, "score": 0}
