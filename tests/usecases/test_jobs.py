"""Jobs: a rehearsal tells what the job does right after it, and a job runs only as it was started."""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import (
    Job,
    JobKind,
    RehearseJob,
    ReviewItem,
    StartJob,
)
from gateway.store.queries.jobs import job as stored_job
from gateway.store.queries.matching import count_matching, id_of, matching
from gateway.store.vouching import row_key
from gateway.workers.jobs import JobWorker
from gateway.workingset import WorkingSet
from tests.store.conformance import log, run
from tests.support.in_process_gateway import CHECKPOINT_KEY, InProcessGateway, customer, environment
from tests.support.properties import ANY_HEALTH
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
    return found


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


@settings(max_examples=25, deadline=None, suppress_health_check=ANY_HEALTH)
@given(
    st.lists(two, max_size=4),
    st.lists(two, min_size=4, max_size=9),
    st.sampled_from(KINDS),
    st.sampled_from(FILTERS),
)
def test_a_rehearsal_tells_what_the_job_does_right_after(
    merged: list[tuple[int, int]],
    asked: list[tuple[int, int]],
    kind: JobKind,
    chosen: dict[str, str],
) -> None:
    async def play() -> None:
        env = environment(listeners=dict.fromkeys(TOPICS, ("crm",)), forwards=True)
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
    core.clock.advance(1_000)
    found, _ = await matching(core.store, kind, chosen, (1 << 63) - 1, MANY)
    items = tuple(id_of(kind, one) for one in found)
    before, rows = await State.of(core), await everything(core)
    made, told = await core.pipeline.preview(RehearseJob(SAM, kind, chosen, "", items))
    if len(made) < len(items):
        made, told = await core.pipeline.preview(RehearseJob(SAM, kind, chosen, "", items[: len(made)]))
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
    if len(made) == len(items):
        assert (job.state, job.closed, job.passed) == ("done", results["passed"], 0)
