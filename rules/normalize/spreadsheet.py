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
_FRACTION = re.compile(r"\+?(?:\d{7,}[.,]\d{1,2}|\d{9,}[.,]\d+)")


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

    `""` if some of its digits are lost, or if it was not whole. In `06.12.34.56.00` the dot separates pairs and starts no
    decimals: a fraction is shorter than the group before it.
    """
    if found := _SCIENTIFIC.fullmatch(text):
        first, fraction, exponent = found[1], found[2] or "", int(found[3])
        return first + fraction[:exponent] if _exact(fraction, exponent) else ""
    if found := _DECIMALS.fullmatch(text):
        whole, last, mark, zeros = found.groups()
        if mark == "," or len(zeros) < len(last) or _BY_THREE.fullmatch(whole) or _GROUPED.fullmatch(whole):
            text = whole
    elif _FRACTION.fullmatch(text):
        return ""
    return re.sub(r"[^+\d]", "", text) if _GROUPED.fullmatch(text) else text


def _exact(fraction: str, exponent: int) -> bool:
    return len(fraction) >= exponent and not fraction[exponent:].strip("0")
