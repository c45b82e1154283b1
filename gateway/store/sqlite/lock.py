"""Keeps a second process off a SQLite file. The lock is on the file itself, so that another name for it does not help."""

import contextlib
import fcntl
import os
from pathlib import Path


class FileLock:
    """Held from `take` to `release`. There are two locks: one on the file, which cannot be evaded by a symbolic link, a hard link
    or a removed side file, and one on the side file `.lock`, which gateways of earlier versions check.

    The operating system drops SQLite's own locks when any descriptor of the file is closed. So `take` comes before the first
    connection of this process, and `release` after the last.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: list[int] = []

    def take(self) -> bool:
        """Whether no other process holds the file. If there is none, it is created, empty and only for its owner."""
        try:
            for path, no_link in ((f"{self._path}.lock", os.O_NOFOLLOW), (self._path, 0)):
                self._held.append(os.open(path, os.O_RDWR | os.O_CREAT | no_link, 0o600))
                fcntl.flock(self._held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            return False
        except BaseException:
            self.release()
            raise
        return True

    def release(self) -> None:
        """May be called again."""
        while self._held:
            with contextlib.suppress(OSError):
                os.close(self._held.pop())
