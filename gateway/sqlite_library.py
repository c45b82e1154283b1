"""The SQLite library of this process: that of pysqlite3 where it is installed, because it is newer, or else that of Python.

A process must open a database with one library only. The operating system knows the locks of a process, not those of a library: a
file that one of them closes is no longer locked for the other. So everything takes `sqlite3` from here, and a test checks that.
"""

import sqlite3 as of_python
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3
else:
    try:
        import pysqlite3 as sqlite3
    except ImportError:
        sqlite3 = of_python

__all__ = ["EXACT_ERRORS", "MAY_CHECKPOINT_BESIDE", "VERSION", "error_name", "sqlite3"]

VERSION = sqlite3.sqlite_version
MAY_CHECKPOINT_BESIDE = sqlite3.sqlite_version_info >= (3, 51, 3)
"""Earlier ones have the WAL-reset bug: what was committed can be lost when one connection checkpoints while another writes."""
EXACT_ERRORS: dict[str, Any] = {} if sqlite3 is of_python else {"flags": 0x02000000 | 0x2 | 0x4}
"""Arguments for a connection whose errors tell one kind of I/O error from another, as those of Python's module always do.
SQLITE_OPEN_EXRESCODE, with the two flags that are usual otherwise."""

_NAMES = {code: name for name, code in vars(of_python).items() if name.startswith("SQLITE_")}


def error_name(code: int) -> str:
    """What SQLite's documentation calls it."""
    return _NAMES.get(code, f"error {code}")
