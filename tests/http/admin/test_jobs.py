"""Jobs: an undo of all merges that match a filter goes on over a restart, can be cancelled, and tells what it could not do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from gateway.app import workers
from gateway.ids import read
from gateway.model import Caller, DelayJob
from gateway.store.queries.jobs import count_distrusted
from gateway.store.queries.jobs import job as stored_job
from gateway.store.queries.verification import verify
from gateway.store.row_digests import row_key
from gateway.store.tables.jobs import JOB
from gateway.usecases.backoff import MOST_FAILURES
from gateway.workers.jobs import JobWorker
from tests.http.admin.test_merge_list import by_hand, listed
from tests.support.admin_api import WHY, ask, refused
from tests.support.admin_decisions import merge
from tests.support.import_chunks import IMPORT, bring, chunk
from tests.support.people import EMAIL, MOBILE, save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start

BY_HAND = {"rule": "operator", **WHY}


class _Worker(JobWorker):
    """One that the tests drive."""

    work = JobWorker.work


@pytest.fixture
def by_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway's own worker leaves jobs to the test."""

    async def nothing(*_: object) -> bool:
        return False

    monkeypatch.setattr(workers.JobWorker, "work", nothing)


async def begin(gateway: RunningGateway, **filters: str) -> Any:
    asked = {**WHY, **filters}
    plan = await ask(gateway, "POST", "merges/undo", body={**asked, "dry_run": True})
    begun = await ask(gateway, "POST", "merges/undo", body={**asked, "expected": plan["matched"]})
    return begun["job"]


async def until_over(gateway: RunningGateway, job: str) -> Any:
    async with asyncio.timeout(20):
        while (shown := await ask(gateway, "GET", f"jobs/{job}"))["state"] == "running":  # noqa: ASYNC110 - it works in the background
            await asyncio.sleep(0.02)
    return shown


async def some(gateway: RunningGateway, limit: int) -> bool:
    services = gateway.services
    worker = _Worker(services.store, services.pipeline, services.clock, row_key(services.checkpoint_key))
    return await worker.work(limit)


async def events(gateway: RunningGateway, **query: str) -> list[Any]:
    return (await ask(gateway, "GET", "audit", params=query))["items"]


async def test_a_job_undoes_every_matching_merge_and_no_other(gateway: RunningGateway) -> None:
    await save(gateway.services, "web", "known", email=EMAIL)
    await save(gateway.services, "web", "till", mobile=MOBILE)
    await by_hand(gateway, 3)
    await bring(gateway, chunk(["new", EMAIL, MOBILE], last=True))
    (of_import,) = await listed(gateway, import_id=f"imp_{IMPORT}")
    done = await until_over(gateway, (await begin(gateway, rule="operator"))["id"])
    assert (done["state"], done["matched"], done["done"], done["refused"]) == ("done", 3, 3, 0)
    assert await listed(gateway, state="standing") == [of_import]
    assert len(await events(gateway, action="identity.split", request_id=done["id"])) == 3
    (started,) = await events(gateway, action="job.started")
    (ended,) = await events(gateway, action="job.ended")
    assert started["object"] == ended["object"] == done["id"]
    assert (ended["detail"]["done"], ended["actor"]) == (3, "operator:shared")
    await until_over(gateway, (await begin(gateway, import_id=f"imp_{IMPORT}"))["id"])
    assert await listed(gateway, state="standing") == []
    assert [job["matched"] for job in (await ask(gateway, "GET", "jobs"))["items"]] == [1, 3]


async def test_a_dry_run_changes_nothing_and_another_count_is_refused(gateway: RunningGateway) -> None:
    made = await by_hand(gateway, 2)
    plan = await ask(gateway, "POST", "merges/undo", body={**BY_HAND, "dry_run": True})
    assert (plan["matched"], plan["job"]) == (2, None)
    assert [(one["merge"]["id"], one["refused"]) for one in plan["first"]] == [(m, None) for m in made[::-1]]
    await refused(gateway, "POST", "merges/undo", 409, "count_changed", {**BY_HAND, "expected": 1})
    await refused(gateway, "POST", "merges/undo", 400, "bad_body", BY_HAND)
    await refused(gateway, "POST", "merges/undo", 400, "bad_body", {**WHY, "expected": 2})
    assert await listed(gateway, state="undone") == []
    assert (await ask(gateway, "GET", "jobs"))["items"] == []


async def test_a_merge_that_cannot_be_undone_is_counted_and_the_rest_goes_on(gateway: RunningGateway) -> None:
    (one,) = await by_hand(gateway, 1)
    for channel in ("web", "pos"):
        ann = await save(gateway.services, channel, "ann", email=EMAIL)
        bob = await save(gateway.services, channel, "bob", mobile=MOBILE)
    two = (await merge(gateway, ann, bob))["merge"]
    (three,) = await by_hand(gateway, 1, "later-")
    shown = await ask(gateway, "GET", f"merges/{two}")
    body = {"records": shown["absorbed_records"][-1:], **WHY}
    await ask(gateway, "POST", f"profiles/{shown['survivor']}/split", body=body)
    plan = await ask(gateway, "POST", "merges/undo", body={**BY_HAND, "dry_run": True})
    assert [line["refused"] for line in plan["first"]] == [None, "records_moved", None]
    assert [line["outcome"] for line in plan["first"]] == ["done", "refused", "done"]
    done = await until_over(gateway, (await begin(gateway, rule="operator"))["id"])
    assert (done["matched"], done["done"], done["refused"]) == (3, 2, 1)
    assert await listed(gateway, state="standing") == [two]
    assert await listed(gateway, state="undone") == [three, one]


async def test_merges_into_one_profile_are_undone_from_the_newest_on(gateway: RunningGateway) -> None:
    profiles = [await save(gateway.services, "web", f"c{number}") for number in range(4)]
    last = profiles[0]
    await by_hand(gateway, 1)
    for other in profiles[1:]:
        last = (await merge(gateway, last, other))["profile"]
    plan = await ask(gateway, "POST", "merges/undo", body={**BY_HAND, "dry_run": True})
    assert [line["outcome"] for line in plan["first"]] == ["done", None, None, "done"]
    done = await until_over(gateway, (await begin(gateway, actor="operator:shared"))["id"])
    assert (done["done"], done["refused"]) == (4, 0)


@pytest.mark.usefixtures("by_steps")
async def test_a_gateway_that_stops_in_the_middle_continues_where_it_was(start: Start) -> None:
    async with start() as gateway:
        made = await by_hand(gateway, 4)
        job = (await begin(gateway, rule="operator"))["id"]
        assert await some(gateway, 1)
        assert await listed(gateway, state="undone") == [made[3]]
    async with start() as gateway:
        later = await by_hand(gateway, 1, "later-")
        while await some(gateway, 2):
            pass
        done = await until_over(gateway, job)
        assert (done["state"], done["done"], done["matched"]) == ("done", 4, 4)
        assert await listed(gateway, state="standing") == later


@pytest.mark.usefixtures("by_steps")
async def test_a_cancelled_job_stops_and_what_it_did_stays(gateway: RunningGateway) -> None:
    *others, newest = await by_hand(gateway, 3)
    job = (await begin(gateway, rule="operator"))["id"]
    await some(gateway, 1)
    cancelled = await ask(gateway, "POST", f"jobs/{job}/cancel")
    assert (cancelled["state"], cancelled["done"]) == ("cancelled", 1)
    assert not await some(gateway, 10)
    assert await listed(gateway, state="undone") == [newest]
    assert await listed(gateway, state="standing") == others[::-1]
    await refused(gateway, "POST", f"jobs/{job}/cancel", 409, "job_over")
    await refused(gateway, "GET", "jobs/job_0000000000000001", 404, "not_found")
    assert [one["outcome"] for one in await events(gateway, action="job.cancelled")] == ["cancelled"]


@pytest.mark.usefixtures("by_steps")
async def test_a_failed_job_is_resumed_behind_the_merge_that_makes_it_fail(gateway: RunningGateway) -> None:
    one, two, three = await by_hand(gateway, 3)
    job = (await begin(gateway, rule="operator"))["id"]
    await some(gateway, 1)
    services, caller = gateway.services, Caller("", "", "gateway", job, "gateway")
    for _ in range(MOST_FAILURES):
        found = await stored_job(services.store, read("job", job) or 0)
        assert found is not None
        await services.pipeline.submit(DelayJob(caller, found.job, "KeyError", read("mrg", two)))
    assert (await ask(gateway, "GET", f"jobs/{job}"))["stuck_at"] == two
    resumed = await ask(gateway, "POST", f"jobs/{job}/resume", body={"skip": True})
    assert (resumed["skipped"], resumed["stuck_at"], resumed["distrusted"]) == (1, None, False)
    while await some(gateway, 9):
        pass
    done = await ask(gateway, "GET", f"jobs/{job}")
    assert (done["state"], done["done"], done["skipped"], done["passed"]) == ("done", 2, 1, 0)
    assert await listed(gateway, state="standing") == [two]
    assert {three, one} == {*await listed(gateway, state="undone")}
    await refused(gateway, "POST", f"jobs/{job}/resume", 409, "job_not_failed", {"skip": True})
    await refused(gateway, "POST", f"jobs/{job}/resume", 400, "bad_body", {"skip": 1})


_FORGED = (
    "INSERT INTO job (job_id, kind, filter, reason, matched, created_by, created_at, before, state, done, refused,"
    " above, run_by) SELECT job_id + 1, kind, filter, reason, 99, created_by, created_at, {newest}, 'running', 0, 0,"
    " {newest}, run_by FROM job"
)


@pytest.mark.usefixtures("by_steps")
@pytest.mark.parametrize(
    "forgery",
    [
        _FORGED,
        "UPDATE job SET above = {newest}, before = {newest}",
        "UPDATE job SET run_by = 'operator:ann'",
    ],
)
async def test_a_forged_job_is_reported_and_not_run(gateway: RunningGateway, forgery: str) -> None:
    made = await by_hand(gateway, 2)
    job = (await begin(gateway, rule="operator"))["id"]
    later = await by_hand(gateway, 1, "later-")
    if forgery == _FORGED:
        while await some(gateway, 9):
            pass
    await gateway.tamper(forgery.format(newest=(1 << 62)))
    for _ in range(2):
        assert not await some(gateway, 9)
    assert await listed(gateway, state="standing") == [*later, *made[::-1]][: 1 if forgery == _FORGED else 3]
    (told,) = await events(gateway, action="job.distrusted")
    assert (told["actor"], told["object"] == job) == ("gateway", forgery != _FORGED)
    assert await count_distrusted(gateway.services.store) == 1
    verdict = await verify(gateway.services.store, gateway.services.checkpoint_key, state=True)
    assert [breach.chain for breach in verdict.breaches] == ["job"]
    (forged,) = [one for one in (await ask(gateway, "GET", "jobs"))["items"] if one["distrusted"]]
    await gateway.tamper("UPDATE job SET state = 'failed' WHERE state = 'running'")
    await refused(gateway, "POST", f"jobs/{forged['id']}/resume", 409, "job_distrusted")
    cancelled = await ask(gateway, "POST", f"jobs/{forged['id']}/cancel")
    assert (cancelled["state"], cancelled["distrusted"]) == ("cancelled", False)
    assert await count_distrusted(gateway.services.store) == 0


DAMAGE = {"filter": "'no JSON'", "kind": "'erase'", "created_at": "-1", "run_by": "'operator:ann'"}
NOT_UTF8 = {"filter": "CAST(x'7bff' AS TEXT)", "reason": "CAST(x'ff' AS TEXT)"}
"""PostgreSQL stores no such text."""


@pytest.mark.usefixtures("by_steps")
@pytest.mark.parametrize("state", ["running", "failed"])
async def test_a_row_that_cannot_be_read_is_shown_and_cancelled_and_holds_up_no_other(
    gateway: RunningGateway, engine: str, state: str
) -> None:
    made = await by_hand(gateway, 2)
    job = (await begin(gateway, rule="operator"))["id"]
    damage = DAMAGE | (NOT_UTF8 if engine == "sqlite" else {})
    columns = {name: value for name, value in damage.items() if name != "run_by"}
    written = ", ".join(f"{name} = {value}" for name, value in damage.items())
    await gateway.tamper(f"UPDATE job SET state = '{state}', {written}")
    other = (await begin(gateway, actor="operator:shared"))["id"]
    while await some(gateway, 9):
        pass
    assert await listed(gateway, state="undone") == made[::-1]
    told = await events(gateway, action="job.distrusted")
    noted = {"damaged": [name for name in JOB.all if name in columns]}
    assert [(one["object"], one["detail"]) for one in told] == [(job, noted)] * (state == "running")
    shown = {one["id"]: one for one in (await ask(gateway, "GET", "jobs"))["items"]}
    assert shown[job] == await ask(gateway, "GET", f"jobs/{job}")
    assert (shown[other]["state"], shown[other]["damaged"], shown[other]["done"]) == ("done", [], 2)
    assert (shown[job]["state"], shown[job]["distrusted"], shown[job]["kind"]) == (state, True, "unreadable")
    assert (set(shown[job]["damaged"]), shown[job]["filter"]) == ({*columns}, {})
    await refused(gateway, "POST", f"jobs/{job}/resume", 409, "job_distrusted")
    cancelled = await ask(gateway, "POST", f"jobs/{job}/cancel")
    assert cancelled["state"] == "cancelled"
    assert cancelled["why"] == f"its row was damaged: {', '.join(noted['damaged'])}"
    await refused(gateway, "POST", f"jobs/{job}/cancel", 409, "job_over")
    assert (await ask(gateway, "GET", f"jobs/{job}"))["damaged"] == ["kind"]
    verdict = await verify(gateway.services.store, gateway.services.checkpoint_key, state=True)
    assert verdict.breaches == []


@pytest.mark.usefixtures("by_steps")
async def test_other_jobs_run_beside_one_that_is_not_trusted(gateway: RunningGateway) -> None:
    made = await by_hand(gateway, 2)
    await begin(gateway, rule="operator")
    await gateway.tamper("UPDATE job SET matched = 99")
    job = (await begin(gateway, actor="operator:shared"))["id"]
    while await some(gateway, 1):
        pass
    assert (await ask(gateway, "GET", f"jobs/{job}"))["done"] == 2
    assert await listed(gateway, state="undone") == made[::-1]


@pytest.mark.usefixtures("by_steps")
async def test_a_job_is_trusted_wherever_the_log_keeps_its_start(gateway: RunningGateway) -> None:
    """The look-up table finds older events, and a reading of the newest rows the others."""
    await by_hand(gateway, 2)
    await begin(gateway, rule="operator")
    assert await some(gateway, 1)
    while await gateway.services.store.maintain(100):
        pass
    assert await some(gateway, 1)
    assert await listed(gateway, state="standing") == []
