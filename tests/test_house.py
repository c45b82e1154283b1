"""The project's own rules, held on every source file."""

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "gateway").rglob("*.py")) + sorted((ROOT / "rules").rglob("*.py"))
NEVER_AWAIT = [
    path
    for path in SOURCES
    if path.is_relative_to(ROOT / "rules")
    or path.is_relative_to(ROOT / "gateway/usecases")
    or path.is_relative_to(ROOT / "gateway/loyalty")
    or path.is_relative_to(ROOT / "gateway/workingset")
]
ADAPTERS = {
    "gateway/http/aiohttp_handler.py",
    "gateway/http/aiohttp_response.py",
    "gateway/upstream/aiohttp_protocol.py",
    "gateway/store/sqlite/connection_thread.py",
    "gateway/store/postgres/socket_of.py",
}
"""Each may use what a library keeps to itself, and has a test that holds the library to it."""
PUBLIC = {"_replace", "_asdict", "_fields", "_make", "_exit"}
BROAD = {"gateway/pipeline.py": 1, "gateway/http/unexpected_errors.py": 1}
"""Where unforeseen errors are caught, and how often."""
IMPURE = {
    "os",
    "io",
    "time",
    "random",
    "secrets",
    "socket",
    "logging",
    "sqlite3",
    "asyncio",
    "threading",
    "subprocess",
}


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _named(paths: Iterable[Path]) -> list[str]:
    """Where something is wrong, as a failing test shows it."""
    return [str(path.relative_to(ROOT)) for path in paths]


def _imports(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_what_runs_inside_a_transaction_cannot_wait() -> None:
    waiting = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    found = [path for path in NEVER_AWAIT if any(isinstance(node, waiting) for node in ast.walk(_tree(path)))]
    assert NEVER_AWAIT
    assert _named(found) == []


def test_the_rules_import_nothing_that_does_io() -> None:
    found = [path for path in (ROOT / "rules").rglob("*.py") if _imports(_tree(path)) & IMPURE]
    assert _named(found) == []


def test_a_file_is_one_idea_and_a_function_fits_a_screen() -> None:
    assert _named(path for path in SOURCES if len(path.read_text().splitlines()) > 400) == []
    long = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in SOURCES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (node.end_lineno or 0) - node.lineno >= 50
    ]
    assert long == []


def test_every_module_says_what_it_is_for() -> None:
    assert _named(path for path in SOURCES if not ast.get_docstring(_tree(path))) == []


def _only_exports(node: ast.stmt) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Expr(ast.Constant()):
            return True
        case ast.Assign([ast.Name("__all__")]):
            return True
        case _:
            return False


def test_a_package_says_what_it_is_and_what_it_exports_and_holds_no_code() -> None:
    packages = [path for path in SOURCES if path.name == "__init__.py"]
    assert packages
    assert _named(path for path in packages if not all(map(_only_exports, _tree(path).body))) == []


OPTIONS_OF_THE_POLICY = {
    "at_limit",
    "fanout_limit",
    "fanout_window",
    "ids_per_profile",
    "max_per_profile",
    "max_profiles",
    "max_profiles_at_once",
    "max_records",
    "on_fanout",
    "on_many_ids",
    "protect_balance_over",
    "provider_canonical",
    "require_verified",
}
READ_THEM = [
    ROOT / "rules/policy.py",
    ROOT / "rules/normalize/email.py",  # makes provider forms, or none
    *(ROOT / "rules/language").glob("*.py"),
]


def test_only_the_policy_reads_the_options_of_the_rules() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {node.attr}"
        for path in SOURCES
        if path not in READ_THEM
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Attribute) and node.attr in OPTIONS_OF_THE_POLICY
    }
    assert found == set()


def test_no_file_of_the_project_names_a_place_outside_it() -> None:
    places = ("/" + "work/", ".." + "/shared", "shared" + "/design")
    text_files = [
        *SOURCES,
        *ROOT.glob("*.md"),
        *ROOT.glob("*.toml"),
        *ROOT.glob("tests/**/*.py"),
        *ROOT.glob("*/*.md"),
        *(path for path in ROOT.glob("docs/**/*.*") if path.suffix not in (".pyc", ".png")),
        *ROOT.glob(".*.yaml"),
    ]
    assert not [path for path in text_files if any(place in path.read_text() for place in places)]


def test_each_step_of_the_schema_has_a_number_of_its_own() -> None:
    numbers = [path.name[:4] for path in (ROOT / "gateway/store/migrations").glob("*.sql")]
    assert len(numbers) == len({*numbers})


def _private_names_of_others(tree: ast.AST) -> set[str]:
    """Attributes with an underscore in front, of anything but an object's own self and class."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and re.match("_[^_]", node.attr)
        and not (isinstance(node.value, ast.Name) and node.value.id in {"self", "cls", "other"})
        and not (isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "super")
    } - PUBLIC


def test_private_names_of_a_library_are_used_only_by_its_adapter() -> None:
    found = {str(path.relative_to(ROOT)): _private_names_of_others(_tree(path)) for path in SOURCES}
    assert {name: names for name, names in found.items() if names and name not in ADAPTERS} == {}


def _is_broad(handler: ast.ExceptHandler) -> bool:
    """It catches every unforeseen error, and keeps it."""
    raises = any(isinstance(node, ast.Raise) for node in ast.walk(handler))
    names = {"Exception", "BaseException"}
    taken = handler.type is None or bool(
        names & {n.id for n in ast.walk(handler.type) if isinstance(n, ast.Name)}
    )
    return taken and not raises


ONE_SQLITE = {"gateway/sqlite_library.py", "gateway/cli/blocks.py"}
"""The first chooses the library. The second sorts in a file that no other process can open, which pysqlite3 keeps in memory."""


def test_a_process_opens_databases_with_one_library_only() -> None:
    """Each library knows its own locks only, and closing a file drops the other's."""
    modules = [*ROOT.glob("gateway/**/*.py"), *ROOT.glob("tests/**/*.py")]
    found = {
        str(path.relative_to(ROOT)) for path in modules if {"sqlite3", "pysqlite3"} & _imports(_tree(path))
    }
    assert found == ONE_SQLITE


def test_unforeseen_errors_are_caught_in_two_places() -> None:
    found = {
        str(path.relative_to(ROOT)): count
        for path in SOURCES
        if (count := sum(isinstance(n, ast.ExceptHandler) and _is_broad(n) for n in ast.walk(_tree(path))))
    }
    assert found == BROAD


def test_the_long_tests_are_all_found_by_the_command_that_runs_them() -> None:
    (recipe,) = re.findall(
        r"^\t\$\(BIN\)/pytest (.* soak .*)$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    holding = [path for path in (ROOT / "tests").rglob("test_*.py") if "mark.soak" in path.read_text()]
    command = [sys.executable, "-m", "pytest", *recipe.split(), "--collect-only", *map(str, holding)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout[-2000:]
    assert found.stdout.count("::") > 50


def test_a_pattern_for_a_whole_value_takes_no_line_end_behind_it() -> None:
    """msgspec searches, and `$` also matches before a line end: `$(?!\\n)` does not."""
    found = {
        f"{path.relative_to(ROOT)}: {pattern}"
        for path in SOURCES
        for pattern in re.findall(r'Meta\([^)]*?pattern=r?"([^"]*)"', path.read_text())
        if pattern.endswith("$")
    }
    assert found == set()


def test_no_test_is_skipped() -> None:
    """What a machine lacks is installed or named before the tests begin."""
    skips = re.compile(r"pytest\.(skip|importorskip)\b|mark\.(skip|skipif|xfail)\b")
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")}
    assert [str(path.relative_to(ROOT)) for path, text in texts.items() if skips.search(text)] == []
