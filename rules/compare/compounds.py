"""Names that are one although they are written as several words, or as one in several ways: Abd al-Rahman, Nour El Din, El Masry,
Mc Donald. Each is put into one form, so that its other spellings are the same word."""

import re
from collections.abc import Iterator, Sequence

from rules.compare.consonantal import is_consonantal
from rules.compare.given_names import groups_of
from rules.compare.table import words_by_use

_USES = words_by_use("name_words")
_ARTICLES = frozenset(("al", "el", "ul", "ال"))
_ARTICLES_OF_FAITH = _ARTICLES | {"ad", "ed", "ud"}
_SUN_ARTICLES = frozenset(
    f"{vowel}{letter}" for vowel in "aeu" for letter in ("d", "n", "r", "s", "t", "z", "sh")
)
"""The article before a letter that takes its sound: as-Sayed, er-Rashid."""
_ATTACHED_ARTICLE = re.compile(r"[ae](?:l(?=[bcdfghjklmnpqrstvwxyz]{1,2}[aeiouy]..)|([dnrstz])(?=\1...))")
_SERVANT = re.compile(r"abd(?:[aeou](?:l|sh?|[dnrtz])?)?|عبد")
_OF_SERVANT = re.compile(r"abd(?:[aeou]l|[aeou](?=([dnrstz])\1|sh))(?=.{3})|عبدال(?=.{3})")
_OF_FAITH = re.compile(r"(?<=...)(?:[aeu][ld]?d(?:i|ee)ne?|الدين)$")
_MAC = re.compile(r"mac(?=[cdfgklmnpt]...)")


def together(tokens: Sequence[str]) -> Iterator[str]:
    """The plain words of a name, with each compound as one of them."""
    at = 0
    while at < len(tokens):
        built, used = _servant(tokens, at) or _son(tokens, at) or ("", 0)
        if not built:
            after = at + (at > 0 and _is_article(tokens, at))
            built, used = _single(tokens[after]), after - at + 1
        following = at + used
        faithful = tokens[at + used - 1] in _USES["faithful"]
        if faith := _faith(tokens, following, bare=faithful):
            built, used = built + ("دين" if is_consonantal(built) else "din"), used + faith
        yield built
        at += used


def _is_article(tokens: Sequence[str], at: int) -> bool:
    """Whether the word is an article with a word after it."""
    token, following = tokens[at], tokens[at + 1] if at + 1 < len(tokens) else ""
    return bool(following) and (
        token in _ARTICLES or (token in _SUN_ARTICLES and following.startswith(token[1:]))
    )


def _servant(tokens: Sequence[str], at: int) -> tuple[str, int] | None:
    """Abd and the name after it, without the article between."""
    if not _SERVANT.fullmatch(tokens[at]):
        return None
    after = at + 1 + _is_article(tokens, at + 1) if at + 1 < len(tokens) else at + 1
    if after >= len(tokens):
        return None
    start = "عبد" if is_consonantal(tokens[at]) else "abd"
    return start + tokens[after].removeprefix("ال"), after - at + 1


def _son(tokens: Sequence[str], at: int) -> tuple[str, int] | None:
    is_son = tokens[at] in ("mc", "mac") and at + 1 < len(tokens)
    return ("mc" + tokens[at + 1], 2) if is_son else None


def _faith(tokens: Sequence[str], at: int, *, bare: bool) -> int:
    """How many of the words from here are `El Din`. Without its article it needs a name that it goes with."""
    if at < len(tokens) and (tokens[at] in _USES["faith"] or (bare and tokens[at] in _USES["bare faith"])):
        return 1
    is_article = at + 1 < len(tokens) and tokens[at] in _ARTICLES_OF_FAITH
    return 2 if is_article and tokens[at + 1] in _USES["bare faith"] else 0


def _single(token: str) -> str:
    if groups_of(token).groups:
        return token
    if found := _OF_FAITH.search(token):
        return token[: found.start()] + ("دين" if is_consonantal(token) else "din")
    for pattern, written in ((_OF_SERVANT, "abd"), (_MAC, "mc"), (_ATTACHED_ARTICLE, "")):
        if found := pattern.match(token):
            start = "عبد" if written == "abd" and is_consonantal(token) else written
            return start + token[found.end() :]
    return token
