from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.admin_api import ask
from tests.support.admin_rules import SEED, rule_text
from tests.support.people import EMAIL, MOBILE, save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


@pytest.mark.parametrize("as_text", [True, False])
async def test_a_rule_set_is_stored_and_activated_and_rolled_back(
    gateway: RunningGateway, as_text: bool
) -> None:
    text = rule_text("v2")
    sent: dict[str, Any] = (
        {"data": text.encode(), "headers": {"Content-Type": "text/plain"}}
        if as_text
        else {"json": {"text": text}}
    )
    if as_text:
        sent["headers"]["Authorization"] = "Bearer admin-token-0123456789"
        async with gateway.client.post(f"{gateway.admin_url}/admin/v1/rules", **sent) as response:
            stored = await response.json()
    else:
        stored = await ask(gateway, "POST", "rules", 201, **sent)
    assert (stored["version"], stored["active"], stored["changed"]) == ("v2", False, True)
    assert (await ask(gateway, "POST", "rules/v2/activate"))["active"]
    assert (await ask(gateway, "POST", f"rules/{SEED}/activate"))["active"]
    listed = (await ask(gateway, "GET", "rules"))["items"]
    assert [(one["version"], one["active"]) for one in listed] == [("v2", False), (SEED, True)]
    assert (await ask(gateway, "GET", "rules/v2"))["text"] == text


async def test_storing_may_activate_at_once_where_the_file_says_so(gateway: RunningGateway) -> None:
    stored = await ask(gateway, "POST", "rules?activate=true", 201, json={"text": rule_text("v2")})
    assert stored["active"]
    again = await ask(gateway, "POST", "rules?activate=true", 201, json={"text": rule_text("v2")})
    assert (again["active"], again["changed"]) == (True, False)


async def test_rules_that_require_a_dry_run_are_not_activated_without_one(gateway: RunningGateway) -> None:
    body = {"text": rule_text("v2", "after_dry_run")}
    assert (await ask(gateway, "POST", "rules?activate=true", 409, json=body))["code"] == "plan_required"
    assert [one["version"] for one in (await ask(gateway, "GET", "rules"))["items"]] == [SEED]
    await ask(gateway, "POST", "rules", 201, json=body)
    assert (await ask(gateway, "POST", "rules/v2/activate", 409))["code"] == "plan_required"


async def test_every_problem_is_reported_with_its_line(gateway: RunningGateway) -> None:
    broken = rule_text("v2").replace("[[rule]]", '[[rule]]\ncolour = "red"', 1)
    for path in ("rules", "rules/check"):
        answer = await ask(gateway, "POST", path, 422, json={"text": broken})
        assert answer["code"] == "bad_rules"
        (problem,) = answer["problems"]
        assert broken.splitlines()[problem["line"] - 1] == 'colour = "red"'
        assert set(problem) == {"line", "path", "message", "remedy"}


async def test_a_check_stores_nothing(gateway: RunningGateway) -> None:
    assert (await ask(gateway, "POST", "rules/check", json={"text": rule_text("v2")}))["version"] == "v2"
    assert (await ask(gateway, "GET", "rules/v2", 404))["code"] == "rules_unknown"


async def test_a_version_is_never_stored_with_another_text(gateway: RunningGateway) -> None:
    await ask(gateway, "POST", "rules", 201, json={"text": rule_text("v2")})
    other = rule_text("v2") + "# another remark\n"
    assert (await ask(gateway, "POST", "rules", 409, json={"text": other}))["code"] == "version_taken"


async def test_a_text_that_is_too_large_is_refused(gateway: RunningGateway) -> None:
    assert (await ask(gateway, "POST", "rules/check", 413, json={"text": "#" * 2_000_000}))[
        "code"
    ] == "too_large"
    assert (await ask(gateway, "POST", "rules/check", 422, json={"text": "#" * 300_000}))[
        "code"
    ] == "bad_rules"


async def test_an_activated_rule_set_says_how_far_the_profiles_follow_it(gateway: RunningGateway) -> None:
    one = await save(gateway.services, "web", "1", email=EMAIL, mobile=MOBILE)
    assert await save(gateway.services, "pos", "2", mobile=MOBILE) == one
    assert (await ask(gateway, "GET", f"rules/{SEED}"))["regrouping"] is None
    text = rule_text("v2") + '\n[conflict]\nresplit = "auto"\n'
    await ask(gateway, "POST", "rules?activate=true", 201, json={"text": text})
    await gateway.regroup()
    walk = (await ask(gateway, "GET", "rules/v2"))["regrouping"]
    assert walk["finished_at"] is not None
    counts = {key: walk[key] for key in ("total", "looked", "merged", "split", "asked", "points", "skipped")}
    assert counts == {"total": 1, "looked": 1, "merged": 0, "split": 1, "asked": 0, "points": 0, "skipped": 0}
    assert (await ask(gateway, "GET", "rules"))["items"][0]["regrouping"] == walk
    assert len((await ask(gateway, "GET", f"profiles/{one}"))["records"]) == 1


async def test_an_id_space_that_no_channel_and_no_customer_has_is_refused_wherever_rules_come_in(
    gateway: RunningGateway,
) -> None:
    text = rule_text("v2") + 'id_spaces = ["till"]\n'
    for path in ("rules/check", "rules", "rules/plan"):
        (problem,) = (await ask(gateway, "POST", path, 422, json={"text": text}))["problems"]
        assert problem["path"] == "rule[1].id_spaces[1]"
        assert problem["line"] == len(text.splitlines())
    await ask(gateway, "POST", "rules/check", json={"text": text.replace('"till"', '"pos"')})


async def test_the_id_space_of_a_removed_channel_is_still_known(gateway: RunningGateway) -> None:
    await save(gateway.services, "web", "ann", email=EMAIL)
    await gateway.tamper("UPDATE record SET id_space = 'till'")
    await ask(gateway, "POST", "rules/check", json={"text": rule_text("v2") + 'id_spaces = ["till"]\n'})
