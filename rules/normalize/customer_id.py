"""Customer ids: one id written in several ways stays one id, and a text that programs write when they have no customer is not
an id.

An id is opaque: its case, zeros and punctuation stay. Only what copying, fixed-width columns and keyboards add is removed.
Placeholders are matched more loosely, because a wrong match costs a warning, and a missed one joins strangers.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Literal, NamedTuple

from rules.normalize.no_customer import NO_CUSTOMER, letters
from rules.normalize.spreadsheet import lost_digits, unquoted
from rules.normalize.written import ascii_digits, visible
from rules.ruleset import IdSpaceRules, RuleSet

LONGEST = 100
"""The most characters of a customer id. A longer text is not an id, and callers refuse it."""
LONGEST_WRITTEN = 1_000
"""The same limit for a text with its outer blanks and marks."""
_REMEMBERED = 16_384
_EDGES = "\u200c\u200d\u2061\u2062\u2063\u2064\u2800\u3164\u115f\u1160\uffa0\ufe0e\ufe0f\ufffc"
"""Invisible at the edges of a text. Inside a text, some of them separate words."""
_QUOTES = "\"'`\u00b4\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"))
_NOTHING = re.compile(
    r"""
    [0\s!-/:-@\[-`{-~\u2026\u2022\u00b7\u00a1\u00bf]*           # zeros and punctuation, such as 0.0, ---, {}, a nil UUID
    | 0x0+ | 0+(?:\.0*)?e[+-]?[0-9]+                            # zero in other notations
    | -1(?:[.,]0*)? | -?1\.\#[a-z]+                             # minus one; 1.#IND and its like
    | -9{2,} | ([1-9])\1{9,} | x[ae]xx010101000                 # a code for nothing; one key held down; Mexico's tax id for all
    | 2147483647 | -2147483648 | 4294967295                     # numbers that overflowed their column
    | 9223372036854775807 | -9223372036854775808 | 18446744073709551615
    | \{?f{8}-?(?:f{4}-?){3}f{12}\}? | urn:uuid:[0-]+           # the largest UUID, and the nil one
    | gid://[^\s]*/(?:0*|null|undefined|nan|none)               # a global id without its number
    | \#[\u00a1\u00bf]?[^\W_]+(?:/[^\W_]*)?[!?] | \#n/?[adv]    # a spreadsheet's error, in its languages
    | \#[^\W\d_]{1,3}/[^\W\d_]{1,3}                                # #N/A in others
    | \\n | &nbsp;?                                             # a database's dump, a web page
    | \{\{.*\}\} | [$\#]\{.*\} | <%.*%> | %\([a-z_]+\)[sd] | %[sd] | %!?[a-z_.]*%   # a template that was not filled in
    | <\?.*\?> | \{[!%$=].*\} | \{(?:[a-z_.\ ]+|[0-9])\} | <[a-z_.\ ]+> | \[[a-z_.\ ]+\] | [:@$](?:customer|user)_?id
    | <(?:class|built-in|function|bound|object|module)\b.*> | %![a-z]\(.*\)         # a program's own words for a value
    | function\b.*\(.* | system\.[a-z.]+(?:\[\])? | \[object\b.*\]
    | (?:.*[/:=|_\ -])?\(?(?:null|undefined)\)?(?:[\ _-]?(?:null|undefined))*       # also behind a prefix: customer_null
    | (?:customer|cust|cus|client|user|usr|member|guest|id)(?:nan|nil|none|null|undefined)
    """,
    re.VERBOSE | re.DOTALL,
)
_COUNTED = re.compile(r"(?:[A-Za-z]+[-_:]?)?[1-9][0-9]{0,8}")
"""Recognises most ids quickly: a counted number, perhaps after a word."""
_DECIMALS = re.compile(r"([+-]?[0-9]+)[.,]0{1,2}")

Reason = Literal[
    "",
    "placeholder",  # what a program or a person writes where there is no customer
    "digits_lost",  # 4.71E+12: a spreadsheet's short form, the same for many numbers
]


class CustomerId(NamedTuple):
    """`value` is the id as records store it, "" for a blank text. With a `reason`, it is not the id of one customer."""

    value: str
    reason: Reason = ""


class _Exceptions(NamedTuple):
    """What an id space says about ids that look otherwise: as they are compared."""

    real: frozenset[str]
    placeholders: frozenset[str]

    @classmethod
    def of(cls, rules: IdSpaceRules) -> "_Exceptions":
        return cls(frozenset(map(normal_form, rules.real_ids)), frozenset(map(_folded, rules.placeholders)))


class CustomerIds:
    """Normalises the customer ids of a rule set's id spaces. Thread-safe."""

    def __init__(self, ruleset: RuleSet) -> None:
        self._other = _Exceptions.of(ruleset.other_id_spaces)
        self._of = {name: _Exceptions.of(rules) for name, rules in ruleset.id_spaces.items()}
        self.read = lru_cache(_REMEMBERED)(self._read)

    def _read(self, text: str, id_space: str) -> CustomerId:
        value, exceptions = normal_form(text), self._of.get(id_space, self._other)
        if not value or len(value) > LONGEST or value in exceptions.real:
            return CustomerId(value)
        if _folded(value) in exceptions.placeholders or is_placeholder(value):
            return CustomerId(value, "placeholder")
        return CustomerId(value, "digits_lost" if lost_digits(value) else "")


def normal_form(text: str) -> str:
    """The text in NFC, without outer blanks and invisible marks. Applying it again changes nothing."""
    if text.isascii():
        return text.strip()
    while (plain := visible(unicodedata.normalize("NFC", text)).strip(_EDGES)) != text:
        text = plain
    return text


def is_placeholder(value: str) -> bool:
    """Whether programs or people write this text where there is no customer, in any id space."""
    if _COUNTED.fullmatch(value):
        return False
    text = _folded(value)
    return _NOTHING.fullmatch(text) is not None or letters(text) in NO_CUSTOMER


def from_spreadsheet(text: str) -> str:
    """A cell's customer id without what spreadsheets add: the apostrophe, the quotation marks and the `="…"` that keep a text
    from becoming a formula or a number, and the decimals of a number. `1.000` may be a thousand, so it stays."""
    if len(text) > LONGEST_WRITTEN:
        return text
    text = unquoted(text.strip())
    whole = _DECIMALS.fullmatch(text)
    return whole[1] if whole else text


def _folded(value: str) -> str:
    """For comparing only."""
    if not value.isascii():
        value = ascii_digits(unicodedata.normalize("NFKC", value)).translate(_DASHES)
    return value.casefold().strip(_QUOTES).strip()
