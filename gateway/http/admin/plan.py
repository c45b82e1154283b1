"""A plan of a rule set: its effect on all known customers, before it merges any. Nothing is changed (I21).

A separate process computes it (`gateway.processes.plan`). The store only records that a plan of exactly this content was made.
"""

import asyncio
import contextlib
import sys
from collections.abc import Sequence

import msgspec

from gateway.errors import Refusal
from gateway.http.admin.listing import Query
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.people import people
from gateway.http.admin.rules import RuleText, text_of, usable
from gateway.http.services import Services
from gateway.ids import read, show
from gateway.model import NotePlan
from gateway.store.queries.profiles import count_claims
from rules.plan import Plan, PlannedChange
from rules.ruleset import RuleSet

_PATIENCE_SECONDS = 900.0


class CaseView(msgspec.Struct):
    """One change with its reason: `merge`, `split`, `blocked` or `review`. `records` are those that move, or between which the
    reason was found. `points` would change hands."""

    kind: str
    profiles: list[str]
    records: list[str]
    points: int
    rule: str
    types: list[str]
    guard: str


class SampleView(CaseView):
    """A case with the people of its profiles: their names, or else their customer ids. These are looked up when they are shown, so
    nothing of an erased person is kept with a plan."""

    people: list[str]


class PlanCounts(msgspec.Struct):
    """Numbers of profiles. `reviews` are questions, `largest` is the number of records on the largest profile, `points` change
    hands. `by_score` are the merges that the first search would make by itself; null unless a score may merge."""

    profiles_before: int
    profiles_after: int
    merged: int
    split: int
    blocked: int
    in_review: int
    reviews: int
    largest_before: int
    largest: int
    points: int
    by_score: int | None = None


class PlanView(msgspec.Struct):
    """`cases` are samples, those with the most points first; the counts cover all profiles. `claims` are identifiers that no
    trusted source has stated; rules ignore them."""

    version: str
    sha256: str
    counts: PlanCounts
    claims: int
    cases: list[SampleView]


async def plan_rules(call: Call[Query]) -> PlanView:
    rules = await usable(call, await text_of(call))
    if call.services.plan_lock.locked():
        raise Refusal("plan_running", "another plan is being made; send this one when it is done")
    async with call.services.plan_lock:
        found = await _plan(call.services, rules)
    counts = PlanCounts(*(getattr(found, name) for name in PlanCounts.__struct_fields__))
    cases = [_case(case) for case in found.cases]
    summary, kept = (msgspec.json.encode(part).decode() for part in (counts, cases))
    await call.submit(NotePlan(call.caller, rules.sha256, rules.version, summary, kept))
    claims = await count_claims(call.services.store)
    return PlanView(rules.version, rules.sha256, counts, claims, await samples(call.services, cases))


async def samples(services: Services, cases: Sequence[CaseView]) -> list[SampleView]:
    numbers = {text: read("prf", text) or 0 for case in cases for text in case.profiles}
    named = await people(services, numbers.values())
    return [
        SampleView(
            *msgspec.structs.astuple(case), people=[named.get(numbers[text], "") for text in case.profiles]
        )
        for case in cases
    ]


async def _plan(services: Services, rules: RuleSet) -> Plan:
    thinking = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "gateway.processes.plan",
        str(services.clock.now()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # a traceback may quote personal data
    )
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            told, _ = await thinking.communicate(f"{services.config.store.url}\n{rules.text}".encode())
    except TimeoutError:
        raise _failed("took longer than 15 minutes") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            thinking.kill()
        await thinking.wait()
    if thinking.returncode:
        raise _failed(f"ended with exit code {thinking.returncode}")
    return msgspec.json.decode(told, type=Plan)


def _failed(how: str) -> Refusal:
    return Refusal("plan_failed", f"the plan {how}; nothing was stored. Is there memory for all records?")


def _case(case: PlannedChange) -> CaseView:
    return CaseView(
        case.kind,
        [show("prf", profile_id) for profile_id in case.profiles],
        [show("rec", record_id) for record_id in case.records],
        case.points,
        case.rule,
        list(case.types),
        case.guard,
    )


OPERATIONS = (
    Operation(
        method="POST",
        path="/rules/plan",
        handler=plan_rules,
        role="admin",
        summary="What a rule file would change: merges, splits, blocks and questions; nothing is changed",
        body=RuleText,
        plain_text=True,
        answer=PlanView,
        refusals=("bad_rules", "plan_running", "plan_failed"),
    ),
)
