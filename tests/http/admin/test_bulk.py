"""Answers, retries and discards of everything that matches a filter: previewed, counted, and done in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.store.queries.verification import verify
from tests.http.admin.test_deliveries import achieve as report
from tests.http.admin.test_deliveries import finished
from tests.http.admin.test_deliveries import refused as refuse_reports
from tests.http.admin.test_jobs import by_steps, events, some, until_over
from tests.support.admin_api import WHY, ask, refused
from tests.support.people import achieve, grant, save

if TYPE_CHECKING:
    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway

__all__ = ["by_steps"]
CHANNELS = ("web", "pos")
DUE = {"state": "dead", "reason": "the platform was fixed"}


async def doubts(gateway: RunningGateway, count: int, channel: str = "web") -> list[str]:
    """Questions about pairs that share an address and differ in their numbers, newest first."""
    for number in range(count):
        email = f"{channel}-{number}@shop.example.org"
        for side in (1, 2):
            mobile = f"0100{side}{CHANNELS.index(channel)}{number:05}"
            await save(gateway.services, channel, f"{number}-{side}", email=email, mobile=mobile)
    return await waiting(gateway)


async def waiting(gateway: RunningGateway) -> list[str]:
    return [one["id"] for one in (await ask(gateway, "GET", "reviews?state=open"))["items"]]


async def begin(gateway: RunningGateway, path: str, **asked: Any) -> Any:
    plan = await ask(gateway, "POST", path, body={**asked, "dry_run": True})
    return (await ask(gateway, "POST", path, body={**asked, "expected": plan["matched"]}))["job"]


@pytest.mark.parametrize(("path", "state"), [("accept", "accepted"), ("reject", "rejected")])
async def test_a_job_answers_every_question_that_matches_and_no_other(
    gateway: RunningGateway, path: str, state: str
) -> None:
    of_web = await doubts(gateway, 3)
    *_, shown = (await ask(gateway, "GET", "reviews"))["items"]
    of_pos = (await doubts(gateway, 1, "pos"))[:1]
    asked = {"question": shown["reason"], "channel": "web", "since": "1h", **WHY}
    plan = await ask(gateway, "POST", f"reviews/{path}", body={**asked, "dry_run": True})
    assert (plan["matched"], plan["job"]) == (3, None)
    assert [(one["review"]["id"], one["outcome"]) for one in plan["first"]] == [(r, "done") for r in of_web]
    assert (len(plan["effects"]["leads"]), plan["effects"]["pins_set"]) == (3 * (path == "accept"), 3)
    assert await waiting(gateway) == [*of_pos, *of_web]
    done = await until_over(gateway, (await begin(gateway, f"reviews/{path}", **asked))["id"])
    assert (done["kind"], done["state"], done["done"]) == (f"{path}_reviews", "done", 3)
    assert (done["refused"], done["closed"], done["passed"]) == (0, 0, 0)
    assert await waiting(gateway) == of_pos
    answers = await events(gateway, action=f"review.{state}", request_id=done["id"])
    assert [one["object"] for one in answers] == of_web[::-1]
    assert {one["actor"] for one in answers} == {"operator:shared"}


@pytest.mark.usefixtures("by_steps")
async def test_a_question_that_a_person_answers_meanwhile_is_passed_over_and_counted(
    gateway: RunningGateway,
) -> None:
    newest, middle, oldest = await doubts(gateway, 3)
    job = (await begin(gateway, "reviews/reject", since="1h"))["id"]
    await some(gateway, 1)
    await ask(gateway, "POST", f"reviews/{middle}/accept")
    while await some(gateway, 1):
        pass
    done = await ask(gateway, "GET", f"jobs/{job}")
    assert (done["matched"], done["done"], done["passed"], done["refused"]) == (3, 2, 1, 0)
    states = {one["id"]: one["state"] for one in (await ask(gateway, "GET", "reviews"))["items"]}
    assert states == {newest: "rejected", middle: "accepted", oldest: "rejected"}
    (ended,) = await events(gateway, action="job.ended")
    assert ended["detail"]["passed"] == 1


async def test_dead_deliveries_are_sent_again_or_given_up_together(
    forward: RunningGateway, platform: Platform
) -> None:
    for number in range(3):
        platform.ensure(f"c{number}")
    honest = platform._carry_out
    await refuse_reports(platform)
    for number in range(3):
        assert await report(forward, f"c{number}") == 202
    dead = [one["id"] for one in await finished(forward, "dead", 3)]
    plan = await ask(forward, "POST", "deliveries/retry", body={**DUE, "dry_run": True})
    assert [(one["delivery"]["id"], one["outcome"]) for one in plan["first"]] == [(d, "done") for d in dead]
    none = {**DUE, "target": "balances", "dry_run": True}
    assert (await ask(forward, "POST", "deliveries/retry", body=none))["matched"] == 0
    none = {**DUE, "until": "1h", "dry_run": True}
    assert (await ask(forward, "POST", "deliveries/retry", body=none))["matched"] == 0
    await refused(
        forward,
        "POST",
        "deliveries/retry",
        400,
        "bad_parameter",
        {**DUE, "target": "webhook:x", "dry_run": True},
    )
    platform._carry_out = honest  # type: ignore[method-assign]
    await ask(forward, "POST", f"deliveries/{dead[1]}/discard")
    done = await until_over(
        forward, (await begin(forward, "deliveries/retry", target="upstream", **DUE))["id"]
    )
    assert (done["matched"], done["done"]) == (2, 2)
    assert {one["id"] for one in await finished(forward, "delivered", 2)} == {dead[0], dead[2]}

    await refuse_reports(platform)
    await report(forward, "c0", 11665)
    (last,) = await finished(forward, "dead")
    done = await until_over(forward, (await begin(forward, "deliveries/discard", since="1h", **DUE))["id"])
    assert (done["kind"], done["done"]) == ("discard_deliveries", 1)
    assert (await ask(forward, "GET", f"deliveries/{last['id']}"))["state"] == "discarded"
    assert [
        one["object"] for one in await events(forward, action="delivery.discarded", request_id=done["id"])
    ] == [last["id"]]


async def test_reports_that_were_not_granted_are_retried_together(gateway: RunningGateway) -> None:
    for number in range(2):
        await save(gateway.services, "web", f"c{number}")
        for campaign in (11664, 11665):
            await achieve(gateway.services, "web", f"c{number}", campaign)
    await grant(gateway.services)
    await gateway.tamper(
        "UPDATE achievement SET state = 'failed', reason = 'KeyError' WHERE campaign_id = 11665"
    )
    asked = {"state": "failed", "campaign": 11665, "since": "1h"}
    plan = await ask(gateway, "POST", "achievements/retry", body={**asked, "dry_run": True})
    assert [(one["achievement"]["campaign"], one["outcome"]) for one in plan["first"]] == [
        (11665, "done")
    ] * 2
    for none in ({"campaign": 11664}, {"state": "ignored"}, {"until": "1h", "since": ""}):
        body = {**asked, **none, "dry_run": True}
        assert (await ask(gateway, "POST", "achievements/retry", body=body))["matched"] == 0
    done = await until_over(gateway, (await begin(gateway, "achievements/retry", **asked))["id"])
    assert (done["done"], done["refused"]) == (2, 0)
    assert len(await events(gateway, action="achievement.retried", request_id=done["id"])) == 2
    assert (await ask(gateway, "GET", "achievements?state=failed&since=1h"))["items"] == []
    verdict = await verify(gateway.services.store, gateway.services.checkpoint_key, state=True)
    assert [one for one in verdict.breaches if one.chain == "job"] == []


async def test_a_filter_is_needed_and_one_that_matches_nothing_ends_at_once(gateway: RunningGateway) -> None:
    await refused(gateway, "POST", "reviews/accept", 400, "bad_body", {"dry_run": True})
    await refused(gateway, "POST", "deliveries/retry", 400, "bad_body", {"dry_run": True})
    await refused(gateway, "POST", "deliveries/retry", 400, "bad_body", {"state": "pending"})
    await refused(
        gateway, "POST", "reviews/accept", 404, "unknown_channel", {"channel": "x", "dry_run": True}
    )
    done = await until_over(gateway, (await begin(gateway, "reviews/accept", rule="none"))["id"])
    assert (done["state"], done["matched"], done["done"]) == ("done", 0, 0)
