"""A gateway in a process that is forked from one that has imported everything already: to import it takes half of what a start
costs, and the fault tests start hundreds."""

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired
from tempfile import TemporaryDirectory

import gateway.__main__

_PATIENCE = 60.0
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["gateway.app.serving", "gateway.app.supervisor", "gateway.cli.serve", "uvloop", __name__]
)


class Preloaded:
    """What the tests use of a `subprocess.Popen`."""

    def __init__(
        self,
        script: str,
        arguments: Sequence[str],
        directory: Path,
        environment: Mapping[str, str],
        output: Path,
        errors: Path | None = None,
    ) -> None:
        self._arguments = [script, *arguments]
        self._process: ForkServerProcess = _context.Process(
            target=_run,
            args=(self._arguments, str(directory), dict(environment), str(output), str(errors or output)),
            daemon=True,
        )
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    def wait(self, timeout: float | None = None) -> int:
        """As of `Popen`: negative for a signal; raises TimeoutExpired."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise TimeoutExpired(self._arguments, timeout or 0)
        return self._process.exitcode


def run(words: Sequence[str], directory: Path, environment: Mapping[str, str]) -> CompletedProcess[str]:
    """A `gateway` command from its start to its end."""
    with TemporaryDirectory() as place:
        output, errors = Path(place) / "output", Path(place) / "errors"
        child = Preloaded(gateway.__main__.__file__, words, directory, environment, output, errors)
        code = child.wait(_PATIENCE)
        return CompletedProcess(list(words), code, output.read_text(), errors.read_text())


def _run(arguments: list[str], directory: str, environment: dict[str, str], output: str, errors: str) -> None:
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    _open(0, os.devnull, os.O_RDONLY)
    _open(1, output, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    _open(2, errors, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    sys.argv = arguments
    runpy.run_path(arguments[0], run_name="__main__")


def _open(number: int, path: str, flags: int) -> None:
    opened = os.open(path, flags, 0o666)
    os.dup2(opened, number)
    os.close(opened)
