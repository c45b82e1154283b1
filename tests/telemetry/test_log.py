"""The log's file."""

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

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


def test_a_pipe_that_nobody_reads_is_an_error_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = LogWriter(str(path))
    path.rename(tmp_path / "moved")
    os.mkfifo(path)
    with pytest.raises(OSError, match="No such device"):
        log.reopen()
    log.write_now(b"after")
    log.close()
    assert (tmp_path / "moved").read_bytes() == b"after\n"


def test_a_pipe_with_a_reader_gets_every_line_of_the_log(tmp_path: Path) -> None:
    """It holds 64 KiB; what does not fit waits for the reader."""
    path, lines = tmp_path / "log", [b"%06d" % number for number in range(50_000)]
    os.mkfifo(path)
    with open(tmp_path / "read", "wb") as read:
        reader = subprocess.Popen(["/bin/cat", path], stdout=read)
    log = opened_log(path)
    for line in lines:
        log.write_now(line)
    log.close()
    assert reader.wait(60) == 0
    assert (tmp_path / "read").read_bytes().splitlines() == lines


def opened_log(path: Path) -> LogWriter:
    """Once the reader has opened the pipe."""
    while True:
        with contextlib.suppress(OSError):
            return LogWriter(str(path))
