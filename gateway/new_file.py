"""A new file that is complete or absent: written under another name, and linked once it is on disk."""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path


def write_new(path: Path, pieces: Iterable[bytes], *, draft: str = "") -> None:
    """For its owner only. The other name is that of the file, 8 hexadecimal digits, and `draft`. Raises OSError, among them
    FileExistsError if the name exists."""
    other = path.with_name(f"{path.name}.{secrets.token_hex(4)}{draft}")
    try:
        with os.fdopen(os.open(other, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        os.link(other, path)
    finally:
        other.unlink(missing_ok=True)
