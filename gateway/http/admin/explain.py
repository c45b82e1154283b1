"""Why two profiles or records are one or are not, and how a profile was built: types, names and counts, never an identifier's
value."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.audit.event import Action
from gateway.errors import Refusal
from gateway.http.admin.listing import Query
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.pair_sentences import in_words
from gateway.http.admin.times import Time, shown
from gateway.http.services import Services
from gateway.ids import read, show
from gateway.model import ExplainPair, Refused
from gateway.store.queries import record_history
from gateway.store.queries.profiles import load, shared_claims, survivor_of
from rules.explain import HowStep, RuleReading

_Side = Annotated[str, Meta(description="a prf_ or rec_ id, both of one kind")]


class PairQuery(Query, kw_only=True):
    a: _Side
    b: _Side


class ComparedView(msgspec.Struct):
    """`likeness` is `equal`, `provider_form` (only the provider's forms are equal), `powerless` (the same value, but it joins
    no profiles), `different` or `missing`. Of an attribute it may also be `similar`, `near` or `compatible`; `wanted` is the
    level that the rule asks for, and `how` says in words how the nearest values of both sides are alike."""

    type: str
    likeness: str
    wanted: str = ""
    how: str = ""


class RuleView(msgspec.Struct):
    """The result of one rule on its own: `never`, `merge`, `review` or `none`. `doubt` is why a merge rule only asks, or
    does not fire."""

    rule: str
    outcome: str
    doubt: str
    compared: list[ComparedView]


class ClaimedView(msgspec.Struct):
    """A claim that agrees with the other side. It does not count until a trusted source of its record states it."""

    record: str
    type: str
    source: str


class PairView(msgspec.Struct):
    """`outcome` and `rule` are the result of rules and pins together; `guard`, with its `detail`, is what keeps the two
    apart. `splits` have them on different sides, which counts as a `cannot` pin. `words` says it in sentences, one for
    each rule and the verdict last."""

    profile_a: str
    profile_b: str
    together: bool
    outcome: str
    rule: str
    guard: str
    detail: str
    pins: list[str]
    splits: list[str]
    rules: list[RuleView]
    claimed: list[ClaimedView]
    words: list[str]


class StepView(msgspec.Struct):
    """`records` joined `profile`: as new records (`arrived`), or from `source` (`merged`, `split`, `undone`)."""

    at: Time
    what: str
    profile: str
    source: str | None
    records: list[str]
    rule: str


class OriginView(msgspec.Struct):
    """How a live profile was built, oldest step first, and the claims about its records, which had no part in that."""

    profile: str
    steps: list[StepView]
    claimed: list[ClaimedView]


async def explain_pair(call: Call[PairQuery]) -> PairView:
    return await pair_view(call.services, _pair(call.query))


async def pair_view(services: Services, command: ExplainPair) -> PairView:
    outcome = await services.pipeline.submit_background(command)
    if isinstance(outcome, Refused):
        raise Refusal(outcome.code, outcome.message)
    found = outcome.explanation
    sides = (command.a, command.b) if command.records else (found.profile_a, found.profile_b)
    claimed = await shared_claims(services.store, *sides, records=command.records)
    pair = PairView(
        show("prf", found.profile_a),
        show("prf", found.profile_b),
        found.together,
        found.outcome,
        found.rule,
        found.guard,
        found.detail,
        list(found.pins),
        [show("spl", split_id) for split_id in found.splits],
        [_rule(reading) for reading in found.rules],
        [_claimed(*claim) for claim in claimed],
        [],
    )
    pair.words = in_words(pair)
    return pair


async def explain_profile(call: Call[Query]) -> OriginView:
    """An absorbed id gives the surviving profile."""
    profile_id = await survivor_of(call.services.store, call.id("prf"))
    if profile_id is None:
        raise Refusal("not_found", "there is no such profile; it may have been erased")
    steps = await record_history.steps(call.services.store, profile_id)
    overview = await load(call.services.store, profile_id)
    claimed = [
        _claimed(record_id, identifier.type, claim.source)
        for record_id, claims in (overview.claims if overview is not None else {}).items()
        for identifier, claim in claims
    ]
    return OriginView(show("prf", profile_id), [_step(step) for step in steps], claimed)


def _pair(query: PairQuery) -> ExplainPair:
    for prefix in ("prf", "rec"):
        one, other = read(prefix, query.a), read(prefix, query.b)
        if one is not None and other is not None:
            return ExplainPair(one, other, records=prefix == "rec")
    raise Refusal("bad_parameter", "a and b: are not two profile ids (prf_…) or two record ids (rec_…)")


def _claimed(record_id: int, kind: str, source: str) -> ClaimedView:
    return ClaimedView(show("rec", record_id), kind, source)


def _rule(reading: RuleReading) -> RuleView:
    compared = [ComparedView(*one) for one in reading.compared]
    return RuleView(reading.rule, reading.outcome, reading.doubt, compared)


def _step(step: HowStep) -> StepView:
    return StepView(
        shown(step.at),
        step.what,
        show("prf", step.profile_id),
        None if step.source_id is None else show("prf", step.source_id),
        [show("rec", record_id) for record_id in step.records],
        step.rule,
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/profiles/{id}/explain",
        handler=explain_profile,
        role="viewer",
        reads=Action.CUSTOMER_VIEWED,
        summary="How a profile was built: every arrival, merge, split and undo of its records, oldest first",
        answer=OriginView,
    ),
    Operation(
        method="GET",
        path="/explain",
        handler=explain_pair,
        role="viewer",
        summary="Why two profiles, or two records, are one or are not: every rule, and what keeps them apart",
        query=PairQuery,
        answer=PairView,
        refusals=("not_found", "same_profile"),
    ),
)
