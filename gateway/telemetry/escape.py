"""Makes foreign text harmless: what could move a cursor, change the direction of writing or end a line is written as its number, as
JSON does, so JSON stays JSON."""

import re

_CONTROL = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\ud800-\\udfff]"
)
"""C0 and C1 controls, line and paragraph separators, bidirectional and invisible marks, lone surrogates."""


def escaped(text: str) -> str:
    """`text` without characters that do anything but being read."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def escaped_line(line: bytes) -> bytes:
    """The same for a line of JSON."""
    if line.isascii() and b"\x7f" not in line:
        return line
    return escaped(line.decode("utf-8", "backslashreplace")).encode()
