"""Explains where a rule file is not TOML. The parser says what it expected; the line itself often shows which habit led there."""

import re

_PLACE = re.compile(r" ?\(at (?:line (\d+), column \d+|end of document)\)$")
_ANY = "correct the syntax on or before this line"
_HABITS = (
    (r"[\u2018-\u201f\u00ab\u00bb]", 'replace the typographic quotes by "'),
    (r"[\u00a0\u200b-\u200f\u202a-\u202e\u2060\ufeff]", "delete the invisible character on this line"),
    (r"^\s*(?://|;|--)", "begin a comment with #"),
    (r"^\s*\[\[rules\]\]", "write [[rule]] above each rule"),
    (r"^\s*\[id_space\.\*\]", 'write [id_space."*"]'),
    (r"""^\s*[A-Za-z_.-]+\.\*\s*=""", "write a key with * in quotes"),
    (r"=\s*(?i:true|false|yes|no|on|off)\b", "write true or false, in lower case"),
    (r"^\s*[A-Za-z_-]+:(?:\s|$)", "write key = value, and tables as [table]"),
    (r'=.*"[^"]*\\', "write a pattern in single quotes: '^[0-9]+$'"),
    (r"^\s*\w*[^\x00-\x7f]|^\s*\[[^]\"']*[^\x00-\x7f]", "write names in Latin letters"),
)
"""What a line shows, and the remedy. The first that fits is the answer."""


def explained(error: ValueError, text: str) -> tuple[str, str, int]:
    """What is wrong, the remedy, and the line; 0 if the file as a whole is meant."""
    place = _PLACE.search(str(error))
    if place is None:
        return "holds a number that is too long", "shorten it", 0
    line = int(place[1] or text.rstrip().count("\n") + 1)
    return f"is not TOML: {str(error)[: place.start()]}", _remedy(text.split("\n")[line - 1]), line


def _remedy(line: str) -> str:
    return next((remedy for habit, remedy in _HABITS if re.search(habit, line)), _ANY)
