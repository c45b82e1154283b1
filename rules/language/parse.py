"""The rule file: TOML text in, a valid rule set or every problem of the text out. No text makes it raise. A rule set that it
returns satisfies everything that the rule guide promises."""

import re
import tomllib
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from rules.language.consistency import check
from rules.language.fields import Reader
from rules.language.grammar import (
    ATTRIBUTE,
    ATTRIBUTES,
    BLOCKED,
    CONFLICT,
    HEAD,
    ID_SPACE_TABLE,
    IDENTIFIER,
    IDENTIFIER_BY_KIND,
    KIND_OF,
    MERGE,
    REVIEW,
    RULE,
    SUGGEST,
    TABLES,
    Fields,
    attribute_name,
    attribute_strategy,
    id_space_table,
    type_name,
)
from rules.language.problems import Problem, Problems
from rules.language.syntax import explained
from rules.language.toml_lines import locate
from rules.ruleset import (
    ANY_ID_SPACE,
    AttributeKind,
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

PRESETS = ("email", "mobile", "email-or-mobile", "retail", "strict")
MOST_BYTES = 256 * 1024
MOST_RULES = 200
MOST_TABLES = 200


def preset(name: str) -> str:
    """The TOML text of a preset. Raises ValueError, naming the known ones, for any other name."""
    if name not in PRESETS:
        raise ValueError(f"there is no such preset; known: {', '.join(PRESETS)}")
    return files("rules").joinpath("presets", f"{name}.toml").read_text(encoding="utf-8")


_DEEP_KEY = re.compile(
    r"""(?<![A-Za-z0-9_-])(?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){16}"""
)
"""TOML parsers need time that grows with the square of a dotted key's length: 60 KiB of one key take a minute."""


@lru_cache(maxsize=8)
def parse(text: str, *, stored: bool = False) -> RuleSet | tuple[Problem, ...]:
    """The rule set, or all problems by line. A syntax error hides all other problems and is reported alone. `stored`: any
    version of the gateway accepted the text before, so unknown names of attributes do not make it unreadable. A byte order
    mark, which some editors write, is ignored. The last texts are remembered."""
    text = text.removeprefix("\ufeff")
    try:
        encoded = text.encode()
        if len(encoded) > MOST_BYTES:
            return (_whole("is larger than 256 KiB", "keep fewer values in [blocked]"),)
        if deep := _DEEP_KEY.search(text):
            line = text.count("\n", 0, deep.start()) + 1
            return (_whole("holds a key of more than 16 parts", "no setting is that deep", line),)
        document = tomllib.loads(text)
        problems = Problems(locate(text))
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        return (_whole("holds a character that UTF-8 cannot write", "delete it", line),)
    except RecursionError:
        return (_whole("is nested too deeply", "write the lists flat"),)
    except ValueError as error:
        return (_whole(*explained(error, text)),)
    rule_set = _read(document, text, sha256(encoded).hexdigest(), problems, stored=stored)
    return problems.by_line() or rule_set


def _whole(message: str, remedy: str, line: int = 0) -> Problem:
    return Problem(line, "", message, remedy)


def _read(document: dict[str, Any], text: str, digest: str, problems: Problems, *, stored: bool) -> RuleSet:
    for key in document:
        if key not in TABLES:
            problems.unknown((key,), TABLES)
    head = _fields(document, "rules", HEAD, problems, ("schema", "version"))
    spaces = {
        name: IdSpaceRules(**problems.fields(table, ID_SPACE_TABLE, ("id_space", name)))
        for name, table in _tables(document, "id_space", id_space_table, problems).items()
    }
    rule_set = RuleSet(
        version=str(head.get("version", "")),
        text=text,
        sha256=digest,
        id_spaces={name: rules for name, rules in spaces.items() if name != ANY_ID_SPACE},
        other_id_spaces=spaces.get(ANY_ID_SPACE, IdSpaceRules()),
        identifiers={
            name: _identifier(name, table, problems)
            for name, table in _tables(document, "identifier", type_name, problems).items()
        },
        blocked=Blocked(**_fields(document, "blocked", BLOCKED, problems)),
        rules=_rules(document, problems),
        conflict=Conflict(**_fields(document, "conflict", CONFLICT, problems)),
        merge=Merge(**_fields(document, "merge", MERGE, problems)),
        kinds=_kinds(document, problems),
        attributes=_attributes(document, problems),
        review=Review(**_fields(document, "review", REVIEW, problems)),
        suggest=Suggest(**_fields(document, "suggest", SUGGEST, problems)),
        **{key: value for key, value in head.items() if key in ("mode", "activation")},
    )
    check(rule_set, problems, stored=stored)
    return rule_set


def _fields(
    document: dict[str, Any], key: str, readers: Fields, problems: Problems, required: tuple[str, ...] = ()
) -> dict[str, Any]:
    if key not in document and not required:
        return {}
    if key not in document:
        problems.add((key,), "is missing", f"begin the file with [{key}] and {', '.join(required)}")
        return {}
    return problems.fields(document[key], readers, (key,), required)


def _tables(document: dict[str, Any], key: str, name: Reader, problems: Problems) -> dict[str, Any]:
    """The tables under `[key.NAME]` by name. Those with a bad name are included, and reported."""
    named = problems.table(document.get(key, {}), (key,))
    if len(named) > MOST_TABLES:
        problems.add((key,), f"there are more than {MOST_TABLES}", "declare fewer")
        return {}
    for written in named:
        problems.mistakes((key, written), name(written))
    return named


def _identifier(name: str, table: Any, problems: Problems) -> IdentifierRules:
    """If `kind` itself is wrong, the keys of every kind are accepted."""
    written = table.get("kind") if isinstance(table, dict) else None
    kinds = [kind for kind in IDENTIFIER_BY_KIND if kind == written] or IDENTIFIER_BY_KIND
    readers = dict(IDENTIFIER)
    for kind in kinds:
        readers.update(IDENTIFIER_BY_KIND[kind])
    values = problems.fields(table, readers, ("identifier", name), ("kind",), KIND_OF)
    values.setdefault("kind", "opaque")
    return IdentifierRules(**values)


def _kinds(document: dict[str, Any], problems: Problems) -> dict[str, AttributeKind]:
    read = {
        name: problems.fields(table, ATTRIBUTE, ("attribute", name), ("kind",))
        for name, table in _tables(document, "attribute", attribute_name, problems).items()
    }
    return {name: values["kind"] for name, values in read.items() if values}


def _rules(document: dict[str, Any], problems: Problems) -> tuple[Rule, ...]:
    """One rule for each `[[rule]]`, in their order. Fields that are missing or wrong are empty or have the default."""
    tables: object = document.get("rule", [])
    if not isinstance(tables, list):
        problems.add(("rule",), "must be a list of tables", "write [[rule]] above each rule")
        return ()
    if not 1 <= len(tables) <= MOST_RULES:
        problems.add(("rule",), f"there must be 1 to {MOST_RULES} rules", "write [[rule]] above each rule")
    return tuple(_rule(position, table, problems) for position, table in enumerate(tables[:MOST_RULES]))


def _rule(position: int, table: object, problems: Problems) -> Rule:
    path = ("rule", position)
    values = problems.fields(table, RULE, path, ("name", "all_of"))
    values.setdefault("name", "")
    values.setdefault("all_of", ())
    return Rule(**values)


def _attributes(document: dict[str, Any], problems: Problems) -> Attributes:
    table = problems.table(document.get("attributes", {}), ("attributes",))
    own = {key: value for key, value in table.items() if key in ATTRIBUTES}
    named = {key: value for key, value in table.items() if key not in ATTRIBUTES}
    values = problems.fields(own, ATTRIBUTES, ("attributes",))
    for name in named:
        problems.mistakes(("attributes", name), attribute_name(name))
    strategies = problems.fields(named, dict.fromkeys(named, attribute_strategy), ("attributes",))
    return Attributes(**values, strategies=strategies)
