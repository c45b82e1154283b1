"""The page of rule files: keys and forms from the parser's own grammar, defaults from the rule set, meanings from their
table."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, NamedTuple

from docs.generator.text import bullet, paragraph, sentence
from rules.attributes import COMPARED_AS
from rules.language import grammar, meanings
from rules.language.fields import Mistake, Reader
from rules.ruleset import (
    Attributes,
    Blocked,
    Conflict,
    IdentifierRules,
    IdSpaceRules,
    Merge,
    Review,
    Rule,
    RuleSet,
    Suggest,
)

_MINIMAL = """[rules]
schema = 1
version = "2026-11-23.1"

[identifier.email]
kind = "email"
strength = 70
max_per_profile = 5
fanout_limit = 5

[[rule]]
name = "email"
all_of = ["email"]
"""
_MISTAKE = 'line 12: rule[3].all_of[1]: mobil is not declared (did you mean "mobile"?)'
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms"))


class _Table(NamedTuple):
    heading: str
    about: str
    readers: Mapping[str, Reader]
    meanings: Mapping[str, str]
    owner: type
    after: str = ""


def _usual_kinds() -> str:
    by_kind: dict[str, list[str]] = {}
    for name, kind in COMPARED_AS.items():
        by_kind.setdefault(kind, []).append(f"`{name}`")
    listed = "; ".join(f"{', '.join(names)} as `{kind}`" for kind, names in by_kind.items())
    return f"Without a table, the platform's attributes are compared so: {listed}. Your own are `text`."


_TABLES = (
    _Table("`[rules]`", "", grammar.HEAD, meanings.RULES, RuleSet),
    _Table(
        "`[id_space.NAME]`",
        'One table for each system. An id space without a table has these defaults, or those of `[id_space."*"]`. As soon as '
        "one is declared by its name, every other place that names an id space is checked against the declared ones.",
        grammar.ID_SPACE_TABLE,
        meanings.ID_SPACE,
        IdSpaceRules,
    ),
    _Table(
        "`[identifier.TYPE]`",
        "One table for each type.",
        grammar.IDENTIFIER,
        meanings.IDENTIFIER,
        IdentifierRules,
    ),
    _Table(
        '`[identifier.TYPE]` with `kind = "phone"`',
        "",
        grammar.IDENTIFIER_BY_KIND["phone"],
        meanings.PHONE,
        IdentifierRules,
        f"The types of number are {', '.join(f'`{name}`' for name in grammar.PHONE_TYPES)}.",
    ),
    _Table(
        '`[identifier.TYPE]` with `kind = "email"`',
        "",
        grammar.IDENTIFIER_BY_KIND["email"],
        meanings.EMAIL,
        IdentifierRules,
    ),
    _Table(
        '`[identifier.TYPE]` with `kind = "opaque"`',
        "",
        grammar.IDENTIFIER_BY_KIND["opaque"],
        meanings.OPAQUE,
        IdentifierRules,
    ),
    _Table(
        "`[attribute.NAME]`",
        "How an attribute is compared, for your own attributes and where the usual kind is wrong. A name with a dot needs "
        f'quotes: `[attribute."custom.maidenName"]`. {_usual_kinds()} '
        "[Comparing as people do](../guides/compare.md) explains the kinds and their levels.",
        grammar.ATTRIBUTE,
        meanings.ATTRIBUTE,
        RuleSet,
    ),
    _Table(
        "`[blocked]`",
        "Values that may never join, compared after normalisation and, in lower case and without outer space, as they were "
        "written.",
        grammar.BLOCKED,
        meanings.BLOCKED,
        Blocked,
        "Patterns, here and in `pattern`, have at most 200 characters and must be harmless: the number of ways in which one "
        "could match a long value has to be small. Two free repeats in an anchored pattern are allowed (`^.*x.*$`). Three "
        "are not, nor is a repeat inside a repeat (`(a+)+`). Look-arounds, conditional groups and references are refused, "
        r"except to a single character, as in `^(\d)\1{6,}$`.",
    ),
    _Table(
        "`[[rule]]`",
        "One table for each rule, in order. Every rule is looked at. `never` beats `merge`, and `merge` beats `review`. Of "
        "equals the first is recorded.",
        grammar.RULE,
        meanings.RULE,
        Rule,
        "Id spaces are those of the channels in the settings, or of customers from former channels. A file that names another "
        "one, here, in a table, in `survivor` or in `id_space_order:`, is refused when it is planned, stored or activated. "
        "`gateway check` and `gateway rules check` warn of it.\n\n"
        "A rule may name declared types only, and in `all_of` none with `merge = false`. A rule that merges by one type "
        "alone needs `fanout_limit` on that type, or `max_per_profile = 1`. Otherwise the shop's own number, typed for "
        "every customer who has none, would make one person of them all.\n\n"
        "`gateway rules check`, `plan` and `apply` warn of what has no effect: a type with `max_profiles` "
        "above 1 in `all_of` or `unless_differs`; `unless_differs` or `needs_verified` in a rule that does not merge; "
        "`confirm_missing` or `not_confirmed` without `confirm_any`; a rule with conditions beside one that merges by the same "
        "types without any; a rule beside a `never` rule that holds wherever it does. They also warn of a pattern in `[blocked]` "
        "that every number or every address holds.",
    ),
    _Table("`[conflict]`", "", grammar.CONFLICT, meanings.CONFLICT, Conflict),
    _Table("`[merge]`", "", grammar.MERGE, meanings.MERGE, Merge),
    _Table(
        "`[attributes]`",
        'Any other key of this table is an attribute\'s name, or `"prefix.*"` in quotes, and its value is a strategy. '
        "[Which value of an attribute wins](../guides/rules-limits.md#which-value-of-an-attribute-wins) explains the "
        "strategies.",
        grammar.ATTRIBUTES,
        meanings.ATTRIBUTES,
        Attributes,
    ),
    _Table("`[review]`", "", grammar.REVIEW, meanings.REVIEW, Review),
    _Table("`[suggest]`", "", grammar.SUGGEST, meanings.SUGGEST, Suggest),
)


def lines() -> Iterator[str]:
    yield paragraph(
        "A rule file says who is the same person. This page lists its keys. [Write merge "
        "rules](../guides/rules-tutorial.md) shows how to begin, and [limits, conflicts and shared "
        "values](../guides/rules-limits.md) explains the choices. The smallest useful file is:"
    )
    yield from ("", "```toml", _MINIMAL.rstrip(), "```", "")
    yield from map(
        bullet,
        (
            (
                "A file is UTF-8, at most 256 KiB, with 1 to 200 rules, at most 200 types and 200 id spaces, 100 patterns in "
                "`[blocked]`, and 1,000 items in any other list. Its SHA-256 names it in every decision and log line."
            ),
            "A key that is not listed here is a mistake. What you leave out has the default in parentheses.",
            (
                'Durations are text: `"250ms"`, `"300s"`, `"5m"`, `"72h"`, `"365d"`, at most 36500 days. `"ever"` is no limit '
                'and `"0"` is off, where the lists say so.'
            ),
            "Types are named in lower case, digits and `_`; id spaces in letters, digits and `_ . -`.",
            (
                "A mistake names its place by path. Lists count from 1 in the order of the file: `rule[2].all_of[1]` is the "
                "first type of the second rule. A key with unusual characters is in quotes: `attributes.'consent.*'`. A mistake "
                "without a line is about the file as a whole. A syntax error comes alone, since nothing after it can be read."
            ),
        ),
    )
    yield from ("", "```text", _MISTAKE, "```", "")
    for table in _TABLES:
        yield from _section(table)


def _section(table: _Table) -> Iterator[str]:
    yield from (f"## {table.heading}", "")
    if table.about:
        yield from (paragraph(table.about), "")
    owned: dict[str, Field[Any]] = {one.name: one for one in fields(table.owner)}
    for key, reader in table.readers.items():
        yield bullet(
            f"`{key}` ({_default(owned.get(key))}): {_form(reader)}. {sentence(table.meanings[key])}"
        )
    yield ""
    for part in table.after.split("\n\n") if table.after else ():
        yield from (paragraph(part), "")


def _default(owned: Field[Any] | None) -> str:
    if owned is None or owned.default is MISSING:
        return "required"
    value: object = owned.default
    if isinstance(value, bool):
        return f"`{json.dumps(value)}`"
    if isinstance(value, frozenset | tuple):
        listed: list[str] = sorted(map(str, value)) if isinstance(value, frozenset) else list(map(str, value))
        return f"`{json.dumps(listed)}`"
    if value == "":
        return "not set"
    return f"`{json.dumps(value if isinstance(value, str) else _number(owned, value))}`"


def _number(owned: Field[Any], value: object) -> object:
    """A duration as a file writes it; a count as it is."""
    if value is None:
        return "ever"
    if isinstance(value, int) and owned.name in _DURATIONS:
        return next((f"{value // size}{unit}" for size, unit in _UNITS if value and value % size == 0), "0")
    return value


def _form(reader: Reader) -> str:
    """What the reader itself says that a value must be, when it is given one of no type that a file can hold."""
    said = reader(object())
    mistake: Mistake = said[0] if isinstance(said, list) else Mistake("must be anything", "")
    message = re.sub(r"^must be (one of the known words|)", "", mistake.message)
    words = re.sub(r"^known: ", "", mistake.remedy)
    if "one of the known words" in mistake.message:
        return "one of " + ", ".join(f"`{word}`" for word in words.split(", "))
    if "duration" in message:
        return message + "".join(f", or `{word}`" for word in ('"ever"', '"0"') if word in words)
    return message


def _is_duration(reader: Reader) -> bool:
    return "a duration" in _form(reader)


_DURATIONS = {key for table in _TABLES for key, reader in table.readers.items() if _is_duration(reader)}
