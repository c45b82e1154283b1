"""Finds what a valid rule file says without effect, or with an effect that no author wants: warnings, not mistakes. Each key is in
order by itself; together they do not do what their author thinks."""

import re
from collections.abc import Iterator

from rules.attributes import KINDS
from rules.language.fields import shown
from rules.language.problems import Problem, Problems
from rules.language.toml_lines import Path, locate
from rules.ruleset import ANY_ID_SPACE, Rule, RuleSet

_ORDINARY = {
    "phone number": ("+201001234567", "+33698765432", "+4521234569"),
    "e-mail address": ("ann.lee@example.com", "jo@shop.eg", "max_1@mail.co.uk"),
}
"""Values so different that a pattern found in each of them is found in all of their kind."""
_SLASHES = re.compile(r"/.*/[a-z]*")
_EVERY_ADDRESS = "*@*"


def idle(rule_set: RuleSet) -> tuple[Problem, ...]:
    """By line."""
    problems = Problems(locate(rule_set.text))
    _blocked(rule_set, problems)
    _slashes(rule_set, problems)
    _sums(rule_set, problems)
    for position, rule in enumerate(rule_set.rules):
        path = ("rule", position)
        _shared(rule, rule_set, path, problems)
        for key, message in _idle_keys(rule):
            problems.add((*path, key), message, "delete it, or change the rule")
    _idle_rules(rule_set, problems)
    return problems.by_line()


def _blocked(rule_set: RuleSet, problems: Problems) -> None:
    for position, pattern in enumerate(rule_set.blocked.patterns):
        kinds = [kind for kind, values in _ORDINARY.items() if all(re.search(pattern, one) for one in values)]
        if kinds:
            problems.add(
                ("blocked", "patterns", position),
                f"is found in every {' and every '.join(kinds)}, so none could join",
                "anchor it with ^ and $, and let it match nothing but what you want to block",
            )
    for position, address in enumerate(rule_set.blocked.emails):
        if address == _EVERY_ADDRESS:
            problems.add(
                ("blocked", "emails", position),
                "is every address, so no address could join",
                "name the part before or after the @, as in noreply@* or *@example.com",
            )


def _slashes(rule_set: RuleSet, problems: Problems) -> None:
    places: list[tuple[Path, str]] = [
        *[(("blocked", "patterns", place), one) for place, one in enumerate(rule_set.blocked.patterns)],
        *[(("identifier", name, "pattern"), one.pattern) for name, one in rule_set.identifiers.items()],
    ]
    for path, pattern in places:
        if _SLASHES.fullmatch(pattern):
            problems.add(
                path, "is between slashes, which it would look for too", "write the expression alone"
            )


def _sums(rule_set: RuleSet, problems: Problems) -> None:
    """A sum has no value where the values are no numbers, so the attribute would be missing on every profile."""
    attributes = rule_set.attributes
    if attributes.default == "sum":
        problems.add(("attributes", "default"), "would leave every text without a value", "name the counters")
    for name, strategy in attributes.strategies.items():
        if strategy == "sum" and KINDS.get(name) in ("string", "array"):
            problems.add(
                ("attributes", name),
                f"{shown(name)} is not a number and has no sum",
                "write another strategy",
            )


def _shared(rule: Rule, rule_set: RuleSet, path: Path, problems: Problems) -> None:
    for key, names in (("all_of", rule.all_of), ("unless_differs", rule.unless_differs)):
        for position, name in enumerate(names):
            identifier = rule_set.identifiers.get(name)
            if identifier is None or not identifier.merge or identifier.max_profiles == 1:
                continue
            problems.add(
                (*path, key, position),
                f"{shown(name)} has max_profiles = {identifier.max_profiles}, so its values neither join nor differ",
                "delete it here, or set max_profiles = 1 and a fanout_limit",
            )


def _idle_keys(rule: Rule) -> Iterator[tuple[str, str]]:
    """Keys that change nothing in a rule of this kind, and why."""
    if rule.outcome != "merge":
        message = f'has no effect with outcome = "{rule.outcome}": it only turns a merge into a review'
        if rule.unless_differs:
            yield "unless_differs", message
        if rule.needs_verified:
            yield "needs_verified", message
    if not rule.confirm_any:
        message = "has no effect without confirm_any"
        if rule.confirm_missing != "merge":
            yield "confirm_missing", message
        if rule.not_confirmed != "review":
            yield "not_confirmed", message


def _idle_rules(rule_set: RuleSet, problems: Problems) -> None:
    """Rules that another rule makes pointless."""
    for position, rule in enumerate(rule_set.rules):
        path = ("rule", position)
        if not problems.is_clean(path):
            continue
        for place, other in enumerate(rule_set.rules):
            if place == position or not problems.is_clean(("rule", place)):
                continue
            if _forbids(other, rule):
                told = f"can join no records: rule {shown(other.name)} keeps apart all that it fits"
            elif _repeats(rule, other, later=position > place):
                told = f"stops and adds nothing: rule {shown(other.name)} joins all records that it fits"
            else:
                continue
            problems.add(path, told, "delete one of the two, or let them compare different things")
            break


def _forbids(never: Rule, rule: Rule) -> bool:
    """Whether `never` holds wherever the other rule does."""
    everywhere = ANY_ID_SPACE in never.id_spaces or set(never.id_spaces) >= set(rule.id_spaces)
    return (
        never.outcome == "never" != rule.outcome
        and bool(never.all_of)
        and everywhere
        and set(never.all_of) <= set(rule.all_of)
    )


def _repeats(rule: Rule, other: Rule, *, later: bool) -> bool:
    """Whether the other rule merges by the same types without a condition, so that the conditions of this one stop no merge. A rule
    without conditions may come first: it gives the reason its own name. A single key is more in two cases: a `review` asks about
    all that hold it, and `needs_verified` looks past an owner that did not verify it."""
    if other.outcome != "merge" or other.unless_differs or other.needs_verified or other.confirm_any:
        return False
    same = set(rule.all_of) == set(other.all_of) and set(rule.id_spaces) == set(other.id_spaces)
    several = len(rule.all_of) > 1
    if not same or (rule.needs_verified and not several):
        return False
    conditional = bool(rule.unless_differs or rule.confirm_any or rule.needs_verified)
    return (rule.outcome == "review" and several) or (rule.outcome == "merge" and (conditional or later))
