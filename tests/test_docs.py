"""What is not documented does not exist: settings, codes, actions, commands and reasons are in the pages for users."""

import re
import runpy
import shlex
import tomllib
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.audit.event import MEANINGS, Action
from gateway.config import load
from gateway.http.admin.example import EXAMPLES
from gateway.http.admin.problem import CODES
from gateway.http.admin.routes import OPERATIONS
from gateway.http.gameball import envelope
from gateway.loyalty import eligibility
from gateway.model import AchievementState, DeliveryState, ReviewState
from gateway.telemetry.metrics import Metrics
from rules.normalize.email import EmailReason
from rules.normalize.normalizer import DeclarationReason
from rules.normalize.opaque import OpaqueReason
from rules.normalize.phone import PhoneReason
from tests.examples.play import is_whole
from tests.examples.requests import REQUESTS

ROOT = Path(__file__).parent.parent
GENERATOR = "docs/generate.py"
WRITE = "run .venv/bin/python -m tests.examples.write"
PICTURES = ROOT / "docs/contributing/pictures"
READMES = [ROOT / "README.md", ROOT / "gateway/README.md", ROOT / "rules/README.md"]
NARROW = [*READMES, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [*NARROW, ROOT / "SECURITY.md"]
TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in PAGES}
ALL = "\n".join(TEXTS.values())
_generator = runpy.run_path(str(ROOT / GENERATOR))
GENERATED: dict[str, str] = _generator["pages"]()
COMMANDS: dict[str, typing.Any] = _generator["commands"]()


def test_every_audit_action_has_a_meaning() -> None:
    assert MEANINGS.keys() == {*Action}


def test_every_code_that_an_operator_can_be_refused_with_has_a_meaning() -> None:
    pattern = re.compile(r'(?:Refused|Refusal)\(\s*"([a-z_]+)"')
    found = {code for path in (ROOT / "gateway").rglob("*.py") for code in pattern.findall(path.read_text())}
    assert found
    assert found <= CODES.keys()


def test_every_operation_of_the_admin_api_has_an_example_that_fits_it() -> None:
    """They are requests that `tests/http/admin/test_examples.py` sends."""
    asked = [request.operation for request in REQUESTS]
    missing = sorted({one.name for one in OPERATIONS} - set(asked))
    assert not missing, f"{missing}: add a row to tests/examples/requests.py, and {WRITE}"
    assert sorted(asked) == sorted(one.name for one in OPERATIONS)
    unfit = [one.name for one in OPERATIONS if not is_whole(one, EXAMPLES.get(one.name, {}).get("answer"))]
    assert not unfit, f"{unfit}: {WRITE}"
    assert EXAMPLES.keys() == set(asked)


def test_every_fault_of_the_public_listener_has_a_meaning() -> None:
    source = Path(envelope.__file__).read_text(encoding="utf-8")
    faults = {(int(status), int(code)) for status, code in re.findall(r"Fault\(\s*(\d+),\s*(\d+)", source)}
    assert faults
    assert faults == envelope.MEANINGS.keys()


@pytest.mark.parametrize("reason", typing.get_args(eligibility.Reason))
def test_every_reason_of_an_ignored_achievement_is_documented(reason: str) -> None:
    assert f"`{reason}`" in TEXTS["docs/reference/achievements.md"]


@pytest.mark.parametrize(
    "reason",
    [
        reason
        for reasons in (EmailReason, PhoneReason, OpaqueReason, DeclarationReason)
        for reason in typing.get_args(reasons)
    ],
)
def test_every_reason_of_an_unusable_identifier_is_documented(reason: str) -> None:
    assert f"| `{reason}` |" in TEXTS["docs/reference/normalisation.md"]


@pytest.mark.parametrize("name", [family.name for family in Metrics().registry.collect()])
def test_every_metric_is_documented(name: str) -> None:
    assert re.search(rf"`{name}(_total)?`", TEXTS["docs/reference/metrics.md"])


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


@pytest.mark.parametrize("page", ["README.md", "gateway/README.md", "rules/README.md"])
def test_a_readme_is_read_in_three_minutes(page: str) -> None:
    assert len(TEXTS[page].split()) <= 600


@pytest.mark.parametrize("path", NARROW, ids=lambda path: str(path.relative_to(ROOT)))
def test_lines_of_a_page_fit_a_terminal(path: Path) -> None:
    assert not [line for line in path.read_text(encoding="utf-8").splitlines() if len(line) > 100]


@pytest.mark.parametrize("page", TEXTS)
def test_a_page_names_people_without_nobody_or_somebody(page: str) -> None:
    """Words that make a sentence hard to read: "nobody can call" is "no system can call"."""
    vague = r"\b(?:nobody|somebody|anybody|everybody|whoever|of whom)\b"
    assert not re.findall(vague, TEXTS[page], flags=re.I)


# ---- generated pages ----


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_page_is_what_the_code_says(name: str) -> None:
    stored = TEXTS.get(f"docs/reference/{name}", "")
    assert stored == GENERATED[name], f"docs/reference/{name} is stale; run: .venv/bin/python {GENERATOR}"


# ---- pictures ----


def test_every_picture_was_drawn_from_the_source_beside_it() -> None:
    drawing = runpy.run_path(str(ROOT / "docs/draw.py"))
    assert list(PICTURES.glob("*.mmd"))
    assert drawing["stale"]() == [], "run: .venv/bin/python docs/draw.py"
    assert {picture.stem for picture in PICTURES.glob("*.svg")} == {
        source.stem for source in PICTURES.glob("*.mmd")
    }


def test_every_picture_is_shown_on_a_page() -> None:
    shown = set(re.findall(r"^!\[[^]]+\]\(\S*?(\w+)\.svg\)$", ALL, flags=re.M))
    assert shown == {picture.stem for picture in PICTURES.glob("*.svg")}


@pytest.mark.parametrize(
    ("name", "states"),
    [("achievement", AchievementState), ("delivery", DeliveryState), ("review", ReviewState)],
)
def test_a_picture_has_the_states_of_the_code(name: str, states: typing.Any) -> None:
    source = (PICTURES / f"{name}.mmd").read_text(encoding="utf-8")
    drawn = {state for line in re.findall(r"(\w+) --> (\w+)", source) for state in line}
    assert drawn == set(typing.get_args(states))


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


# ---- files that the pages name ----


def _named_files(text: str) -> set[str]:
    """Names such as `usecases/deliver.py` and `rules/presets/`, as they stand in backquotes."""
    return set(re.findall(r"`((?:\w+/)+(?:\w+\.(?:py|md|toml))?)`", text))


@pytest.mark.parametrize("page", [page for page in TEXTS if page.startswith("docs/contributing")])
def test_every_file_that_contributors_are_sent_to_exists(page: str) -> None:
    roots = (ROOT, ROOT / "gateway", ROOT / "gateway/http")
    assert not [
        name for name in _named_files(TEXTS[page]) if not any((root / name).exists() for root in roots)
    ]


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
    called = [line.removeprefix("make ") for line in _shell_lines(ALL) if line.startswith("make ")]
    named = {*called, *re.findall(r"`make (\w+)", ALL)}
    assert {"run", "test"} <= named <= set(targets)


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
