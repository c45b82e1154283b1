"""Changes the code in small ways and counts how many of these mutants the tests notice.

`.venv/bin/python -m tests.mutation.score audit --sample 60 --seed 1` draws 60 mutants of `gateway/audit`. mutmut makes the
mutants in a copy of the project, and runs for each one the tests that reach the function that it changes."""

import argparse
import contextlib
import os
import random
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mutmut.configuration import reset_config
from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.utils.format_utils import get_mutant_name

ROOT = Path(__file__).parent.parent.parent
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
SAMPLE, SEED = 60, 1
_SETTINGS = """\
[mutmut]
source_paths=
    rules
    gateway
only_mutate=
    {source}/*
also_copy=
    docs
do_not_mutate_patterns=
    assert_never
pytest_add_cli_args=
    --timeout=0
    -p
    tests.mutation.quick
    -k
    not postgres and not [strict
pytest_add_cli_args_test_selection=
    {tests}
process_isolation=forkserver
track_dependencies=false
timeout_constant=30
timeout_multiplier=2
"""
"""A worker runs each mutant in a process that has run no test before. Its limit is twice the time that its tests need, and a
minute: on a machine that is busy, a mutant that is only slow would otherwise count as noticed."""
_LEFT_OUT = shutil.ignore_patterns(
    ".*", "__pycache__", "build", "dist", "*.secret", "gateway.db*", "gateway.log*"
)
_NOTICED = {"killed", "timeout", "segfault"}


class Package(NamedTuple):
    source: str
    tests: Sequence[str]
    floor: int
    """Per cent of the sample that the tests have to notice."""


PACKAGES = {
    "audit": Package("gateway/audit", ["tests/audit"], 90),
    "loyalty": Package("gateway/loyalty", ["tests/loyalty"], 95),
    "rules": Package("rules", ["tests/rules"], 85),
    "usecases": Package("gateway/usecases", ["tests/usecases"], 75),
}


class Mutant(NamedTuple):
    function: str
    change: str
    """The lines that differ, `- ` before the original ones and `+ ` before those of the mutant."""


class Score(NamedTuple):
    package: str
    mutants: int
    sample: int
    equivalent: int
    survivors: list[Mutant]

    @property
    def noticed(self) -> int:
        return self.sample - self.equivalent - len(self.survivors)

    @property
    def per_cent(self) -> float:
        return 100 * self.noticed / max(1, self.sample - self.equivalent)

    def row(self) -> str:
        figures = (self.package, self.mutants, self.sample, self.equivalent, len(self.survivors))
        return f"| {' | '.join(map(str, figures))} | {self.per_cent:.0f} % |"


def equivalent() -> dict[Mutant, str]:
    """Mutants that behave as the original does, each with the reason."""
    entries = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["equivalent"]
    return {
        Mutant(entry["function"], change.strip()): entry["reason"]
        for entry in entries
        for change in entry["changes"]
    }


def score(package: str, directory: Path, sample: int = SAMPLE, seed: int = SEED) -> Score:
    """`directory` is made anew; `mutmut browse` works in it afterwards."""
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(ROOT, directory, symlinks=True, ignore=_LEFT_OUT)
    source, tests, _ = PACKAGES[package]
    (directory / "setup.cfg").write_text(_SETTINGS.format(source=source, tests="\n    ".join(tests)))
    names = list(_names(directory, source))
    drawn = random.Random(seed).sample(names, min(sample, len(names)))
    _mutmut(directory, "run", "--max-children", "1", *drawn)
    results = dict(
        line.strip().split(": ") for line in _mutmut(directory, "results", "--all", "true").splitlines()
    )
    left = [_mutant(directory, name) for name in drawn if results[name] not in _NOTICED]
    known = equivalent()
    survivors = [mutant for mutant in left if mutant not in known]
    return Score(package, len(names), len(drawn), len(left) - len(survivors), survivors)


def _names(directory: Path, source: str) -> Iterator[str]:
    with contextlib.chdir(directory):
        reset_config()
        for path in sorted(Path(source).rglob("*.py")):
            for name in mutate_file_contents(str(path), path.read_text(encoding="utf-8")).mutant_names:
                yield get_mutant_name(path, name)
    reset_config()


def _mutant(directory: Path, name: str) -> Mutant:
    lines = _mutmut(directory, "show", name).splitlines()
    changed = [f"{line[0]} {line[1:].strip()}" for line in lines if re.match(r"[-+](?![-+]{2} )", line)]
    function = re.sub(r"__mutmut_\d+$", "", name).replace(".xǁ", ".").replace(".x_", ".").replace("ǁ", ".")
    return Mutant(function, "\n".join(changed))


def _mutmut(directory: Path, *arguments: str) -> str:
    """Hashes are not random, so that the tests of a mutant run in the same order each time."""
    program = Path(sysconfig.get_path("scripts")) / "mutmut"
    done = subprocess.run(
        [program, *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        text=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        told = [line for line in done.stdout.splitlines() if not re.match("[\u2800-\u28ff] ", line)]
        raise RuntimeError("\n".join([f"mutmut {arguments[0]} failed:", *told[-40:], done.stderr]))
    return done.stdout


def report(scores: Sequence[Score]) -> str:
    """A table, and the survivors in the form of an entry of `equivalent.toml`."""
    lines = ["| Package | Mutants | Sample | Equivalent | Survived | Noticed |", "|---|---|---|---|---|---|"]
    lines += [one.row() for one in scores]
    for mutant in [mutant for one in scores for mutant in one.survivors]:
        lines += ["", f'function = "{mutant.function}"', "changes = ['''", mutant.change, "''']"]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.score", description=__doc__)
    parser.add_argument("packages", nargs="+", choices=PACKAGES)
    parser.add_argument("--sample", type=int, default=SAMPLE, help="mutants of each package (%(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="draws other mutants (%(default)s)")
    parser.add_argument("--into", type=Path, default=ROOT / "build" / "mutation", help="where the copies are")
    given = parser.parse_args(arguments)
    scores = [score(one, given.into / one, given.sample, given.seed) for one in given.packages]
    print(report(scores))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
