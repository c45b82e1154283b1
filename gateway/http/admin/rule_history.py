"""Rule sets over time: how two of them differ, what each rule did, and the plan that was made of one."""

import asyncio
import difflib
from itertools import groupby
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.config.notation import duration_text
from gateway.errors import Refusal
from gateway.http.admin.activity import period, step_of
from gateway.http.admin.listing import Query
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.plan import CaseView, PlanCounts, SampleView, samples
from gateway.http.admin.rules import known_rule_set
from gateway.http.admin.times import Time, When, shown
from gateway.store.queries.activity import HappeningCount, hits, rule_span_of
from gateway.store.queries.operators import plan_of

_AROUND = 3
_MOST_LINES = 5_000
_MOST_SPANS = 200


class DiffQuery(Query, kw_only=True):
    a: Annotated[str, Meta(description="a version", min_length=1, max_length=200)]
    b: Annotated[str, Meta(description="another version", min_length=1, max_length=200)]


class DiffLine(msgspec.Struct):
    """A line that only `a` has is `removed`, one that only `b` has is `added`. The others are around these; lines further away
    are left out. The numbers count from 1."""

    kind: Literal["same", "removed", "added"]
    a: int | None
    b: int | None
    text: str


class RuleDiff(msgspec.Struct):
    """`lines` is empty if both texts are the same."""

    a: str
    b: str
    lines: list[DiffLine]


class StatsQuery(Query, kw_only=True):
    since: When = ""
    until: When = ""
    step: Annotated[str, Meta(description="1h, 6h, 1d …: whole hours or days", max_length=20)] = "1d"


class RuleHits(msgspec.Struct, kw_only=True):
    """What a rule decided in the step that begins at `at`: records that it `created` or `attached`, profiles that it `merged`,
    `reviews` that it asked, and what was `kept_apart` although it matched."""

    at: Time
    rule: str
    created: int = 0
    attached: int = 0
    merged: int = 0
    reviews: int = 0
    kept_apart: int = 0


class RuleStats(msgspec.Struct):
    """`items` are in the order of time, then of the names of the rules; a step in which a rule did nothing is left out. Each begins
    at a multiple of `step` (UTC)."""

    version: str
    since: Time
    until: Time
    step: str
    items: list[RuleHits]


class StoredPlan(msgspec.Struct):
    """The newest plan of a rule set's content: its counts, and as samples the cases with the most points."""

    version: str
    sha256: str
    planned_at: Time
    planned_by: str
    counts: PlanCounts
    cases: list[SampleView]


async def diff_rules(call: Call[DiffQuery]) -> RuleDiff:
    a, b = [
        (await known_rule_set(call.services.store, version)).rule_set.text.splitlines()
        for version in (call.query.a, call.query.b)
    ]
    if max(len(a), len(b)) > _MOST_LINES:
        raise Refusal(
            "bad_parameter", f"a rule set has more than {_MOST_LINES:,} lines; compare the files with diff"
        )
    return RuleDiff(call.query.a, call.query.b, await asyncio.to_thread(_diff, a, b))


def _diff(a: list[str], b: list[str]) -> list[DiffLine]:
    lines: list[DiffLine] = []
    for group in difflib.SequenceMatcher(None, a, b).get_grouped_opcodes(_AROUND):
        for what, a_from, a_to, b_from, b_to in group:
            if what == "equal":
                pairs = zip(range(a_from, a_to), range(b_from, b_to), strict=True)
                lines += [DiffLine("same", one + 1, other + 1, a[one]) for one, other in pairs]
            else:
                lines += [DiffLine("removed", one + 1, None, a[one]) for one in range(a_from, a_to)]
                lines += [DiffLine("added", None, one + 1, b[one]) for one in range(b_from, b_to)]
    return lines


async def show_rule_stats(call: Call[StatsQuery]) -> RuleStats:
    query, services, version = call.query, call.services, call.request.match_info["version"]
    known = await known_rule_set(services.store, version)
    span = rule_span_of(step := step_of(query.step, "1d"))
    if not span:
        raise Refusal("bad_parameter", "step: is not whole hours; write 1h, 6h or 1d")
    since, until = period(query.since, query.until, step, span, services.clock.now(), _MOST_SPANS)
    found = await hits(services.store, known.rule_set.sha256[:16], since, until, step)
    items = [_hits(*key, list(some)) for key, some in groupby(found, lambda one: (one.at, one.of))]
    return RuleStats(version, shown(since), shown(until), duration_text(step), items)


def _hits(at: int, rule: str, found: list[HappeningCount]) -> RuleHits:
    known = RuleHits.__struct_fields__
    return RuleHits(at=shown(at), rule=rule, **{one.what: one.number for one in found if one.what in known})


async def show_plan(call: Call[Query]) -> StoredPlan:
    version, store = call.request.match_info["version"], call.services.store
    rule_set = (await known_rule_set(store, version)).rule_set
    plan = await plan_of(store, rule_set.sha256)
    if plan is None:
        raise Refusal(
            "not_found", f"no plan of rule set {version} was made; make one: gateway rules plan FILE"
        )
    return StoredPlan(
        version,
        plan.sha256,
        shown(plan.planned_at),
        plan.planned_by,
        msgspec.json.decode(plan.summary, type=PlanCounts),
        await samples(call.services, msgspec.json.decode(plan.cases, type=list[CaseView])),
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/rules/diff",
        handler=diff_rules,
        role="viewer",
        summary="How the texts of two rule sets differ, line by line",
        query=DiffQuery,
        answer=RuleDiff,
        refusals=("rules_unknown",),
    ),
    Operation(
        method="GET",
        path="/rules/{version}/stats",
        handler=show_rule_stats,
        role="viewer",
        summary="What each rule of a rule set did, by time",
        query=StatsQuery,
        answer=RuleStats,
        refusals=("rules_unknown",),
    ),
    Operation(
        method="GET",
        path="/rules/{version}/plan",
        handler=show_plan,
        role="viewer",
        summary="The newest plan that was made of a rule set's content",
        answer=StoredPlan,
        refusals=("rules_unknown", "not_found"),
    ),
)
