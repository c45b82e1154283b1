"""Makes foreign text harmless: what could move a cursor, change the direction of writing or end a line is written as its number, as
JSON does, so JSON stays JSON. In CSV, nothing is a formula."""

import csv
import io
import re
from collections.abc import Iterable

_CONTROL = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\ud800-\\udfff]"
)
"""C0 and C1 controls, line and paragraph separators, bidirectional and invisible marks, lone surrogates."""
_STARTS_FORMULA = re.compile(
    r"""(^|[;,|\t\r\n])(?=[\s"'`]*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212])"""
)
"""Where a cell begins, for every separator that a reader may use; and blanks and quotes that programs remove before a
formula."""


def escaped(text: str) -> str:
    """`text` without characters that do anything but being read."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def escaped_line(line: bytes) -> bytes:
    """The same for a line of JSON."""
    if line.isascii() and b"\x7f" not in line:
        return line
    return escaped(line.decode("utf-8", "backslashreplace")).encode()


def csv_line(cells: Iterable[object], *, ends: str = "\n") -> str:
    """A line of CSV whose cells are text in every spreadsheet: an apostrophe is added before anything that could start a
    formula."""
    line = io.StringIO()
    csv.writer(line, lineterminator=ends).writerow(
        [_STARTS_FORMULA.sub(r"\1'", escaped(str(cell))) for cell in cells]
    )
    return line.getvalue()
