"""What the code imports is declared, what is declared is used, and what is installed is pinned."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OURS = {"gateway", "rules"}
DATA = {"tzdata"}
"""Read by the standard library where the system has no time zones; imported by nobody."""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def named(requirements: list[str]) -> set[str]:
    return {canonical(re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0]) for text in requirements}


def imported(source: str) -> set[str]:
    """The packages that a module imports anywhere, also late or for annotations."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    top = {name.partition(".")[0] for name in found}
    return {canonical(name) for name in top - OURS - set(sys.stdlib_module_names)}


def imported_by(*folders: str) -> set[str]:
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return set().union(*(imported(path.read_text()) for path in paths))


DECLARED = named(PROJECT["project"]["dependencies"])
OPTIONAL = named([one for extra in PROJECT["project"]["optional-dependencies"].values() for one in extra])
DEVELOPMENT = named(PROJECT["dependency-groups"]["dev"])
PINNED = {
    canonical(line.partition("==")[0].partition("[")[0])
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if "==" in line and not line.startswith("#")
}


def test_the_code_imports_what_is_declared_and_nothing_else() -> None:
    assert imported_by("gateway", "rules") == (DECLARED | OPTIONAL) - DATA


def test_the_tests_import_what_is_declared_too() -> None:
    assert imported_by("tests") - {"tests"} <= DECLARED | OPTIONAL | DEVELOPMENT


def test_every_declared_package_is_pinned() -> None:
    assert DECLARED | OPTIONAL | DEVELOPMENT <= PINNED


def test_the_build_back_end_is_pinned() -> None:
    assert all(re.fullmatch(r"[a-z-]+==[0-9.]+", text) for text in PROJECT["build-system"]["requires"])


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import yarl", {"yarl"}),
        ("import a.b.c as d", {"a"}),
        ("from multidict import CIMultiDict", {"multidict"}),
        ("from a_b.c import d", {"a-b"}),
        ("import os, sys, x", {"x"}),
        ("def f():\n    import late", {"late"}),
        ("if TYPE_CHECKING:\n    from typed import T", {"typed"}),
        ("try:\n    import maybe\nexcept ImportError:\n    pass", {"maybe"}),
        ("from . import sibling", set()),
        ("from gateway.config import load\nimport rules", set()),
    ],
)
def test_an_import_is_found_wherever_it_stands(source: str, found: set[str]) -> None:
    assert imported(source) == found
