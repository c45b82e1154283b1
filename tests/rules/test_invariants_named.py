"""Every documented invariant is in the name of a test, so that a reader of the one finds the other."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent.parent
PAGE = TESTS.parent / "docs/contributing/invariants.md"


def named() -> set[int]:
    """The numbers in names such as `test_i8_i9_…` and `i17_…`, the methods of a stateful machine included."""
    names = [
        node.name
        for path in TESTS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return {int(part[1:]) for name in names for part in name.split("_") if re.fullmatch(r"i\d+", part)}


def test_every_invariant_is_in_the_name_of_a_test() -> None:
    numbers = [
        int(number)
        for number in re.findall(r"^- \*\*I(\d+)\*\*", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert len(numbers) == 24
    assert sorted(set(numbers) - named()) == []
