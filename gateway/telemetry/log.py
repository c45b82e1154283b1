"""The log's lines, on stdout or in a file.

The one line per request costs a fraction of a logger's call and may be lost with the last 50 ms of lines in a crash; the audit log
is in the database and loses nothing."""

import asyncio
import contextlib
import os
import sys

import msgspec

from gateway.telemetry.escape import escaped_line

_encode = msgspec.json.Encoder().encode
_FLUSH_BYTES = 32 * 1024
_FLUSH_SECONDS = 0.05


class LogWriter:
    """Appends JSON lines to stdout or a file; `write` never blocks on anything but the file itself."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = self._opened() if path else sys.stdout.fileno()
        self._lines: list[bytes] = []
        self._size = 0
        self._flush_planned = False

    def _opened(self) -> int:
        """A link is not followed, except for the system's own names of open files: /dev/stdout is one. A pipe without a reader
        is an error, because opening it would wait for one."""
        no_link = 0 if self._path.startswith(("/dev/", "/proc/")) else os.O_NOFOLLOW
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK
        opened = os.open(self._path, flags | no_link, 0o640)
        os.set_blocking(opened, True)
        return opened

    def reopen(self) -> None:
        """Continue in a new file of the same name, after the old one was moved away. Raises OSError, and then keeps the old one."""
        if not self._path or self._fd < 0:
            return
        self.flush()
        fresh = self._opened()
        os.close(self._fd)
        self._fd = fresh

    def write(self, line: bytes) -> None:
        line = escaped_line(line)
        self._lines.append(line)
        self._size += len(line)
        if self._size >= _FLUSH_BYTES:
            self.flush()
        elif not self._flush_planned:
            self._flush_planned = True
            asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        self._flush_planned = False
        if not self._lines:
            return
        data = b"\n".join(self._lines) + b"\n"
        self._lines.clear()
        self._size = 0
        with contextlib.suppress(OSError):  # a full disk costs log lines, never calls
            while data:
                data = data[os.write(self._fd, data) :]

    def write_now(self, line: bytes) -> None:
        """For lines outside the event loop: start, stop, errors."""
        self._lines.append(escaped_line(line))
        self.flush()

    def close(self) -> None:
        """Later lines are dropped. May be called again."""
        self.flush()
        if self._path and self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
