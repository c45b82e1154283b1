"""Decides which regular expressions a rule file may hold. A pattern is accepted only if it can match a value of `LONGEST_VALUE`
characters in a small number of ways, so that no value can make matching slow."""

import re
import warnings
from collections.abc import Iterator
from importlib import import_module
from math import prod
from typing import Any

LONGEST_VALUE = 320
"""Characters. A caller that matches these patterns against a longer text must refuse or cut the text first."""
LONGEST_PATTERN = 200
_MOST_WAYS = (LONGEST_VALUE + 2) ** 2  # two free repeats in an anchored pattern fit, three do not
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_SINGLE = ("LITERAL", "NOT_LITERAL", "ANY", "IN", "AT", "GROUPREF")

# The standard library's own parser under the one name that gives no deprecation warning; it has no stubs.
_parser: Any = import_module("re._parser")


def objection(pattern: str) -> str:
    """Why `pattern` may not be used, or `""` when it may."""
    if len(pattern) > LONGEST_PATTERN:
        return f"is longer than {LONGEST_PATTERN} characters"
    try:
        tree = _parsed(pattern)
        return next(_forbidden(tree), "") or _too_many_ways(tree)
    except FutureWarning:
        return "is ambiguous: escape [, -, &, ~ and | inside a character set"
    except re.error as error:
        return f"is not a regular expression: {error.msg}"
    except (OverflowError, RecursionError):
        return "is not a regular expression: too large"


def _parsed(pattern: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        re.compile(pattern)
        return _parser.parse(pattern)


def _too_many_ways(tree: Any) -> str:
    starts = 1 if _anchored(tree) else LONGEST_VALUE + 1
    return "could run away: it can match in too many ways" if _ways(tree) * starts > _MOST_WAYS else ""


def _anchored(tree: Any) -> bool:
    if not len(tree) or tree.state.flags & re.MULTILINE:
        return False
    op, what = tree[0]
    return op.name == "AT" and what.name in ("AT_BEGINNING", "AT_BEGINNING_STRING")


def _forbidden(tree: Any) -> Iterator[str]:
    """Constructs whose cost cannot be bounded by counting. A reference to a single character, as in `(\\d)\\1{6,}`, is
    allowed."""
    for op, arg in tree:
        name = op.name
        if name in ("ASSERT", "ASSERT_NOT"):
            yield "uses a look-around"
        elif name == "GROUPREF_EXISTS":
            yield "uses a conditional group"
        elif name == "GROUPREF" and tree.state.groupwidths[arg] != (1, 1):
            yield "refers back to a group that is not a single character"
        elif name in _REPEATS and arg[2].getwidth()[0] == 0:
            yield "could run away: it repeats something that may be empty"
        elif name not in (*_REPEATS, *_SINGLE, "BRANCH", "SUBPATTERN", "ATOMIC_GROUP"):
            yield f"uses a construct that is not supported ({name.lower()})"
        else:
            for child in _children(name, arg):
                yield from _forbidden(child)


def _children(name: str, arg: Any) -> list[Any]:
    if name == "BRANCH":
        return arg[1]
    if name == "SUBPATTERN":
        return [arg[3]]
    if name == "ATOMIC_GROUP":
        return [arg]
    return [arg[2]] if name in _REPEATS else []


def _ways(tree: Any) -> int:
    """An upper bound, capped just above the limit, of the paths that a backtracking matcher can try."""
    return min(prod(_ways_of(op.name, arg) for op, arg in tree), _MOST_WAYS + 1)


def _ways_of(name: str, arg: Any) -> int:
    if name in _REPEATS:
        least, most, body = arg
        reach = LONGEST_VALUE // body.getwidth()[0] + 1  # the last one need not be complete
        ways = _ways(body)
        return sum(ways**times for times in range(min(least, reach), min(most, reach) + 1))
    return sum(_ways(child) for child in _children(name, arg)) or 1
