"""Checks names in a rule file that depend on the gateway's settings: its id spaces, which channels have."""

from collections.abc import Collection, Iterator

from rules.language.fields import nearest, shown
from rules.language.problems import Problem, Problems
from rules.language.toml_lines import Path, locate
from rules.ruleset import ANY_ID_SPACE, ID_SPACE, ID_SPACE_ORDER, RuleSet


def named_id_spaces(rules: RuleSet) -> frozenset[str]:
    return frozenset(name for name, _ in _id_spaces(rules))


def unknown_id_spaces(rules: RuleSet, known: Collection[str]) -> tuple[Problem, ...]:
    """One problem for each id space in the file that no channel and no customer has. If the file declares it, only its table is
    reported."""
    problems, told = Problems(locate(rules.text)), set[str]()
    for name, path in _id_spaces(rules):
        if name in known or name in told:
            continue
        if name in rules.id_spaces:
            told.add(name)
        problems.add(
            path,
            f"no channel and no customer has the id space {shown(name)}",
            f"{nearest(name, sorted(known))}, or add its [[channel]] to the settings first",
        )
    return problems.by_line()


def _id_spaces(rules: RuleSet) -> Iterator[tuple[str, Path]]:
    for name in rules.id_spaces:
        yield name, ("id_space", name)
    for position, rule in enumerate(rules.rules):
        for place, name in enumerate(rule.id_spaces):
            if name != ANY_ID_SPACE:
                yield name, ("rule", position, "id_spaces", place)
    for place, criterion in enumerate(rules.merge.survivor):
        if criterion.startswith(ID_SPACE):
            yield criterion.removeprefix(ID_SPACE), ("merge", "survivor", place)
    for name, strategy in {"default": rules.attributes.default, **rules.attributes.strategies}.items():
        if strategy.startswith(ID_SPACE_ORDER):
            for one in strategy.removeprefix(ID_SPACE_ORDER).split(","):
                yield one, ("attributes", name)
