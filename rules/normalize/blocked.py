"""Blocked values: placeholders such as `null`, the shop's own number, and everything else that must not join people.

The more values are blocked, the fewer merges there are (I16). A blocked value is still a key; it only never joins.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from rules.normalize.customer_id import is_placeholder
from rules.normalize.email import normalize_email
from rules.normalize.lists import JUNK, JUNK_EMAILS, JUNK_LOCALS, JUNK_PHONE_TAILS
from rules.normalize.no_customer import NO_CUSTOMER
from rules.normalize.phone import normalize_phone
from rules.ruleset import Blocked, IdentifierKind, IdentifierRules

OWN = "own:"
"""Prefix of entries in `phones` that name one of the operators' own lists."""
NO_LISTS: Mapping[str, frozenset[str]] = MappingProxyType({})

QUOTES = "\"'`"
_SIGNS = str.maketrans("", "", ".-_")
"""Signs inside the words of an address."""

_NUMBERED = re.compile(r"\\[1-9]")
_SPECIAL = re.compile(r"\(\?[aiLmsuxP(]")


class Blocklist:
    """All blocked values for one kind of identifier."""

    def __init__(
        self, blocked: Blocked, kind: IdentifierKind, own: Mapping[str, frozenset[str]] = NO_LISTS
    ) -> None:
        words = {folded(word) for word in blocked.exact}
        patterns = list(blocked.patterns)
        self._tails: tuple[str, ...] = ()
        self._like_a_customer_id = kind == "opaque" and blocked.builtin
        self._like_no_address = kind == "email" and blocked.builtin
        if blocked.builtin:
            words |= JUNK
        match kind:
            case "phone":
                words |= {*_phones(blocked.phones, own)}
                self._tails = JUNK_PHONE_TAILS if blocked.builtin else ()
            case "email":
                words |= JUNK_EMAILS if blocked.builtin else set()
                words |= {_email(address) for address in blocked.emails if "*" not in address}
                patterns += [_glob(address) for address in blocked.emails if "*" in address]
            case "opaque":
                pass
        self._words = frozenset(words)
        self._finds = _finders(patterns)

    def covers(self, text: str) -> bool:
        """Whether this key, or this raw text as `folded` gives it, is blocked."""
        if text in self._words or (self._tails and text.endswith(self._tails)):
            return True
        if self._like_a_customer_id and is_placeholder(text):
            return True
        if self._like_no_address and _is_no_address(text):
            return True
        for find in self._finds:  # noqa: SIM110 - `any` over a generator costs as much as the search itself
            if find(text):
                return True
        return False


def folded(written: str) -> str:
    """Raw text in the form that the lists hold: case folded, without outer spaces and quotes."""
    return written.strip().strip(QUOTES).strip().casefold()


def _phones(entries: Iterable[str], own: Mapping[str, frozenset[str]]) -> Iterable[str]:
    rules = IdentifierRules("phone")
    for entry in entries:
        if entry.startswith(OWN):
            yield from own.get(entry.removeprefix(OWN), ())
        else:
            yield normalize_phone(entry, None, rules).value or folded(entry)


def _email(address: str) -> str:
    return normalize_email(address, IdentifierRules("email")).value or folded(address)


def _is_no_address(address: str) -> bool:
    """Whether people type it where they have no address: a word for nothing before the @, or on both sides of it."""
    local, _, domain = address.partition("@")
    word = local if local.isalpha() else local.translate(_SIGNS)
    return word in JUNK_LOCALS or (domain.startswith(f"{local}.") and _is_no_name(word))


def _is_no_name(word: str) -> bool:
    return word in JUNK or word in NO_CUSTOMER or len(set(word)) == 1


def _glob(address: str) -> str:
    return f"^{re.escape(folded(address)).replace(re.escape('*'), '.*')}$"


def _finders(patterns: list[str]) -> tuple[Callable[[str], re.Match[str] | None], ...]:
    """Combines the patterns into as few searches as possible. A pattern that can only match at the start is not tried
    elsewhere."""
    anchored = [pattern for pattern in patterns if _at_start_only(pattern)]
    floating = [pattern for pattern in patterns if pattern not in anchored]
    return (*(one.match for one in _joined(anchored)), *(one.search for one in _joined(floating)))


def _joined(patterns: list[str]) -> list[re.Pattern[str]]:
    """One alternation of all patterns. Patterns with flags, names or conditions stay separate.

    A pattern that refers to its groups by number has to come first, where its numbers do not change.
    """
    alone = [pattern for pattern in patterns if _SPECIAL.search(pattern)]
    numbered = [pattern for pattern in patterns if pattern not in alone and _NUMBERED.search(pattern)]
    plain = [pattern for pattern in patterns if pattern not in alone and pattern not in numbered]
    together = "|".join(f"(?:{pattern})" for pattern in (*numbered[:1], *plain))
    return [re.compile(pattern) for pattern in (*alone, *numbered[1:], together) if pattern]


def _at_start_only(pattern: str) -> bool:
    """True only if it is certain: the pattern starts with `^` and has no alternative outside brackets."""
    bare = re.sub(r"\\.|\[\^?\]?[^\]]*\]", "", pattern)
    while (outer := re.sub(r"\([^()]*\)", "", bare)) != bare:
        bare = outer
    return pattern.startswith("^") and "|" not in bare
