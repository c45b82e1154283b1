"""What a collector learns of work that no call waits for: jobs, walks, searches; and of the chunks of an import."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.http.admin.test_bulk import begin, doubts
from tests.support.admin_api import ask
from tests.support.admin_rules import rule_text
from tests.support.collector import Collector, Received, collecting
from tests.support.import_chunks import IMPORT, bring, chunk

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.running_gateway import RunningGateway, Start


@pytest.fixture
async def collector() -> AsyncGenerator[Collector]:
    async with collecting(Collector()) as running:
        yield running


@pytest.fixture
async def gateway(start: Start, collector: Collector) -> AsyncGenerator[RunningGateway]:
    async with start(collector.settings) as running:
        yield running


async def whole(collector: Collector, name: str) -> tuple[Received, list[Received]]:
    """The span of all of the work, and those under it, in the order of their ends."""
    await collector.until(lambda: any(one.name == name for one in collector.spans))
    (found,) = [one for one in collector.spans if one.name == name]
    parts = [one for one in collector.spans if one.parent_id == found.span_id]
    assert {one.trace_id for one in parts} == {found.trace_id}
    assert all(found.began <= one.began <= one.ended <= found.ended + 1_000_000 for one in parts)
    return found, parts


async def test_a_job_is_one_span_over_its_changes(gateway: RunningGateway, collector: Collector) -> None:
    await doubts(gateway, 2)
    job = (await begin(gateway, "reviews/reject", since="1h"))["id"]
    found, parts = await whole(collector, "job reject_reviews")
    assert (found.parent_id, found.kind, found.failed) == ("", "internal", False)
    assert found.attributes == {
        "gateway.job.id": job,
        "gateway.job.kind": "reject_reviews",
        "gateway.job.done": 2,
        "gateway.job.refused": 0,
        "gateway.job.passed": 0,
    }
    assert {one.name for one in parts} == {"job changes"}
    assert sum(one.attributes["gateway.job.changes"] for one in parts) == 2


async def test_a_walk_is_one_span_over_its_steps(gateway: RunningGateway, collector: Collector) -> None:
    await bring(gateway, chunk(["a", "ann@x.eg"], ["b", "ann@x.eg"]))
    stored = await ask(gateway, "POST", "rules", 201, json={"text": rule_text("2")})
    await ask(gateway, "POST", f"rules/{stored['version']}/activate")
    found, parts = await whole(collector, "regrouping rules")
    assert found.attributes["gateway.regrouping.scope"] == "rules"
    assert found.attributes["gateway.regrouping.looked"] >= 1
    assert {one.name for one in parts} == {"regrouping step"}


async def test_a_search_is_under_the_call_that_started_it(
    gateway: RunningGateway, collector: Collector
) -> None:
    await bring(gateway, chunk(["a", "ann@x.eg"], ["b", "ann@x.eg"]))
    search = (await ask(gateway, "POST", "suggestions/searches"))["id"]
    while (await ask(gateway, "GET", f"suggestions/searches/{search}"))["state"] == "running":  # noqa: ASYNC110 - a process of its own searches
        await asyncio.sleep(0.1)
    await collector.until(lambda: any(one.name == "search" for one in collector.spans))
    (call,) = [one for one in collector.spans if one.name == "POST /admin/v1/suggestions/searches"]
    found = [one for one in collector.of(call.trace_id) if one.name.startswith("search")]
    assert {one.parent_id for one in found} == {call.span_id}
    assert {one.attributes["gateway.search.id"] for one in found} == {search}
    assert {one.name for one in found} > {"search"}


async def test_a_chunk_of_an_import_is_under_its_call(gateway: RunningGateway, collector: Collector) -> None:
    await bring(gateway, chunk(["a", "ann@x.eg"], ["b", "bob@x.eg"]))
    await collector.until(lambda: [one for one in collector.spans if "/imports/" in one.name])
    (call,) = [one for one in collector.spans if "/imports/" in one.name]
    (found,) = [one for one in collector.of(call.trace_id) if one.name == "import"]
    assert found.parent_id == call.span_id
    assert found.attributes == {"gateway.import.id": IMPORT, "gateway.import.lines": 2}
