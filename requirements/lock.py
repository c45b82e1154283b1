"""Write the lock files anew: `.venv/bin/python requirements/lock.py`.

Each package stays at the version that it has in them, as far as pyproject.toml allows it. `--upgrade` takes the newest
versions; `--upgrade-package NAME` takes those of one package."""

import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
RUNTIME, OTLP, SUGGEST, DEVELOPMENT, CLIENT, PATRONI, PEERS = (
    f"requirements/{name}.txt"
    for name in ("runtime", "otlp", "suggest", "development", "client", "patroni", "peers")
)
_OPTIONS = (
    "--universal",
    "--generate-hashes",
    "--only-binary=:all:",
    "--emit-build-options",
    "--no-annotate",
    "--custom-compile-command=.venv/bin/python requirements/lock.py",
    "--quiet",
)
"""For every platform at once; a source archive would bring build tools that no hash covers."""
_PROJECT = ("pyproject.toml", "-")
_SMALL = ("--extra=postgres", "--extra=sqlite")
"""What every installation gets. The packages of `suggest` are ten times as large as all others."""


def main(arguments: list[str]) -> None:
    _write(RUNTIME, [*_SMALL, *_PROJECT, *arguments])
    _write(OTLP, [*_SMALL, "--extra=otlp", f"--constraints={RUNTIME}", *_PROJECT, *arguments])
    for file, extra in ((OTLP, "otlp"), (SUGGEST, "suggest")):
        _write(file, [*_SMALL, f"--extra={extra}", f"--constraints={RUNTIME}", *_PROJECT, *arguments])
    known = (f"--constraints={SUGGEST}", f"--constraints={OTLP}")
    _write(DEVELOPMENT, ["--group=dev", "--all-extras", *known, *_PROJECT, *arguments])
    _write(CLIENT, ["--group=client", *arguments])
    _write(PATRONI, ["--group=patroni", "--no-deps", *arguments])
    _write(PEERS, ["--group=peers", f"--constraints={SUGGEST}", *arguments])


def _write(file: str, options: list[str]) -> None:
    """What is read from stdin (`-`) is what builds the project."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    program = shutil.which("uv", path=sysconfig.get_path("scripts"))
    if program is None:
        sys.exit("uv is not installed in this environment; run `make lint` once.")
    command = [program, "pip", "compile", *_OPTIONS, *options, "--output-file", file]
    subprocess.run(  # noqa: S603 - what was installed from the lock file
        command, cwd=ROOT, check=True, text=True, input="\n".join(build), stdout=subprocess.DEVNULL
    )


if __name__ == "__main__":
    main(sys.argv[1:])
