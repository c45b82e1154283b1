"""What the code imports is declared, what is declared is used, and what is installed is locked, each file by its hash."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OURS = {"gateway", "rules"}
DATA = {"tzdata", "numpy", "psycopg"}
"""Imported by others: the standard library where the system has no time zones, DuckDB and procrastinate."""
IMPORTED_AS = {"google": "protobuf", "opentelemetry": "opentelemetry-proto", "yaml": "pyyaml"}
"""Packages that are named otherwise than what they bring."""


def named(requirements: list[Requirement]) -> set[str]:
    return {canonicalize_name(one.name) for one in requirements}


def imported(source: str) -> set[str]:
    """The packages that a module imports anywhere, also late or for annotations."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    others = {name.partition(".")[0] for name in found} - OURS - set(sys.stdlib_module_names)
    return {canonicalize_name(IMPORTED_AS.get(name, name)) for name in others}


def imported_by(*folders: str) -> set[str]:
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return set().union(*(imported(path.read_text()) for path in paths))


def declared(texts: list[str]) -> list[Requirement]:
    return [Requirement(text) for text in texts]


DECLARED = declared(PROJECT["project"]["dependencies"])
EXTRAS = {name: declared(texts) for name, texts in PROJECT["project"]["optional-dependencies"].items()}
OPTIONAL = [one for extra in EXTRAS.values() for one in extra]
USUAL = EXTRAS["postgres"] + EXTRAS["sqlite"]
"""What `requirements/runtime.txt` has beside the rest."""
DEVELOPMENT = declared(PROJECT["dependency-groups"]["dev"])
CLIENT = declared(PROJECT["dependency-groups"]["client"])
PATRONI = declared(PROJECT["dependency-groups"]["patroni"])
PEERS = declared(PROJECT["dependency-groups"]["peers"])
BUILD = declared(PROJECT["build-system"]["requires"])


class Locked(NamedTuple):
    requirement: Requirement
    hashes: list[str]

    @property
    def version(self) -> str:
        return str(self.requirement.specifier).removeprefix("==")

    @property
    def is_for_this_machine(self) -> bool:
        return self.requirement.marker is None or self.requirement.marker.evaluate()


def lock_file(name: str) -> str:
    return (ROOT / "requirements" / name).read_text()


def entries(text: str) -> list[Locked]:
    """One for each package: its line, and the lines of hashes that go on from it."""
    lines = (
        line for line in text.replace("\\\n", "").splitlines() if line and not line.startswith(("#", "--"))
    )
    split = (line.split("--hash=") for line in lines)
    return [Locked(Requirement(first), [one.strip() for one in hashes]) for first, *hashes in split]


def locked(name: str) -> dict[str, Locked]:
    """Of two versions of a package, the one for this machine."""
    found = sorted(entries(lock_file(name)), key=lambda one: one.is_for_this_machine)
    return {canonicalize_name(one.requirement.name): one for one in found}


RUNTIME = locked("runtime.txt")
TOOLS = locked("development.txt")
OF_THE_GATEWAY = {
    "runtime.txt": USUAL,
    "otlp.txt": USUAL + EXTRAS["otlp"],
    "suggest.txt": USUAL + EXTRAS["suggest"],
    "development.txt": OPTIONAL + DEVELOPMENT,
}
"""By lock file, what it has beside the dependencies of every installation."""
FILES = pytest.mark.parametrize("name", OF_THE_GATEWAY)
EVERY_FILE = pytest.mark.parametrize("name", [*OF_THE_GATEWAY, "client.txt", "patroni.txt", "peers.txt"])


def test_the_code_imports_what_is_declared_and_nothing_else() -> None:
    assert imported_by("gateway", "rules") == named(DECLARED + OPTIONAL + PEERS) - DATA


def test_the_tests_import_what_is_declared_too() -> None:
    assert imported_by("tests") - {"tests"} <= named(DECLARED + OPTIONAL + DEVELOPMENT)


@EVERY_FILE
def test_a_lock_file_has_one_version_of_each_package_and_the_hashes_of_its_files(name: str) -> None:
    found = entries(lock_file(name))
    mine = [canonicalize_name(one.requirement.name) for one in found if one.is_for_this_machine]
    assert len(set(mine)) == len(mine) > 0
    for requirement, hashes in found:
        assert re.fullmatch(r"==[0-9][^,*]*", str(requirement.specifier)), requirement
        assert requirement.url is None
        assert hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes), requirement


@EVERY_FILE
def test_a_lock_file_says_what_is_fetched_and_not_from_where(name: str) -> None:
    """A source archive would bring build tools that no hash covers."""
    text = lock_file(name)
    assert [line for line in text.splitlines() if line.startswith("-")] == ["--only-binary :all:"]
    assert "://" not in text


def test_what_is_declared_is_locked_in_a_version_that_the_declaration_allows() -> None:
    for name, wanted in [
        *((name, DECLARED + others + BUILD) for name, others in OF_THE_GATEWAY.items()),
        ("client.txt", CLIENT),
        ("patroni.txt", PATRONI),
        ("peers.txt", PEERS),
    ]:
        found = locked(name)
        for one in wanted:
            assert one.specifier.contains(found[canonicalize_name(one.name)].version), (name, one)


def test_what_the_gateway_runs_with_is_tested_in_the_same_versions() -> None:
    assert {name: TOOLS.get(name) for name in RUNTIME} == RUNTIME


@FILES
def test_what_a_locked_package_needs_is_locked_too(name: str) -> None:
    found = locked(name)
    roots = DECLARED + BUILD + OF_THE_GATEWAY[name]
    todo, seen = [(one, "") for one in roots], set[tuple[str, str]]()
    while todo:
        one, extra = todo.pop()
        if one.marker is not None and not one.marker.evaluate({"extra": extra}):
            continue
        package = canonicalize_name(one.name)
        assert package in found, one
        for part in {"", *one.extras} - {part for known, part in seen if known == package}:
            seen.add((package, part))
            todo += [(Requirement(text), part) for text in distribution(package).requires or ()]
    assert {package for package, _ in seen} == {key for key in found if found[key].is_for_this_machine}


def test_what_is_installed_is_what_is_locked() -> None:
    here = {name: one.version for name, one in TOOLS.items() if one.is_for_this_machine}
    assert {name: distribution(name).version for name in here} == here


def test_the_build_back_end_is_pinned() -> None:
    assert all(re.fullmatch(r"==[0-9.]+", str(one.specifier)) for one in BUILD)


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


@pytest.mark.parametrize("name", ["aiohttp", "aiosqlite", "asyncpg"])
def test_a_library_whose_private_names_are_used_has_an_upper_version_bound(name: str) -> None:
    """A newer minor version comes in only when the adapter's test has been run with it."""
    (found,) = (one for one in DECLARED + OPTIONAL if one.name == name)
    assert {specifier.operator for specifier in found.specifier} == {">=", "<"}
