"""Jobs: a rehearsal tells what the job does right after it, and a job runs only as it was started."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from structlog.testing import capture_logs

from gateway.http.admin.bulk import rehearsed
from gateway.ids import Prefix, show
from gateway.model import (
    AddOperator,
    AnswerReview,
    CancelJob,
    DelayJob,
    Job,
    JobKind,
    Refused,
    RehearseJob,
    RemoveOperator,
    ResumeJob,
    ReviewItem,
    StartJob,
    StoredOperator,
    WorkJob,
)
from gateway.store.queries.job_targets import count_matching, id_of, matching
from gateway.store.queries.jobs import job as stored_job
from gateway.store.row_digests import row_key
from gateway.usecases import job_steps
from gateway.usecases.backoff import MOST_FAILURES
from gateway.usecases.env import Env
from gateway.workers.jobs import JobWorker
from gateway.workingset import WorkingSet
from tests.support.in_process_gateway import CHECKPOINT_KEY, InProcessGateway, customer, environment
from tests.support.properties import ANY_HEALTH
from tests.support.store_batches import log, run
from tests.usecases.test_merge_sequences import SAM, World, two
from tests.usecases.test_preview import TOPICS, State, check, everything

KINDS: tuple[JobKind, ...] = ("undo_merges", "accept_reviews", "reject_reviews")
FILTERS: tuple[dict[str, str], ...] = ({}, {}, {"rule": "r1"}, {"reason": "rule:r0"})
MANY = 50
PHONES = [f"+2010012345{number}" for number in range(10, 99)]


def worker(core: InProcessGateway) -> JobWorker:
    return JobWorker(core.store, core.pipeline, core.clock, row_key(CHECKPOINT_KEY))


async def started(core: InProcessGateway, kind: JobKind, chosen: dict[str, Any] | None = None) -> Job:
    matched, above = await count_matching(core.store, kind, chosen or {})
    return await core.send(StartJob(SAM, kind, chosen or {}, "", matched, above))


async def as_stored(core: InProcessGateway, job: Job) -> Job:
    found = await stored_job(core.store, job.job_id)
    assert found is not None
    return found.job


async def worked_off(core: InProcessGateway, job: Job, limit: int = MANY) -> Job:
    while await worker(core).work(limit):
        pass
    return await as_stored(core, job)


async def doubts(core: InProcessGateway, count: int) -> None:
    """As many questions: two that share an address and differ in their numbers, each."""
    for number in range(count):
        for side in (0, 1):
            await core.send(
                customer(f"web:{number}-{side}", email=f"{number}@x.eg", mobile=PHONES[2 * number + side])
            )


async def ask_about(core: InProcessGateway, pairs: set[tuple[int, int]]) -> None:
    """Whether each of these pairs of profiles is one person."""

    def ask(ws: WorkingSet) -> None:
        for pair in sorted(pairs):
            if ws.review_of(pair) is None:
                rule = f"r{len(ws.opened) % 2}"
                item = ReviewItem(ws.next_id(), *pair, "open", f"rule:{rule}", rule, ("email",), ws.now)
                ws.keep_review(item)
        log(ws, 1)

    await run(core.store, ask, lambda ws: ws.profiles.want_all({one for pair in pairs for one in pair}))


@pytest.fixture
async def core(tmp_path: Path) -> AsyncGenerator[InProcessGateway]:
    async with InProcessGateway(tmp_path) as running:
        yield running


async def open_questions(core: InProcessGateway) -> list[int]:
    """Newest first."""
    return await core.column("SELECT review_id FROM review WHERE state = 'open' ORDER BY 1 DESC")


@settings(max_examples=15, deadline=None, suppress_health_check=ANY_HEALTH)
@given(
    st.lists(two, max_size=6),
    st.lists(two, min_size=4, max_size=9),
    st.sampled_from(KINDS),
    st.sampled_from(FILTERS),
)
def test_a_dry_run_predicts_what_the_job_does(
    merged: list[tuple[int, int]],
    asked: list[tuple[int, int]],
    kind: JobKind,
    chosen: dict[str, str],
) -> None:
    async def play() -> None:
        env = environment(subscribers=dict.fromkeys(TOPICS, ("crm",)), forwards=True)
        with tempfile.TemporaryDirectory() as directory:
            async with InProcessGateway(Path(directory), env) as core:
                world = World(core)
                for number in range(8):
                    await core.send(
                        customer(f"{('web', 'pos')[number % 2]}:{number}", email=f"{number}@x.eg")
                    )
                for places in merged:
                    await world.take(("merge", places))
                pairs = [sorted(await world.live(*places)) for places in asked]
                await ask_about(core, {(a, b) for a, b in pairs if a < b})
                await see(core, kind, {} if kind == "undo_merges" else chosen)

    asyncio.run(play())


async def see(core: InProcessGateway, kind: JobKind, chosen: dict[str, str]) -> None:
    """First as many steps as one transaction can see, and then the rest."""
    core.clock.advance(1_000)
    found, _ = await matching(core.store, kind, chosen, (1 << 63) - 1, MANY)
    items = tuple(id_of(kind, one) for one in found)
    before, rows = await State.of(core), await everything(core)
    command = RehearseJob(SAM, kind, chosen, "", items)
    known, _ = await rehearsed(core.pipeline, command)
    made, told = await core.pipeline.preview(command)
    if len(made) < len(items):
        made, told = await core.pipeline.preview(replace(command, items=items[: len(made)]))
    assert await everything(core) == rows
    job = await started(core, kind, chosen)
    assert job.matched == len(items)
    if not made:
        return
    await worker(core).work(len(made))
    check(told, before, await State.of(core))
    job = await as_stored(core, job)
    results = Counter(step.result for step in made)
    assert (job.done, job.refused) == (results["done"], results["refused"])
    assert job.closed == sum(step.closed for step in made) >= results["passed"]
    job = await worked_off(core, job)
    assert (job.state, job.done + job.refused + job.closed, job.passed) == ("done", len(items), 0)
    assert [known[item].result for item in items if item in known] == [
        result for item, result in (await results_of(core, job, items)).items() if item in known
    ]


async def results_of(core: InProcessGateway, job: Job, items: tuple[int, ...]) -> dict[int, str]:
    """What the job did to each thing, by its events; what it closed beside was passed."""
    of_merges = job.kind == "undo_merges"
    sql = f"SELECT object FROM audit WHERE action LIKE '{'identity.split' if of_merges else 'review.%'}' AND request_id = ?"
    changed = await core.column(sql, show("job", job.job_id))
    closed = await core.column("SELECT review_id FROM review WHERE state <> 'open'")
    unchanged = {item: "passed" if not of_merges and item in closed else "refused" for item in items}
    prefix: Prefix = "mrg" if of_merges else "rev"
    return {item: "done" if show(prefix, item) in changed else told for item, told in unchanged.items()}


# ---- steps that fail ----

KIM = replace(SAM, actor="operator:kim", request_id="req_kim")
ANN = replace(SAM, actor="operator:ann", request_id="req_ann")


def poison(monkeypatch: pytest.MonkeyPatch, review_id: int) -> None:
    """An answer to this question meets a mistake in the code."""
    kind = job_steps.KINDS["accept_reviews"]

    def answer(command: AnswerReview, ws: WorkingSet, env: Env) -> object:
        if command.review_id == review_id:
            raise KeyError
        return kind.change(command, ws, env)

    monkeypatch.setitem(job_steps.KINDS, "accept_reviews", kind._replace(change=answer))


async def test_a_step_that_raises_is_tried_again_and_then_the_job_fails_while_others_run(
    core: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await doubts(core, 2)
    newest, oldest = await open_questions(core)
    with monkeypatch.context() as broken, capture_logs():
        poison(broken, newest)
        job = await started(core, "accept_reviews")
        other = await started(core, "reject_reviews", {"rule": "none"})
        pauses: list[int] = []
        while (job := await as_stored(core, job)).state == "running":
            core.clock.time = max(core.clock.time, job.due_at)
            await worker(core).work(MANY)
            pauses.append((await as_stored(core, job)).due_at - core.clock.now())
            if len(pauses) == 1:
                assert await worker(core).work(MANY)
                assert (await as_stored(core, other)).state == "done"
    assert pauses[:-1] == [2_000, 4_000, 8_000, 16_000, 32_000]
    assert job.why == f"{show('rev', newest)}: KeyError, {MOST_FAILURES} times"
    assert (job.state, job.done, job.run_by) == ("failed", 0, "operator:sam")
    assert await open_questions(core) == [newest, oldest]
    assert not await worker(core).work(MANY)
    resumed = await core.send(ResumeJob(KIM, job))
    assert (resumed.state, resumed.why, resumed.failures, resumed.ended_at) == ("running", "", 0, None)
    assert isinstance(await core.send(ResumeJob(KIM, job)), Refused)
    job = await worked_off(core, job)
    assert (job.state, job.done, job.created_by, job.run_by) == ("done", 2, "operator:sam", "operator:kim")
    told = await core.rows(
        "SELECT action, actor, outcome FROM audit WHERE action LIKE 'job.%' AND object = ?",
        show("job", job.job_id),
    )
    assert told == [
        ("job.started", "operator:sam", "ok"),
        ("job.failed", "gateway", "failed"),
        ("job.resumed", "operator:kim", "running"),
        ("job.ended", "operator:kim", "done"),
    ]
    answered = await core.column("SELECT actor FROM audit WHERE action = 'review.accepted'")
    assert answered == ["operator:kim"] * 2


async def failed(core: InProcessGateway, monkeypatch: pytest.MonkeyPatch, poisoned: int) -> Job:
    """A job that fails at this question."""
    with monkeypatch.context() as broken, capture_logs():
        poison(broken, poisoned)
        job = await started(core, "accept_reviews")
        while (job := await as_stored(core, job)).state == "running":
            core.clock.time = max(core.clock.time, job.due_at)
            await worker(core).work(MANY)
    return job


async def test_a_job_that_is_resumed_may_leave_out_the_one_thing_that_makes_it_fail(
    core: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await doubts(core, 3)
    newest, middle, oldest = await open_questions(core)
    job = await failed(core, monkeypatch, middle)
    assert (job.stuck_at, job.before, job.done) == (middle, newest, 1)
    resumed = await core.send(ResumeJob(KIM, job, skip=True))
    assert (resumed.state, resumed.before, resumed.skipped, resumed.stuck_at) == ("running", middle, 1, None)
    job = await worked_off(core, job)
    assert (job.state, job.done, job.skipped, job.passed) == ("done", 2, 1, 0)
    assert await open_questions(core) == [middle]
    told = await core.column(
        "SELECT detail FROM audit WHERE action IN ('job.resumed', 'job.ended') ORDER BY event_id"
    )
    details = [msgspec.json.decode(one) for one in told]
    assert [(one.get("skip"), one["skipped"]) for one in details] == [(show("rev", middle), 1), (None, 1)]
    assert oldest not in await open_questions(core)


async def test_nothing_is_left_out_where_no_single_thing_failed(
    core: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await doubts(core, 1)
    job = await started(core, "accept_reviews")
    for _ in range(MOST_FAILURES):
        job = await core.send(DelayJob(SAM, job, "below: KeyError"))
        assert isinstance(job, Job)
    refused = await core.send(ResumeJob(SAM, job, skip=True))
    assert isinstance(refused, Refused)
    assert refused.code == "nothing_to_skip"
    assert (await as_stored(core, job)).state == "failed"


async def test_one_failure_that_passes_delays_a_job_and_counts_no_more(
    core: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await doubts(core, 2)
    newest, _ = await open_questions(core)
    with monkeypatch.context() as broken, capture_logs():
        poison(broken, newest)
        job = await started(core, "accept_reviews")
        await worker(core).work(MANY)
    assert not await worker(core).work(MANY)
    core.clock.advance(2_000)
    job = await worked_off(core, job)
    assert (job.state, job.done, job.failures, job.why) == ("done", 2, 0, "")


async def test_a_failed_job_can_be_cancelled(core: InProcessGateway) -> None:
    await doubts(core, 1)
    job = await started(core, "accept_reviews")
    for _ in range(MOST_FAILURES):
        job = await core.send(DelayJob(SAM, job, "the end: KeyError"))
        assert isinstance(job, Job)
    assert job.state == "failed"
    assert isinstance(await core.send(DelayJob(SAM, job, "")), Refused)
    assert (await core.send(CancelJob(SAM, job.job_id))).state == "cancelled"
    assert isinstance(await core.send(ResumeJob(SAM, job)), Refused)


# ---- in whose name, and what was confirmed ----


async def test_a_job_stops_when_its_operator_is_removed_and_another_one_may_take_it_over(
    core: InProcessGateway,
) -> None:
    await doubts(core, 2)
    await core.send(
        AddOperator(SAM, StoredOperator("ann", "steward", b"hash", core.clock.now(), "operator:sam"))
    )
    matched, above = await count_matching(core.store, "reject_reviews", {})
    job = await core.send(StartJob(ANN, "reject_reviews", {}, "", matched, above))
    await worker(core).work(1)
    core.clock.advance(1_000)
    await core.send(RemoveOperator(SAM, "ann"))
    job = await worked_off(core, job)
    assert (job.state, job.done) == ("failed", 1)
    assert job.why.startswith("operator:ann was removed")
    assert len(await open_questions(core)) == 1
    await core.send(ResumeJob(KIM, job))
    job = await worked_off(core, job)
    assert (job.state, job.done, job.run_by) == ("done", 2, "operator:kim")
    assert await core.column("SELECT actor FROM audit WHERE action = 'review.rejected'") == [
        "operator:ann",
        "operator:kim",
    ]


async def test_a_job_changes_no_more_than_was_counted_and_nothing_above_its_start(
    core: InProcessGateway,
) -> None:
    await doubts(core, 3)
    newest, middle, oldest = await open_questions(core)
    job = await core.send(StartJob(SAM, "reject_reviews", {}, "", 1, newest))
    await core.send(WorkJob(SAM, job, newest))
    assert await open_questions(core) == [newest, middle, oldest]
    job = await worked_off(core, job)
    assert (job.state, job.done) == ("done", 1)
    assert await open_questions(core) == [newest, oldest]


async def test_a_question_that_was_opened_again_is_left_to_a_person(core: InProcessGateway) -> None:
    await doubts(core, 1)
    (asked,) = await open_questions(core)
    job = await started(core, "reject_reviews")
    core.clock.advance(1_000)

    def again(ws: WorkingSet) -> None:
        item = ws.review_items[asked]
        assert item is not None
        ws.reopen_review(item)
        log(ws, 1)

    await run(core.store, again, lambda ws: ws.review_items.want(asked))
    job = await worked_off(core, job)
    assert (job.done, job.passed) == (0, 1)
    assert await open_questions(core) == [asked]


async def test_a_step_that_names_another_job_than_the_stored_one_is_refused(core: InProcessGateway) -> None:
    await doubts(core, 1)
    (asked,) = await open_questions(core)
    job = await started(core, "reject_reviews")
    for other in (
        replace(job, kind="accept_reviews"),
        replace(job, filter={"rule": "x"}),
        replace(job, above=1),
    ):
        outcome = await core.send(WorkJob(SAM, other, asked))
        assert isinstance(outcome, Refused)
        assert outcome.code == "job_over"
    assert await open_questions(core) == [asked]


async def test_two_workers_on_one_job_do_each_thing_once(core: InProcessGateway) -> None:
    await doubts(core, 9)
    job = await started(core, "reject_reviews")
    workers = [worker(core), worker(core)]
    while any(await asyncio.gather(*(one.work(4) for one in workers))):
        pass
    job = await as_stored(core, job)
    assert (job.state, job.done, job.passed) == ("done", 9, 0)
    assert len(await core.column("SELECT 1 FROM audit WHERE action = 'review.rejected'")) == 9
    assert await core.column("SELECT 1 FROM audit WHERE action = 'job.ended'") == [1]
