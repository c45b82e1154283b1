"""Which rule added each record to its profile, and by which observations, under the rules of that time."""

from functools import lru_cache

from gateway.http.services import Services
from gateway.store.queries import record_history
from gateway.store.queries.operators import rule_texts
from gateway.store.queries.profiles import ProfileOverview
from rules.explain import HowStep
from rules.identifier import Identifier
from rules.language.parse import PRESETS, parse, preset
from rules.ruleset import RuleSet

Joined = dict[tuple[int, Identifier], str]
"""The rule that joined by an observation."""


async def joining(
    services: Services, overview: ProfileOverview, until: int
) -> tuple[dict[int, tuple[str, int]], Joined]:
    """By which rule each record came and when, and by which observations, up to a moment."""
    held = {
        record.record_id: {one for one, seen in record.observations.items() if not seen.blocked}
        for record in overview.records
    }
    holders: dict[Identifier, list[int]] = {}
    for number, identifiers in held.items():
        for one in identifiers:
            holders.setdefault(one, []).append(number)
    known = await record_history.steps(services.store, overview.profile_id, held.keys())
    steps = [one for one in known if one.at <= until]
    rules = await _rules_of_then(services, steps)
    there: dict[int, set[Identifier]] = {}
    arrived: dict[int, tuple[str, int]] = {}
    joined: Joined = {}
    told: set[Identifier] = set()
    for step in steps:
        coming = {one: held[one] for one in step.records if one in held}
        bringing = set().union(*coming.values())
        here = there.setdefault(step.profile_id, set())
        rule, shared = _rule_of(rules[step.rule_set], step.rule, bringing, here)
        for one in shared:  # who held it before is marked once, so that a step costs what it brings
            for number in coming if one in told else holders[one]:
                if one in held[number] and (number in coming or number in arrived):
                    joined.setdefault((number, one), rule)
        told |= shared
        here |= bringing
        arrived |= dict.fromkeys(coming, (step.rule, step.at))
    return arrived, joined


async def _rules_of_then(services: Services, steps: list[HowStep]) -> dict[str, RuleSet]:
    """The rule sets of these steps, by the beginning of their SHA-256. For one that is no longer stored, the rules in use."""
    wanted = {step.rule_set for step in steps}
    in_use = services.env.rules
    texts = await rule_texts(services.store, sorted(wanted))
    known = {beginning: rules for beginning, text in texts.items() if (rules := _parsed(text)) is not None}
    built_in = {rules.sha256[:16]: rules for name in PRESETS if (rules := _parsed(preset(name))) is not None}
    return {one: known.get(one) or built_in.get(one) or in_use for one in wanted}


@lru_cache(maxsize=64)
def _parsed(text: str) -> RuleSet | None:
    rules = parse(text, stored=True)
    return rules if isinstance(rules, RuleSet) else None


def _rule_of(
    rules: RuleSet, name: str, coming: set[Identifier], here: set[Identifier]
) -> tuple[str, set[Identifier]]:
    """The rule by which the two sides agree, and in which identifiers. Where one request joins several profiles, the log names the
    rule of the best match for all of them, so others are tried behind it."""
    if all(rule.name != name for rule in rules.rules):
        return "", set()
    for rule in sorted(rules.rules, key=lambda rule: rule.name != name):
        shared = {one for one in coming & here if one.type in rule.all_of}
        if rule.outcome == "merge" and {one.type for one in shared} == {*rule.all_of}:
            return rule.name, shared
    return "", set()
