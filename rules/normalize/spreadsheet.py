"""What a spreadsheet does to a value: the marks that it puts around text, and the decimals that it adds to whole numbers.

Every function here is idempotent and accepts any string.
"""

import re

APOSTROPHES = frozenset("'`\u00b4\u2018\u2019\u201b\u2032\u02bc")
"""The apostrophe that keeps a cell text: straight, or as word processors and keyboards change it."""

_OPENING = APOSTROPHES | set('="\u201c\u201d\u201e\u00ab')
_AS_FORMULA = re.compile(r"=\s*(?:\"(.*)\"|'(.*)')", re.DOTALL)
_IN_QUOTES = re.compile(r'"(.*)"|[\u201c\u201d\u201e](.*)[\u201c\u201d]|\u00ab(.*)\u00bb', re.DOTALL)

_SCIENTIFIC = re.compile(r"(\+?\d+)(?:[.,](\d+))?e\+?0*(\d{1,2})")
_DECIMALS = re.compile(r"(.*?(\d+))([.,])(0+)")
_BY_THREE = re.compile(r"\+?\d{1,3}(?: \d{3}){2,}")
_GROUPED = re.compile(r"\+?\d{1,3}(?:([,'\u2019])\d{2,3})(?:\1\d{2,3})*(?<=[,'\u2019]\d{3})")
_LONGEST_GROUP = 5
"""The most digits that people write together in a number that they divide."""
_FRACTION = re.compile(r"\+?(?:\d{7,}[.,]\d{1,2}|\d{9,}[.,]\d+)")

_SHORTENED = re.compile(r"[+-]?[0-9](?:[.,][0-9]+)?e\+[0-9]{2,}", re.IGNORECASE)


def lost_digits(text: str) -> bool:
    """Whether it is a spreadsheet's short form of a long number, such as 4.71E+12. The same form stands for many numbers."""
    return _SHORTENED.fullmatch(text) is not None


def unquoted(text: str) -> str:
    """The text inside `'…`, `'…'`, `"…"` and `="…"`, with their typographic forms."""
    while text[:1] in _OPENING and text:
        if text[0] in APOSTROPHES:
            inside = text.strip("".join(APOSTROPHES))
        elif found := _AS_FORMULA.fullmatch(text) or _IN_QUOTES.fullmatch(text):
            inside = next(part for part in found.groups() if part is not None).replace('""', '"')
        else:
            break
        text = inside.strip()
    return text


def written_out(text: str) -> str:
    """The whole number behind `1601234567.0`, `1,601,234,567.00` and `1.601234567e9`; any other text unchanged.

    `""` if some of its digits are lost, or if it was not whole. In `06.12.34.56.00` and `0988.6868.00` the last dot separates
    too and starts no decimals: a fraction is shorter than the group before it, and a float has no other marks than those
    between thousands.
    """
    if found := _SCIENTIFIC.fullmatch(text):
        first, fraction, exponent = found[1], found[2] or "", int(found[3])
        return first + fraction[:exponent] if _exact(fraction, exponent) else ""
    if found := _DECIMALS.fullmatch(text):
        whole, last, mark, zeros = found.groups()
        by_thousands = _BY_THREE.fullmatch(whole) or _GROUPED.fullmatch(whole)
        is_float = whole.removeprefix("+") == last or len(zeros) == 1 or len(last) > _LONGEST_GROUP
        if mark == "," or by_thousands or (is_float and len(zeros) < len(last)):
            text = whole
    elif _FRACTION.fullmatch(text):
        return ""
    return re.sub(r"[^+\d]", "", text) if _GROUPED.fullmatch(text) else text


def _exact(fraction: str, exponent: int) -> bool:
    return len(fraction) >= exponent and not fraction[exponent:].strip("0")
