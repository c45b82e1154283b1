"""A new file that is complete or absent: written under another name, and linked once it is on disk."""

import contextlib
import errno
import os
import secrets
from collections.abc import Generator, Iterable
from pathlib import Path

_OF_THE_DIRECTORY = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EROFS)


def write_new(path: Path, pieces: Iterable[bytes], *, draft: str = "") -> None:
    """For its owner only. The other name is that of the file, 8 hexadecimal digits, and `draft`. Raises OSError about the file or
    its directory, among them FileExistsError if the name exists."""
    other = path.parent / f"{path.name}.{secrets.token_hex(4)}{draft}"
    with _about(path):
        descriptor = os.open(other, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
            os.link(other, path)
        finally:
            other.unlink(missing_ok=True)


@contextlib.contextmanager
def _about(path: Path) -> Generator[None]:
    """No error names the other file."""
    try:
        yield
    except OSError as error:
        about = path.parent if error.errno in _OF_THE_DIRECTORY else path
        raise OSError(error.errno, error.strerror, str(about)) from None
