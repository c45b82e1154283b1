"""What is not documented does not exist: settings, codes, actions, commands and reasons are in the pages for users."""

import re
import runpy
import shlex
import tomllib
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.audit.event import Action
from gateway.config import load
from gateway.http.admin.problem import STATUS
from gateway.http.gameball import envelope
from gateway.http.gameball.envelope import Fault
from gateway.loyalty import eligibility
from gateway.telemetry.metrics import Metrics

ROOT = Path(__file__).parent.parent
GENERATOR = "docs/generate.py"
NARROW = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [*NARROW, ROOT / "SECURITY.md", ROOT / "gateway/README.md", ROOT / "rules/README.md"]
TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in PAGES}
ALL = "\n".join(TEXTS.values())
_generator = runpy.run_path(str(ROOT / GENERATOR))
GENERATED: dict[str, str] = _generator["pages"]()
COMMANDS: dict[str, typing.Any] = _generator["commands"]()


@pytest.mark.parametrize("action", [action.value for action in Action])
def test_every_audit_action_is_documented(action: str) -> None:
    assert f"`{action}`" in ALL


@pytest.mark.parametrize("code", sorted(STATUS))
def test_every_code_of_the_admin_listener_is_documented(code: str) -> None:
    assert f"`{code}`" in ALL


def test_every_code_that_an_operator_can_be_refused_with_is_documented() -> None:
    pattern = re.compile(r'(?:Refused|Refusal)\(\s*"([a-z_]+)"')
    found = {code for path in (ROOT / "gateway").rglob("*.py") for code in pattern.findall(path.read_text())}
    assert found
    assert not {code for code in found if f"`{code}`" not in ALL}


def test_every_fault_of_the_public_listener_is_documented() -> None:
    faults = [value for value in vars(envelope).values() if isinstance(value, Fault)]
    rows = [line for line in ALL.splitlines() if line.startswith("| ")]
    missing = [
        fault
        for fault in faults
        if not any(
            str(fault.status) in row.split("|")[1] and str(fault.code) in row.split("|")[2] for row in rows
        )
    ]
    assert faults
    assert not missing


@pytest.mark.parametrize("reason", typing.get_args(eligibility.Reason))
def test_every_reason_of_an_ignored_achievement_is_documented(reason: str) -> None:
    assert f"`{reason}`" in ALL


@pytest.mark.parametrize("name", [family.name for family in Metrics().registry.collect()])
def test_every_metric_is_documented(name: str) -> None:
    assert re.search(rf"`{name}(_total)?`", TEXTS["docs/operations/monitor.md"])


@pytest.mark.parametrize("words", [words for words in COMMANDS if words])
def test_every_command_is_documented(words: str) -> None:
    assert f"`gateway {words}`" in TEXTS["docs/reference/cli.md"]


def test_the_example_configuration_loads_as_it_is() -> None:
    config = load(ROOT / "config.example.toml", {})
    assert {channel.name for channel in config.channels} == {"web", "mobile", "pos", "callcenter"}


def test_the_pages_name_settings_that_exist() -> None:
    example = tomllib.loads((ROOT / "config.example.toml").read_text())
    named = re.findall(r"`\[(\w+)\] (\w+)", ALL)
    assert named
    assert not [(section, key) for section, key in named if key not in example[section]]


def test_the_readme_is_read_in_three_minutes() -> None:
    assert len(TEXTS["README.md"].split()) <= 600


@pytest.mark.parametrize("path", NARROW, ids=lambda path: str(path.relative_to(ROOT)))
def test_lines_of_a_page_fit_a_terminal(path: Path) -> None:
    assert not [line for line in path.read_text(encoding="utf-8").splitlines() if len(line) > 100]


# ---- generated pages ----


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_page_is_what_the_code_says(name: str) -> None:
    stored = TEXTS.get(f"docs/reference/{name}", "")
    assert stored == GENERATED[name], f"docs/reference/{name} is stale; run: .venv/bin/python {GENERATOR}"


# ---- links ----


def _anchors(text: str) -> set[str]:
    """What links can lead to within a page, as GitHub names it."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _links(page: str) -> list[tuple[Path, str]]:
    """The file and the anchor behind each link to a page of the project."""
    found = re.findall(r"\]\(([^)\s]+)\)", TEXTS[page])
    local = [link.partition("#") for link in found if "://" not in link]
    return [((ROOT / page).parent / path if path else ROOT / page, anchor) for path, _, anchor in local]


@pytest.mark.parametrize("page", TEXTS)
def test_every_link_leads_somewhere(page: str) -> None:
    for path, anchor in _links(page):
        assert path.exists(), path
        assert not anchor or anchor in _anchors(path.read_text(encoding="utf-8")), f"{path}#{anchor}"


def test_every_page_can_be_reached_from_the_readme_and_from_the_index() -> None:
    for start in ("README.md", "docs/index.md"):
        reached, waiting = set[str](), [start]
        while waiting:
            page = waiting.pop()
            reached.add(page)
            targets = {str(path.resolve().relative_to(ROOT.resolve())) for path, _ in _links(page)}
            waiting += [target for target in targets & TEXTS.keys() if target not in reached]
        assert {page for page in TEXTS if page.startswith("docs/")} <= reached


# ---- commands in the pages ----


def _shell_lines(text: str) -> Iterator[str]:
    for block in re.findall(r"^```sh\n(.*?)^```", text, flags=re.M | re.S):
        yield from block.replace("\\\n", " ").splitlines()


def _calls(text: str) -> list[list[str]]:
    """The arguments of each call of `gateway` in the shell blocks, also inside `$(…)`."""
    call = re.compile(r"(?:^|\$\()(?:\.venv/bin/)?gateway ([^|>)#]*)")
    return [shlex.split(match[1]) for line in _shell_lines(text) for match in call.finditer(line)]


def _parse(arguments: list[str]) -> None:
    """As the command line does, without running anything. Raises for an unknown command or option."""
    command, name, context = COMMANDS[""], "gateway", None
    while True:
        context = command.make_context(name, arguments, parent=context)
        if not hasattr(command, "resolve_command"):
            return
        name, command, arguments = command.resolve_command(context, context._protected_args + context.args)


@pytest.mark.parametrize("page", [page for page, text in TEXTS.items() if _calls(text)])
def test_commands_in_shell_blocks_can_be_parsed(page: str) -> None:
    for arguments in _calls(TEXTS[page]):
        _parse(arguments)


def _exists(words: list[str]) -> bool:
    is_group = hasattr(COMMANDS.get(words[0]), "list_commands")
    return " ".join(words[: 2 if is_group else 1]) in COMMANDS


@pytest.mark.parametrize("page", TEXTS)
def test_commands_in_the_text_exist(page: str) -> None:
    for words in re.findall(r"`(?:\.venv/bin/)?gateway ((?:[a-z][a-z-]* ?)+)", TEXTS[page]):
        assert _exists(words.split()), words


def test_make_targets_in_the_pages_exist() -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.M)
    named = re.findall(r"(?:`|^)make (\w+)", ALL, flags=re.M)
    assert {"run", "test"} <= set(named) <= set(targets)


def test_the_hooks_before_a_commit_are_the_checks_of_make_lint() -> None:
    makefile = (ROOT / "Makefile").read_text()
    checks = re.findall(
        r"^\t\$\(BIN\)/(.*)$", makefile.partition("\nlint:")[2].partition("\n\n")[0], flags=re.M
    )
    hooks = re.findall(
        r"^ +entry: \.venv/bin/(.*)$", (ROOT / ".pre-commit-config.yaml").read_text(), flags=re.M
    )
    assert checks
    assert hooks == checks
