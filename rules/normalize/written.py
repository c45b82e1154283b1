"""Plain text from written text: removes what keyboards and copying add to an identifier without meaning.

Every function here is idempotent and accepts any string, lone surrogates and NUL included.
"""

import unicodedata

_MARKS = (0x00AD, 0x034F, 0x061C, 0x180E, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF)
_DIRECTIONS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_VISIBLE = dict.fromkeys((*_MARKS, *_DIRECTIONS), "")
_ASCII_FORMS = {
    0x200C: "",
    0x200D: "",
    0x02BC: "'",
    0x2019: "'",
    **{wide: chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)},
}
_INVISIBLE = frozenset({"Cf", "Mn", "Me"})
_SPACES = frozenset({"Zs", "Zl", "Zp"})
_DASHES = "\u2212\u30fc\ufe63"
_PLUSES = "\ufe62\u2795"


def visible(text: str) -> str:
    """The text without outer white space, soft hyphens, zero-width spaces and direction marks.

    The zero-width joiners stay, because they separate words in Persian and Indic scripts.
    """
    return (text if text.isascii() else text.translate(_VISIBLE)).strip()


def ascii_if_meant(text: str) -> str:
    """Full-width characters and typographic apostrophes as ASCII, without joiners, if the result is pure ASCII; any other text
    unchanged."""
    if text.isascii():
        return text
    plain = text.translate(_ASCII_FORMS).strip()
    return plain if plain.isascii() else text


def ascii_digits(text: str) -> str:
    """Decimal digits of every script as 0-9: another keyboard, but the same number."""
    if text.isascii():
        return text
    return "".join(_digit(character) for character in text)


def phone_text(text: str) -> str:
    """Lower case, with the digits, dashes, spaces, plus signs and full-width forms of every script as ASCII."""
    if not text.isascii():
        text = "".join(map(_phone_character, text))
    return " ".join(text.split()).lower()


def _digit(character: str) -> str:
    digit = unicodedata.decimal(character, -1)
    return character if digit < 0 else str(digit)


def _phone_character(character: str) -> str:
    if (digit := unicodedata.decimal(character, -1)) >= 0:
        return str(digit)
    category = unicodedata.category(character)
    if category in _INVISIBLE:
        return ""
    if category in _SPACES:
        return " "
    if category == "Pd" or character in _DASHES:
        return "-"
    if character in _PLUSES:
        return "+"
    return chr(ord(character) - 0xFEE0) if "\uff01" <= character <= "\uff5e" else character
