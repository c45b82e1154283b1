"""The log's file."""

import os
from pathlib import Path

from gateway.telemetry.log import LogWriter


def test_after_it_is_closed_the_log_writes_into_nobody_elses_file(tmp_path: Path) -> None:
    """The number of a closed file is soon another one's: a socket to the database, for example."""
    log = LogWriter(str(tmp_path / "log"))
    log.write_now(b"before")
    log.close()
    other = os.open(tmp_path / "other", os.O_WRONLY | os.O_CREAT)
    log.write_now(b"after")
    log.close()
    os.close(other)
    assert (tmp_path / "log").read_bytes() == b"before\n"
    assert (tmp_path / "other").read_bytes() == b""
