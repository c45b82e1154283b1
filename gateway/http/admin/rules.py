"""Rule sets: check, store under a version, activate, and activate an earlier one to roll back.

A rule set that requires a dry run (`activation = "after_dry_run"`, the default) cannot be activated before its plan was made.
"""

import asyncio
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.errors import Refusal
from gateway.http.admin.listing import Id, ListQuery, Page, Query, page, read_cursor
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.problem import RuleProblems
from gateway.http.admin.times import Time, shown, shown_or_none
from gateway.http.services import Services
from gateway.model import ActivateRules, Done, Regrouping, StoredRuleSet, StoreRules
from gateway.store import Store
from gateway.store.queries import operators as queries
from gateway.store.queries.operators import KnownRuleSet
from gateway.store.queries.profiles import has_customers
from gateway.store.tables.regrouping import newest_regroupings
from rules.language.parse import parse
from rules.language.problems import Problem
from rules.language.references import named_id_spaces, unknown_id_spaces
from rules.ruleset import RuleSet


class RuleText(msgspec.Struct, forbid_unknown_fields=True):
    text: str


class StoreQuery(Query, kw_only=True):
    activate: Annotated[
        bool, Meta(description='needs a plan of it, or activation = "immediate" in the file')
    ] = False


class RegroupingView(msgspec.Struct):
    """The regrouping after the last activation: `looked` of about `total` profiles were examined. Profiles `merged` and
    `split`, questions `asked` and `points` that changed hands are counted as in a plan. `skipped` profiles belong to too many
    records. `failed` says why it was given up; `POST /regroupings/resume` tries it again."""

    started_at: Time
    finished_at: Time | None
    total: int
    looked: int
    merged: int
    split: int
    asked: int
    points: int
    skipped: int
    failed: str


class RuleSetView(msgspec.Struct):
    """`activated_at` is the last time it was activated."""

    version: str
    sha256: str
    author: str
    stored_at: Time
    activated_at: Time | None
    active: bool
    regrouping: RegroupingView | None


class RuleSetDetail(RuleSetView):
    text: str


class CheckedRules(msgspec.Struct):
    """What a valid rule file says about itself, with the names of its rules."""

    version: str
    sha256: str
    mode: str
    activation: str
    rules: list[str]


class StoredRules(msgspec.Struct):
    """`changed` is False if the same text was already stored, and active if that was requested. `planned`: a plan of it was
    made, so it may be activated."""

    version: str
    sha256: str
    active: bool
    changed: bool
    planned: bool


async def list_rules(call: Call[ListQuery]) -> Page[RuleSetView]:
    query, store = call.query, call.services.store
    before = read_cursor(query.cursor, tuple[Id, str], None)
    active = await queries.active_version(store)
    found = await queries.rule_sets(store, before, query.limit + 1)
    walks = await newest_regroupings(store)
    return page(
        found,
        query.limit,
        lambda known: RuleSetView(*_view(known, active, walks)),
        lambda known: (known.rule_set.stored_at, known.rule_set.version),
    )


async def show_rules(call: Call[Query]) -> RuleSetDetail:
    known = await known_rule_set(call.services.store, call.request.match_info["version"])
    active = await queries.active_version(call.services.store)
    walks = await newest_regroupings(call.services.store)
    return RuleSetDetail(*_view(known, active, walks), text=known.rule_set.text)


async def check_rules(call: Call[Query]) -> CheckedRules:
    rules = await usable(call, await text_of(call))
    return CheckedRules(
        rules.version, rules.sha256, rules.mode, rules.activation, [rule.name for rule in rules.rules]
    )


async def store_rules(call: Call[StoreQuery]) -> StoredRules:
    rules, activate = await usable(call, await text_of(call)), call.query.activate
    if activate:
        await _check_plan(call.services, rules)
    now = call.services.clock.now()
    stored = StoredRuleSet(rules.version, rules.sha256, rules.text, call.caller.actor, now)
    outcome = await call.submit(StoreRules(call.caller, stored, activate))
    return await _stored(call.services, rules, outcome)


async def activate_rules(call: Call[Query]) -> StoredRules:
    """A version that was active before needs no new plan."""
    known = await known_rule_set(call.services.store, call.request.match_info["version"])
    text, was_in_use = known.rule_set.text, known.activated_at is not None
    rules = await parsed(text, stored=True) if was_in_use else await usable(call, text)
    if not was_in_use:
        await _check_plan(call.services, rules)
    return await _stored(call.services, rules, await call.submit(ActivateRules(call.caller, rules.version)))


async def _check_plan(services: Services, rules: RuleSet) -> None:
    """Raises Refusal if the rules need a plan of exactly their content. Where a score may merge, the plan has to say how many
    merges that makes, whatever the activation."""
    merges = rules.suggest.outcome == "merge"
    if rules.activation == "immediate" and not merges:
        return
    plan = await queries.plan_of(services.store, rules.sha256)
    if plan is None or (merges and msgspec.json.decode(plan.summary, type=_ByScore).by_score is None):
        raise _plan_required(rules)


class _ByScore(msgspec.Struct):
    by_score: int | None = None


async def _stored(services: Services, rules: RuleSet, outcome: Done) -> StoredRules:
    active = await queries.active_version(services.store)
    return StoredRules(
        rules.version,
        rules.sha256,
        active == rules.version,
        outcome.changed,
        await queries.planned_at(services.store, rules.sha256) is not None,
    )


async def known_rule_set(store: Store, version: str) -> KnownRuleSet:
    """Raises Refusal."""
    found = await queries.rule_sets(store, None, 1, version)
    if not found:
        raise Refusal("rules_unknown", "there is no rule set of this version; GET /admin/v1/rules lists them")
    return found[0]


async def text_of(call: Call[Any]) -> str:
    """The rule file in the body: as text, or as JSON."""
    if call.request.content_type in ("text/plain", "application/toml"):
        return await call.text()
    return (await call.body(RuleText)).text


async def parsed(text: str, *, stored: bool = False) -> RuleSet:
    """Parse the rules. Raises RuleProblems with all problems. `stored`: the rules were in use before. Runs on a thread, because
    the largest files take half a second, and calls have to be answered meanwhile."""
    result = await asyncio.to_thread(parse, text, stored=stored)
    if isinstance(result, RuleSet):
        return result
    raise _problems(result)


async def usable(call: Call[Any], text: str) -> RuleSet:
    """A rule set whose id spaces all belong to channels, or to customers of former channels. Raises RuleProblems with all
    problems."""
    rules, store = await parsed(text), call.services.store
    known = {channel.id_space for channel in call.services.config.channels}
    for name in named_id_spaces(rules) - known:
        if await has_customers(store, name):
            known.add(name)
    if problems := unknown_id_spaces(rules, known):
        raise _problems(problems)
    return rules


def _problems(found: Iterable[Problem]) -> RuleProblems:
    return RuleProblems(
        [{"line": one.line, "path": one.path, "message": one.message, "remedy": one.remedy} for one in found]
    )


def _plan_required(rules: RuleSet) -> Refusal:
    how = "gateway rules plan FILE (POST /admin/v1/rules/plan)"
    if rules.suggest.outcome == "merge":
        return Refusal(
            "plan_required",
            f"rule set {rules.version} merges by a score, so it needs a plan that says how many merges that makes: {how}; the plan"
            " needs the extra `suggest`",
        )
    return Refusal(
        "plan_required",
        f"rule set {rules.version} needs a plan before it can merge: {how};"
        ' or write activation = "immediate" in [rules]',
    )


def _view(known: KnownRuleSet, active: str, walks: Mapping[str, Regrouping]) -> tuple[Any, ...]:
    stored = known.rule_set
    walk = walks.get(stored.sha256)
    return (
        stored.version,
        stored.sha256,
        stored.author,
        shown(stored.stored_at),
        shown_or_none(known.activated_at),
        stored.version == active,
        _walked(walk) if walk is not None else None,
    )


def _walked(run: Regrouping) -> RegroupingView:
    counts = (run.total, run.looked, run.merged, run.split, run.asked, run.points, run.skipped)
    failed = run.why if run.finished_at is None else ""
    return RegroupingView(shown(run.started_at), shown_or_none(run.finished_at), *counts, failed)


OPERATIONS = (
    Operation(
        method="GET",
        path="/rules",
        handler=list_rules,
        role="viewer",
        summary="Stored rule sets, newest first",
        query=ListQuery,
        answer=Page[RuleSetView],
        refusals=("bad_cursor",),
    ),
    Operation(
        method="POST",
        path="/rules/check",
        handler=check_rules,
        role="viewer",
        summary="Validate a rule file; nothing is stored",
        body=RuleText,
        plain_text=True,
        answer=CheckedRules,
        refusals=("bad_rules",),
    ),
    Operation(
        method="POST",
        path="/rules",
        handler=store_rules,
        role="admin",
        summary="Store a rule file under its version",
        query=StoreQuery,
        body=RuleText,
        plain_text=True,
        answer=StoredRules,
        status=HTTPStatus.CREATED,
        refusals=("bad_rules", "version_taken", "plan_required"),
    ),
    Operation(
        method="GET",
        path="/rules/{version}",
        handler=show_rules,
        role="viewer",
        summary="One rule set with its text",
        answer=RuleSetDetail,
        refusals=("rules_unknown",),
    ),
    Operation(
        method="POST",
        path="/rules/{version}/activate",
        handler=activate_rules,
        role="admin",
        summary="Activate a stored rule set; an earlier one again is a rollback",
        answer=StoredRules,
        refusals=("rules_unknown", "plan_required"),
    ),
)
