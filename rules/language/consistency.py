"""Checks how the parts of a rule file fit together: names must exist, orders must be total, and no key may join strangers. A
part that could not be read is left out here, so that one mistake is reported once."""

from collections.abc import Collection, Iterable

from rules.compare.conditions import SEPARATOR
from rules.language.attribute_names import mistyped, uncomparable
from rules.language.conditions import mistakes_of, names_an_attribute
from rules.language.fields import nearest, shown
from rules.language.problems import Problems
from rules.language.toml_lines import Path
from rules.ruleset import ANY_ID_SPACE, HAS, ID_SPACE, ID_SPACE_ORDER, IdentifierRules, Rule, RuleSet


def check(rule_set: RuleSet, problems: Problems, *, stored: bool) -> None:
    """`rule_set` as it was read; the positions of its rules are those in the file. For a `stored` rule set, names of attributes
    are not checked, nor levels of types."""
    _strengths(rule_set, problems)
    _verified(rule_set, problems)
    _rule_names(rule_set, problems)
    for position, rule in enumerate(rule_set.rules):
        path = ("rule", position)
        _declared(rule.all_of, rule_set.identifiers, (*path, "all_of"), problems)
        _conditions(rule, rule_set, path, problems, stored=stored)
        _demotion(rule, (*path, "unless_differs"), problems)
        _id_spaces_of(rule, rule_set.id_spaces, (*path, "id_spaces"), problems)
        _joining(rule, rule_set, path, problems)
    _survivor(rule_set, problems)
    _attributes(rule_set, problems)
    if not stored:
        _attribute_names(rule_set, problems)


def _strengths(rule_set: RuleSet, problems: Problems) -> None:
    holders: dict[int, str] = {}
    for name, identifier in rule_set.identifiers.items():
        path = ("identifier", name)
        if not identifier.merge or not _read(problems, path, "merge", "strength"):
            continue
        first = holders.setdefault(identifier.strength, name)
        if first != name:
            problems.add(
                (*path, "strength"),
                f"is also the strength of {shown(first)}",
                "give each merging type its own",
            )


def _verified(rule_set: RuleSet, problems: Problems) -> None:
    for name, id_space in (*rule_set.id_spaces.items(), (ANY_ID_SPACE, rule_set.other_id_spaces)):
        for verified in sorted(id_space.verified):
            _declared_at(("id_space", name, "verified"), verified, rule_set.identifiers, problems)
        if id_space.placeholders & id_space.real_ids:
            problems.add(
                ("id_space", name, "real_ids"), "one of them is also in placeholders", "keep it in one list"
            )


def _rule_names(rule_set: RuleSet, problems: Problems) -> None:
    seen: set[str] = set()
    for position, rule in enumerate(rule_set.rules):
        if rule.name and rule.name in seen:
            problems.add(
                ("rule", position, "name"),
                "is already the name of an earlier rule",
                "give each rule its own name",
            )
        seen.add(rule.name)


def _declared(names: Iterable[str], declared: Collection[str], path: Path, problems: Problems) -> None:
    for position, name in enumerate(names):
        _declared_at((*path, position), name, declared, problems)


def _declared_at(path: Path, name: str, declared: Collection[str], problems: Problems) -> None:
    if name not in declared:
        problems.add(path, f"{shown(name)} is not declared", nearest(name, declared))


def _read(problems: Problems, path: Path, *keys: str) -> bool:
    """Whether these keys were read without a mistake, so that they hold the values of the file or the defaults."""
    return all(problems.is_clean((*path, key)) for key in keys)


def _conditions(rule: Rule, rule_set: RuleSet, path: Path, problems: Problems, *, stored: bool) -> None:
    """What `unless_differs` and `confirm_any` name has to exist, and to know the level that is asked of it."""
    conditions = [("confirm_any", position, written) for position, written in enumerate(rule.confirm_any)]
    for position, written in enumerate(rule.unless_differs):
        name, level, _ = written.partition(SEPARATOR)
        if level and name in rule_set.identifiers and not stored:
            place = (*path, "unless_differs", position)
            problems.add(
                place, f"{shown(name)} is a type, and types have no levels", f'write "{shown(name)}"'
            )
        elif names_an_attribute(written, rule_set.identifiers):
            conditions.append(("unless_differs", position, written))
        else:
            _declared_at((*path, "unless_differs", position), written, rule_set.identifiers, problems)
    for key, position, written in conditions:
        problems.mistakes((*path, key, position), mistakes_of(written, rule_set.kinds, stored=stored))
    if rule.outcome == "never" and rule.confirm_any:
        problems.add(
            (*path, "confirm_any"), "a rule that keeps apart is not confirmed", "delete it, or the outcome"
        )


def _demotion(rule: Rule, path: Path, problems: Problems) -> None:
    for position, name in enumerate(rule.unless_differs):
        if name in rule.all_of:
            problems.add((*path, position), f"{shown(name)} always agrees when this rule fires", "delete it")


def _id_spaces_of(rule: Rule, declared: Collection[str], path: Path, problems: Problems) -> None:
    if ANY_ID_SPACE in rule.id_spaces and len(rule.id_spaces) > 1:
        problems.add(path, '"*" already includes every id space', 'keep either "*" or the names')
    elif ANY_ID_SPACE not in rule.id_spaces and declared:
        _declared(rule.id_spaces, declared, path, problems)


def _joining(rule: Rule, rule_set: RuleSet, path: Path, problems: Problems) -> None:
    """The types that a rule compares must be allowed to merge. A single key that merges needs a guard against a value that many
    people share. A type with one value per profile needs no other guard."""
    for position, name in enumerate(rule.all_of):
        identifier = rule_set.identifiers.get(name, IdentifierRules("opaque"))
        if not identifier.merge:
            problems.add(
                (*path, "all_of", position), f"{shown(name)} has merge = false", "name a type that may merge"
            )
    match rule.all_of:
        case (name,) if rule.outcome == "merge" and problems.is_clean((*path, "outcome")):
            _single_key(name, rule_set, (*path, "all_of"), problems)
        case _:
            pass


def _single_key(name: str, rule_set: RuleSet, path: Path, problems: Problems) -> None:
    identifier = rule_set.identifiers.get(name)
    guards = _read(problems, ("identifier", name), "merge", "fanout_limit", "max_per_profile")
    if identifier is None or not identifier.merge or not guards:
        return
    if identifier.fanout_limit == 0 and identifier.max_per_profile != 1:
        problems.add(
            path,
            f"{shown(name)} merges alone, but has no fanout_limit",
            f"set identifier.{shown(name)}.fanout_limit, for example 5",
        )


def _survivor(rule_set: RuleSet, problems: Problems) -> None:
    path = ("merge", "survivor")
    if not problems.is_clean(path):
        return
    for position, criterion in enumerate(rule_set.merge.survivor):
        if criterion.startswith(HAS):
            _declared_at((*path, position), criterion.removeprefix(HAS), rule_set.identifiers, problems)
        elif criterion.startswith(ID_SPACE) and rule_set.id_spaces:
            _declared_at((*path, position), criterion.removeprefix(ID_SPACE), rule_set.id_spaces, problems)
    if rule_set.merge.survivor[-1] != "lowest_id":
        problems.add(path, "leaves ties undecided", 'end the list with "lowest_id"')


def _attributes(rule_set: RuleSet, problems: Problems) -> None:
    attributes = rule_set.attributes
    for name, strategy in {"default": attributes.default, **attributes.strategies}.items():
        order = strategy.removeprefix(ID_SPACE_ORDER)
        if order == strategy or not rule_set.id_spaces:
            continue
        for id_space in order.split(","):
            _declared_at(("attributes", name), id_space, rule_set.id_spaces, problems)


def _attribute_names(rule_set: RuleSet, problems: Problems) -> None:
    for name in rule_set.kinds:
        if (wrong := uncomparable(name)) is not None:
            problems.add(("attribute", name), wrong.message, wrong.remedy)
    for name in rule_set.attributes.strategies:
        if (wrong := mistyped(name)) is not None:
            problems.add(("attributes", name), wrong.message, wrong.remedy)
