"""What a rule file's parts must be to each other: names that exist, orders that are total, keys that cannot
join strangers. A part that could not be read is left out here, so that one mistake is told once."""

from collections.abc import Collection, Iterable

from rules.attributes import mistyped, uncomparable
from rules.fields import ANY_ID_SPACE, nearest, shown
from rules.report import Report
from rules.ruleset import HAS, ID_SPACE, ID_SPACE_ORDER, IdentifierRules, Rule, RuleSet
from rules.toml_lines import Path


def check(rule_set: RuleSet, report: Report, *, stored: bool) -> None:
    """`rule_set` as it was read; the positions of its rules are those in the file. The attributes of a `stored` one are let
    through."""
    _strengths(rule_set, report)
    _verified(rule_set, report)
    _rule_names(rule_set, report)
    for position, rule in enumerate(rule_set.rules):
        path = ("rule", position)
        _declared(rule.all_of, rule_set.identifiers, (*path, "all_of"), report)
        _declared(rule.unless_differs, rule_set.identifiers, (*path, "unless_differs"), report)
        _demotion(rule, (*path, "unless_differs"), report)
        _id_spaces_of(rule, rule_set.id_spaces, (*path, "id_spaces"), report)
        _joining(rule, rule_set, path, report)
    _survivor(rule_set, report)
    _attributes(rule_set, report)
    if not stored:
        _attribute_names(rule_set, report)


def _strengths(rule_set: RuleSet, report: Report) -> None:
    holders: dict[int, str] = {}
    for name, identifier in rule_set.identifiers.items():
        path = ("identifier", name)
        if not identifier.merge or not _read(report, path, "merge", "strength"):
            continue
        first = holders.setdefault(identifier.strength, name)
        if first != name:
            report.add(
                (*path, "strength"),
                f"is the strength of {shown(first)} too",
                "give each merging type its own",
            )


def _verified(rule_set: RuleSet, report: Report) -> None:
    for name, id_space in rule_set.id_spaces.items():
        for verified in sorted(id_space.verified):
            _declared_at(("id_space", name, "verified"), verified, rule_set.identifiers, report)
        if id_space.placeholders & id_space.real_ids:
            report.add(
                ("id_space", name, "real_ids"), "one of them is in placeholders too", "keep it in one list"
            )


def _rule_names(rule_set: RuleSet, report: Report) -> None:
    seen: set[str] = set()
    for position, rule in enumerate(rule_set.rules):
        if rule.name and rule.name in seen:
            report.add(
                ("rule", position, "name"), "is the name of an earlier rule", "give each rule its own name"
            )
        seen.add(rule.name)


def _declared(names: Iterable[str], declared: Collection[str], path: Path, report: Report) -> None:
    for position, name in enumerate(names):
        _declared_at((*path, position), name, declared, report)


def _declared_at(path: Path, name: str, declared: Collection[str], report: Report) -> None:
    if name not in declared:
        report.add(path, f"{shown(name)} is not declared", nearest(name, declared))


def _read(report: Report, path: Path, *keys: str) -> bool:
    """The file's own values, or the defaults, stand at these keys; nothing replaces a mistake."""
    return all(report.is_clean((*path, key)) for key in keys)


def _demotion(rule: Rule, path: Path, report: Report) -> None:
    for position, name in enumerate(rule.unless_differs):
        if name in rule.all_of:
            report.add((*path, position), f"{shown(name)} agrees whenever this rule fires", "delete it")


def _id_spaces_of(rule: Rule, declared: Collection[str], path: Path, report: Report) -> None:
    if ANY_ID_SPACE in rule.id_spaces and len(rule.id_spaces) > 1:
        report.add(path, '"*" is every id space already', "keep either it or the names")
    elif ANY_ID_SPACE not in rule.id_spaces and declared:
        _declared(rule.id_spaces, declared, path, report)


def _joining(rule: Rule, rule_set: RuleSet, path: Path, report: Report) -> None:
    """What a rule compares must be allowed to merge; and a single key that merges needs a guard against a
    value that many people share. A type with one value a profile is its own guard."""
    for position, name in enumerate(rule.all_of):
        identifier = rule_set.identifiers.get(name, IdentifierRules("opaque"))
        if not identifier.merge:
            report.add(
                (*path, "all_of", position), f"{shown(name)} has merge = false", "name a type that may merge"
            )
    match rule.all_of:
        case (name,) if rule.outcome == "merge" and report.is_clean((*path, "outcome")):
            _single_key(name, rule_set, (*path, "all_of"), report)
        case _:
            pass


def _single_key(name: str, rule_set: RuleSet, path: Path, report: Report) -> None:
    identifier = rule_set.identifiers.get(name)
    guards = _read(report, ("identifier", name), "merge", "fanout_limit", "max_per_profile")
    if identifier is None or not identifier.merge or not guards:
        return
    if identifier.fanout_limit == 0 and identifier.max_per_profile != 1:
        report.add(
            path,
            f"{shown(name)} alone merges, and has no fanout_limit",
            f"set identifier.{shown(name)}.fanout_limit, for example 5",
        )


def _survivor(rule_set: RuleSet, report: Report) -> None:
    path = ("merge", "survivor")
    if not report.is_clean(path):
        return
    for position, criterion in enumerate(rule_set.merge.survivor):
        if criterion.startswith(HAS):
            _declared_at((*path, position), criterion.removeprefix(HAS), rule_set.identifiers, report)
        elif criterion.startswith(ID_SPACE) and rule_set.id_spaces:
            _declared_at((*path, position), criterion.removeprefix(ID_SPACE), rule_set.id_spaces, report)
    if rule_set.merge.survivor[-1] != "lowest_id":
        report.add(path, "leaves ties undecided", 'end the list with "lowest_id"')


def _attributes(rule_set: RuleSet, report: Report) -> None:
    attributes = rule_set.attributes
    for name, strategy in {"default": attributes.default, **attributes.strategies}.items():
        order = strategy.removeprefix(ID_SPACE_ORDER)
        if order == strategy or not rule_set.id_spaces:
            continue
        for id_space in order.split(","):
            _declared_at(("attributes", name), id_space, rule_set.id_spaces, report)


def _attribute_names(rule_set: RuleSet, report: Report) -> None:
    for position, rule in enumerate(rule_set.rules):
        for place, name in enumerate(rule.confirm_any):
            if (wrong := uncomparable(name)) is not None:
                report.add(("rule", position, "confirm_any", place), wrong.message, wrong.remedy)
    for name in rule_set.attributes.strategies:
        if (wrong := mistyped(name)) is not None:
            report.add(("attributes", name), wrong.message, wrong.remedy)
