"""Reads the settings and the files that they name. That happens while the gateway serves, too, so it never waits for another
process, and is bounded."""

import errno
import os
import stat
from pathlib import Path

PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE)
"""A full disk, for example: no mistake in the settings, and a start that is repeated may succeed."""
_LONGEST = 16 << 20
_A_SOCKET = "it is a socket, not a file"
_KINDS = {
    stat.S_IFDIR: "it is a directory",
    stat.S_IFIFO: "it is a pipe, not a file",
    stat.S_IFSOCK: _A_SOCKET,
    stat.S_IFCHR: "it is a device, not a file",
    stat.S_IFBLK: "it is a device, not a file",
}


def text_of(path: Path) -> str:
    """The text without a byte order mark. Raises UnicodeDecodeError, and OSError for anything but a regular file of a sensible
    size."""
    with os.fdopen(opened(path), encoding="utf-8-sig") as file:
        text = file.read(_LONGEST + 1)
    if len(text) > _LONGEST:
        raise OSError(errno.EFBIG, f"it is larger than {_LONGEST >> 20} MiB", str(path))
    return text


def opened(path: Path, flags: int = 0) -> int:
    """A descriptor to read from. Raises OSError for anything but a regular file. Opening a pipe would wait for its writer."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    except ValueError:
        raise OSError(errno.EINVAL, "its name has a NUL character in it", str(path)) from None
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(errno.EINVAL, _A_SOCKET, str(path)) from None
        raise
    why = _why_no_file(os.fstat(descriptor).st_mode)
    if why:
        os.close(descriptor)
        raise OSError(errno.EINVAL, why, str(path))
    return descriptor


def why_no_file(path: Path) -> str:
    """What stands under the name, if it is something else than a file; "" if it is a file, or nothing that can be seen."""
    try:
        return _why_no_file(path.stat().st_mode)
    except (OSError, ValueError):
        return ""


def _why_no_file(mode: int) -> str:
    return "" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "it is not a file")
