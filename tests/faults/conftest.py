"""Processes for the fault tests; each is killed when its test is over, whatever became of it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.processes import power_cut
from tests.support.processes.gateway_process import GATEWAY, Launch, Process, Settings

collect_ignore = [] if power_cut.can_be_had() else ["test_power_cut.py"]


@pytest.fixture
def prepare(tmp_path: Path) -> Iterator[Launch]:
    """`prepare(settings, directory=…, launcher=…)`: a process that is not yet started."""
    made: list[Process] = []

    def prepared(
        settings: Settings | None = None, directory: Path | None = None, launcher: Sequence[str] = GATEWAY
    ) -> Process:
        made.append(Process(directory or tmp_path / f"gateway-{len(made)}", settings, launcher))
        return made[-1]

    yield prepared
    for process in made:
        process.kill()


@pytest.fixture(scope="session")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """One gateway for all tests that it must survive unharmed."""
    process = Process(tmp_path_factory.mktemp("steady")).start()
    yield process
    process.kill()
