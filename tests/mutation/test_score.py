"""The tests notice small changes of the code that decides; a sample of such changes is tried by `make soak`."""

import re
from pathlib import Path
from pkgutil import resolve_name

import pytest

from tests.mutation.score import PACKAGES, ROOT, equivalent, report, score


@pytest.mark.soak
@pytest.mark.parametrize("package", PACKAGES)
def test_a_small_change_of_the_code_is_noticed(
    package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = score(package, tmp_path / package)
    with capsys.disabled():
        print(report([found]))  # noqa: T201
    assert found.per_cent >= PACKAGES[package].floor


def test_what_is_taken_for_equivalent_is_a_change_of_the_code_that_is_there() -> None:
    modules = [path for name in ("gateway", "rules") for path in (ROOT / name).rglob("*.py")]
    lines = {path: {line.strip() for line in path.read_text().splitlines()} for path in modules}
    for mutant, reason in equivalent().items():
        removed = {line.removeprefix("- ") for line in mutant.change.splitlines() if line.startswith("- ")}
        function = mutant.function.replace(".", "/")
        (source,) = (
            path for path in modules if function.startswith(f"{path.relative_to(ROOT).with_suffix('')}/")
        )
        assert removed, mutant
        assert removed <= lines[source], mutant
        assert callable(resolve_name(mutant.function)), mutant
        assert reason.endswith("."), mutant


def test_the_page_tells_the_floors() -> None:
    page = (ROOT / "docs/contributing/testing.md").read_text()
    told = re.findall(r"^\| (\w+) \|.*\| (\d+) % \|$", page, re.MULTILINE)
    assert {name: int(floor) for name, floor in told} == {name: one.floor for name, one in PACKAGES.items()}
