"""A file about people that a command writes: for its owner only, and complete or absent."""

import contextlib
import errno
import os
import stat
from collections.abc import Generator
from pathlib import Path
from typing import TextIO

from gateway.cli.failure import Failure


@contextlib.contextmanager
def private_file(path: Path) -> Generator[TextIO]:
    """An empty file, in place of an earlier one. A link is not followed. If the block fails, the file is removed, unless it is a
    device or a pipe."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise Failure(
                f"{path}: is a link, which is not followed; remove it or name another file"
            ) from None
        raise
    is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
    if is_file:
        os.fchmod(descriptor, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            yield file
    except BaseException as error:
        if is_file:
            path.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise Failure(f"{path}: {error.strerror}; nothing was kept") from None
        raise
