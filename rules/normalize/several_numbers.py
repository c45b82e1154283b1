"""More than one telephone number in one value: `0100…;0111…`, `0151… oder 030…`, `030 1234567/68`.

Taking the first number would guess who answers it, so such a value is refused.
"""

import re
from collections.abc import Iterator

_PARAMETER = re.compile(r";(?!ext=)[a-z-]+=[^;]*")
_MARK = re.compile(r"[^\d\s.()\[\]/+-]+|(?<=[\d)\s])(?=\+)")
_GAP = re.compile(r"\s*[\s/-]\s*")
_LAST_DIGITS = re.compile(r"(.*\d)\s*/\s*-?\d{1,2}")
_SHORTEST, _USUAL, _LONGEST = 4, 7, 17
"""Some islands have numbers of four digits. Seven digits are a number everywhere, and no extension. The longest numbers have 15
digits and an exit code."""


def marked_apart(text: str) -> bool:
    """Whether a mark or a word separates two parts that are numbers by their lengths alone."""
    return _as_long([_digits(part) for part in _MARK.split(_PARAMETER.sub("", text))])


def without_last_digits(text: str) -> str:
    """The first number of `030 1234567/68`, a short form for two numbers; otherwise `""`."""
    found = _LAST_DIGITS.fullmatch(text)
    return found[1] if found and _digits(found[1]) >= _USUAL else ""


def halves(text: str) -> Iterator[tuple[str, str]]:
    """Every way in which a space, a slash or a hyphen can separate two numbers."""
    for gap in _GAP.finditer(text):
        before, after = text[: gap.start()], text[gap.end() :]
        lengths = [_digits(before), _digits(after)]
        if max(lengths) <= _LONGEST and _as_long(lengths):
            yield before, after


def is_number(extension: str, national: str) -> bool:
    """Whether an extension is as long as a whole number."""
    return _as_long([len(national), len(extension)])


def _as_long(lengths: list[int]) -> bool:
    first, *others = [length for length in lengths if length] or [0]
    return any((other >= _USUAL and first > _SHORTEST) or _SHORTEST <= other == first for other in others)


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))
