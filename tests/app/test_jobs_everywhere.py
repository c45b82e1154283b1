"""A job on two gateways that share a database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.http.admin.test_bulk import begin, doubts, waiting
from tests.http.admin.test_jobs import by_steps, events, some
from tests.support.admin_api import ask

if TYPE_CHECKING:
    from tests.support.running_gateway import Start

__all__ = ["by_steps"]


@pytest.fixture
def engine() -> str:
    return "postgres"


@pytest.mark.usefixtures("by_steps")
async def test_two_gateways_that_work_on_one_job_do_each_item_once(start: Start) -> None:
    """As if each took itself for the leader."""
    async with start() as one, start() as other:
        asked = await doubts(one, 9)
        job = (await begin(one, "reviews/reject", since="1h"))["id"]
        while any(await asyncio.gather(some(one, 3), some(other, 3))):
            pass
        done = await ask(other, "GET", f"jobs/{job}")
        assert (done["state"], done["done"], done["passed"], done["failures"]) == ("done", 9, 0, 0)
        assert await waiting(one) == []
        answers = await events(other, action="review.rejected", request_id=job)
        assert sorted(event["object"] for event in answers) == sorted(asked)
        assert len(await events(one, action="job.ended")) == 1


async def test_a_job_that_one_gateway_started_is_finished_by_the_other(start: Start) -> None:
    async with start() as one:
        await doubts(one, 2)
        async with start() as other:
            job = (await begin(one, "reviews/reject", since="1h"))["id"]
            async with asyncio.timeout(20):
                while (await ask(other, "GET", f"jobs/{job}"))["state"] == "running":  # noqa: ASYNC110 - it works in the background
                    await asyncio.sleep(0.02)
            assert await waiting(other) == []
