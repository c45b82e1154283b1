"""Runs a search for suggestions: a process of its own computes on a snapshot (`gateway.processes.search`) and tells how far it is;
what it finds becomes questions, the most certain first, until the day's number is reached."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process

import msgspec
import structlog
from msgspec.structs import replace

from gateway.errors import GatewayError
from gateway.ids import show
from gateway.model import (
    Caller,
    Comparison,
    EndSearch,
    Foreseen,
    MergeScored,
    NoteSearch,
    Search,
    Suggest,
    Suggestion,
)
from gateway.pipeline import Pipeline
from gateway.store import Store
from gateway.store.queries.suggestions import opened_today, search
from gateway.telemetry.tracing import Tracing
from gateway.workers.spans import SearchSpans
from rules.ruleset import RuleSet

_log = structlog.get_logger("search")
_LONGEST_SECONDS = 3_600.0
_LAST_SECONDS = 5.0
"""For the end of a search that is cancelled. The pipeline may be gone already; a search without an end is found later."""
_LONGEST_LINE = 64 << 20
MOST_FORESEEN = 1_000
NO_MODEL = "the extra `suggest` is not installed: only near values were compared"


class Progress(msgspec.Struct, tag=True):
    """What the search is doing now."""

    stage: str
    records: int = 0
    candidates: int = 0


class FoundPair(msgspec.Struct):
    record_a: int
    record_b: int
    reason: str
    certainty: int
    points: int
    comparisons: list[Comparison]
    others: int = 0


class Findings(msgspec.Struct, tag=True):
    """`pairs` are the most certain first, `found` are all that were certain enough, `merges` those that
    a score joins. Without a `model`, only near values were
    compared."""

    records: int
    candidates: int
    found: int
    labels: int
    has_extra: bool
    model: str
    data: str
    weights: dict[str, dict[str, int]]
    pairs: list[FoundPair]
    merges: list[FoundPair]


class Searcher:
    """One search, from its start to its end."""

    def __init__(
        self,
        store: Store,
        pipeline: Pipeline,
        url: str,
        rules: RuleSet,
        caller: Caller,
        search: Search,
        tracing: Tracing | None = None,
    ) -> None:
        self._store, self._pipeline, self._url, self._rules = store, pipeline, url, rules
        self._started_by, self._search = caller, search
        self._caller = Caller("", "", caller.actor, show("srh", search.search_id), "operator")
        self._spans = SearchSpans(tracing, caller, search.search_id)

    async def run(self, now: int) -> None:
        """A search that fails, or is cancelled, ends as failed, with the reason."""
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                findings = await self._compute(now)
                await self._act(findings, now)
            await self._end()
        except asyncio.CancelledError:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_SECONDS):
                    await self._end("the gateway stopped")
            raise
        except TimeoutError:
            await self._end("took longer than an hour")
        except (_Died, GatewayError, OSError, msgspec.MsgspecError) as error:
            _log.exception("search_failed", error=type(error).__name__)
            await self._end(
                str(error) if isinstance(error, _Died) else f"{type(error).__name__}; the log has more"
            )

    async def _end(self, failure: str = "") -> None:
        self._spans.end("failed" if failure else "")
        if failure:
            self._search = replace(self._search, state="failed", failure=failure)
        await self._pipeline.submit(EndSearch(self._started_by, self._search))

    async def _compute(self, now: int) -> Findings:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "gateway.processes.search", str(now)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,  # a traceback may quote personal data
            limit=_LONGEST_LINE,
        )
        try:
            return await self._listen(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _listen(self, process: Process) -> Findings:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("the process was started with pipes")
        process.stdin.write(f"{self._url}\n{self._rules.text}".encode())
        process.stdin.close()
        async for line in process.stdout:
            told = msgspec.json.decode(line, type=Progress | Findings)
            if isinstance(told, Findings):
                return told
            await self._note(told.stage, records=told.records, candidates=told.candidates)
        raise _Died(
            f"the process ended with exit code {await process.wait()}; is there memory for all records?"
        )

    async def _note(self, stage: str, **known: int) -> None:
        self._spans.begin_stage(stage)
        self._search = replace(
            self._search, stage=stage, **{name: count for name, count in known.items() if count}
        )
        await self._pipeline.submit_background(NoteSearch(self._search))

    async def _act(self, findings: Findings, now: int) -> None:
        self._search = replace(
            self._search,
            records=findings.records,
            candidates=findings.candidates,
            found=findings.found,
            labels=findings.labels,
            model=findings.model,
            data=findings.data,
            weights=findings.weights,
        )
        room = max(0, self._rules.suggest.per_day - await opened_today(self._store, now))
        if self._search.dry:
            self._foresee(findings, room)
        else:
            await self._merge(findings)
            await self._ask(findings, room)
        failure = "" if findings.has_extra else NO_MODEL
        self._search = replace(self._search, state="done", stage="done", failure=failure)

    def _foresee(self, findings: Findings, room: int) -> None:
        asked = findings.pairs[:room]
        pairs = [(one, True) for one in findings.merges] + [(one, False) for one in asked]
        shown = tuple(
            Foreseen(one.record_a, one.record_b, one.certainty, merges)
            for one, merges in pairs[:MOST_FORESEEN]
        )
        self._search = replace(self._search, merged=len(findings.merges), opened=len(asked), foreseen=shown)

    async def _merge(self, findings: Findings) -> None:
        if findings.merges:
            await self._note("merging")
        for pair in findings.merges:
            question = self._question(pair)
            command = MergeScored(question, self._rules.version, findings.model, findings.data)
            await self._pipeline.submit_background(command)
        if findings.merges:
            await self._know_counts()

    async def _know_counts(self) -> None:
        """Where a merge became a question, both counts differ from what was found."""
        known = await search(self._store, self._search.search_id)
        if known is not None:
            self._search = replace(self._search, merged=known.merged, opened=known.opened)

    async def _ask(self, findings: Findings, room: int) -> None:
        await self._note("asking")
        for pair in findings.pairs:
            if self._search.opened >= room:
                break
            outcome = await self._pipeline.submit_background(self._question(pair))
            self._search = replace(self._search, opened=self._search.opened + outcome.changed)

    def _question(self, pair: FoundPair) -> Suggest:
        suggestion = Suggestion(
            pair.record_a,
            pair.record_b,
            0,
            self._search.search_id,
            pair.certainty,
            pair.points,
            tuple(pair.comparisons),
            pair.others,
        )
        levels = tuple(f"{one.what}:{one.level}" for one in pair.comparisons if one.weight > 0)
        return Suggest(self._caller, suggestion, pair.reason, levels)


class _Died(Exception):
    """The process ended without findings."""
