"""A rule set seen before it merges: exact counts, nothing changed but that the plan is known (I21)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

import pytest

from rules.language.parse import preset
from tests.support.admin_api import ask
from tests.support.people import achieve, grant, save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start

HOUSEKEEPING = {"lookup", "lookup_progress", "audit_checkpoint", "lease", "state_binding"}
COUNTED_NOW_AND_THEN = {
    "activity",
    "campaign_activity",
    "rule_activity",
    "channel_key_use",
    "operator_use",
    "database_size",
    "audit_verified",
    "order_job",
}
ANN, PHONE, OTHER_PHONE = "ann@shop.example.org", "+201001234567", "+201007654321"


def candidate(version: str, name: str = "mobile") -> str:
    """A preset under a version of its own; as presets do, it asks for a plan."""
    lines = preset(name).splitlines()
    return (
        "\n".join(f'version = "{version}"' if line.startswith("version") else line for line in lines) + "\n"
    )


async def planned(gateway: RunningGateway, text: str) -> Any:
    return await ask(gateway, "POST", "rules/plan", json={"text": text})


async def dump(gateway: RunningGateway) -> dict[str, list[Any]]:
    return {
        table: await gateway.rows(f"SELECT * FROM {table} ORDER BY 1, 2")
        for table in await gateway.tables()
        if table not in HOUSEKEEPING | COUNTED_NOW_AND_THEN
    }


@pytest.fixture
async def by_email(start: Start) -> AsyncGenerator[RunningGateway]:
    """A gateway that joins by e-mail only."""
    async with start('[rules]\nseed = "preset:email"\n') as running:
        yield running


async def test_the_counts_of_a_small_database_are_exact(by_email: RunningGateway) -> None:
    services = by_email.services
    ann = await save(services, "web", "ann", email=ANN, mobile=PHONE)
    assert await save(services, "mobile", "ann", email=ANN) == ann
    till = await save(services, "pos", "4711", mobile=PHONE)
    alone = await save(services, "pos", "4712", mobile=OTHER_PHONE)
    await achieve(services, "web", "ann")
    await achieve(services, "pos", "4711")
    await grant(services)
    answer = await planned(by_email, candidate("m1"))
    assert answer["counts"] == {
        "profiles_before": 3,
        "profiles_after": 3,
        "merged": 2,
        "split": 1,
        "blocked": 0,
        "in_review": 0,
        "reviews": 0,
        "largest_before": 2,
        "largest": 2,
        "points": 100,
        "by_score": None,
    }
    merge, split = answer["cases"]
    assert all(len(case["people"]) == len(case["profiles"]) for case in answer["cases"])
    assert any(":" in person for person in merge["people"])
    assert (merge["kind"], merge["profiles"], merge["types"]) == ("merge", sorted([ann, till]), ["mobile"])
    assert (split["kind"], split["profiles"], split["guard"]) == ("split", [ann], "")
    assert alone not in str(answer)
    assert PHONE not in str(answer)


async def test_a_blocking_pin_is_reported(by_email: RunningGateway) -> None:
    services = by_email.services
    await save(services, "web", "ann", mobile=PHONE)
    await save(services, "pos", "4711", mobile=PHONE)
    a, b = (record for (record,) in await by_email.rows("SELECT record_id FROM record ORDER BY record_id"))
    pin = {"records": [f"rec_{a:016x}", f"rec_{b:016x}"], "kind": "cannot", "reason": "twins"}
    await ask(by_email, "POST", "pins", json=pin)
    answer = await planned(by_email, candidate("m1"))
    assert (answer["counts"]["merged"], answer["counts"]["blocked"]) == (0, 2)
    assert answer["cases"][0]["guard"] == "cannot"


async def test_a_plan_changes_nothing_except_that_it_is_stored(by_email: RunningGateway) -> None:
    await save(by_email.services, "web", "ann", email=ANN, mobile=PHONE)
    await save(by_email.services, "pos", "4711", mobile=PHONE)
    before = await dump(by_email)
    answer = await planned(by_email, candidate("m1"))
    after = await dump(by_email)
    changed = {table for table in after if after[table] != before[table]}
    assert changed == {"rule_plan", "audit"}
    assert [row[0] for row in after["rule_plan"]] == [answer["sha256"]]
    (event,) = [row for row in after["audit"] if row not in before["audit"]]
    assert event[4] == "rules.planned"


async def test_only_a_planned_rule_set_can_be_activated(by_email: RunningGateway) -> None:
    text = candidate("m1")
    assert not (await ask(by_email, "POST", "rules", 201, json={"text": text}))["planned"]
    refused = await ask(by_email, "POST", "rules/m1/activate", 409)
    assert refused["code"] == "plan_required"
    assert "gateway rules plan" in refused["detail"]
    await planned(by_email, text + "# another content\n")
    await ask(by_email, "POST", "rules/m1/activate", 409)
    await planned(by_email, text)
    assert (await ask(by_email, "POST", "rules/m1/activate"))["active"]
    await planned(by_email, candidate("m2"))
    assert (await ask(by_email, "POST", "rules?activate=true", 201, json={"text": candidate("m2")}))["active"]


async def test_a_rule_set_that_was_active_before_needs_no_plan(by_email: RunningGateway) -> None:
    ((seed,),) = await by_email.rows("SELECT version FROM rule_set")
    await planned(by_email, candidate("m1"))
    await ask(by_email, "POST", "rules?activate=true", 201, json={"text": candidate("m1")})
    assert (await ask(by_email, "POST", f"rules/{seed}/activate"))["active"]


async def test_one_plan_is_made_at_a_time(by_email: RunningGateway) -> None:
    async with by_email.services.plan_lock:
        answer = await ask(by_email, "POST", "rules/plan", 409, json={"text": candidate("m1")})
    assert answer["code"] == "plan_running"
    assert (await planned(by_email, candidate("m1")))["version"] == "m1"


async def test_a_plan_of_broken_rules_is_refused(by_email: RunningGateway) -> None:
    answer = await ask(by_email, "POST", "rules/plan", 422, json={"text": 'colour = "red"'})
    assert answer["code"] == "bad_rules"
    assert await by_email.rows("SELECT * FROM rule_plan") == []


async def test_rules_that_merge_by_a_score_need_a_plan_that_says_how_many(by_email: RunningGateway) -> None:
    await save(by_email.services, "web", "ann", email=ANN, mobile=PHONE)
    scores = '\n[suggest]\noutcome = "merge"\n'
    text = candidate("m1").replace('version = "m1"', 'version = "m1"\nactivation = "immediate"') + scores
    await ask(by_email, "POST", "rules", 201, json={"text": text})
    refused = await ask(by_email, "POST", "rules/m1/activate", 409)
    assert (refused["code"], "by a score" in refused["detail"]) == ("plan_required", True)
    answer = await planned(by_email, text)
    assert answer["counts"]["by_score"] == 0
    assert (await ask(by_email, "POST", "rules/m1/activate"))["active"]
