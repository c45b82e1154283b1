"""Names of people: read into words, without titles and particles, and compared.

A name is more than its words. What stands first is the given name in most of the world, so "Ahmed Hassan" and "Mohamed Ahmed
Hassan" are father and son, while "Ahmed Hassan" and "Ahmed Hassan Ali" may be one man. People fill in forms in either order, so
the whole name in another order is the same name, unless both words are given names: Ali Hassan and Hassan Ali are two men.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from rules.compare.compounds import together
from rules.compare.letters import LONGEST, folded, plain, wide
from rules.compare.levels import DIFFERENT, EQUAL, MISSING, RANK, Verdict
from rules.compare.table import words_by_use
from rules.compare.words import SAME, Word, likeness, word
from rules.ruleset import AttributeKind, Level

_REMEMBERED = 8_192
_MOST_WORDS = 10
_USES = words_by_use("name_words")
_PLACEHOLDERS, _TITLES, _DEGREES, _PARTICLES = (
    _USES[use] for use in ("placeholder", "title", "degree", "particle")
)
_GENERATIONS = {
    word: place for place, use in enumerate(("senior", "junior", "third", "fourth"), 1) for word in _USES[use]
}
_TWO = 2
_DIGITS = str.maketrans({"2": "a", "3": "a", "5": "kh", "6": "t", "7": "h", "8": "gh", "9": "s"})

_TOGETHER = Verdict("similar", "written together or apart")
_REORDERED = Verdict("similar", "the words in another order")
_OTHER_ORDER = Verdict("near", "the same words in another order")
_MIDDLE = Verdict("similar", "an initial for a middle name")
_PART = Verdict("compatible", "a part of the name")


class Name(NamedTuple):
    """`words` in their order, none for a placeholder such as `unknown`; `joined` all of it without spaces; `generation` 0 if
    none is written."""

    folded: str
    words: tuple[Word, ...]
    joined: str
    generation: int


def compare(kind: AttributeKind, one: str, other: str) -> Verdict:
    """Of kind `name`, `given_name` or `family_name`."""
    if len(one) > LONGEST or len(other) > LONGEST:
        return EQUAL if one.casefold().split() == other.casefold().split() else DIFFERENT
    ours, theirs = name(one), name(other)
    if not ours.words or not theirs.words:
        return MISSING
    if ours.folded == theirs.folded:
        return EQUAL
    found = _of_words(kind, ours, theirs)
    if ours.generation == theirs.generation:
        return found
    if ours.generation and theirs.generation:
        return DIFFERENT
    return found if found == DIFFERENT else Verdict("compatible", "junior or senior on one side")


@lru_cache(_REMEMBERED)
def name(text: str) -> Name:
    """Read a name of at most `LONGEST` characters."""
    seen = folded(text)
    tokens = [_arabizi(token) for token in plain(seen).split()[:_MOST_WORDS]]
    if "".join(tokens) in _PLACEHOLDERS or all(
        token in _PLACEHOLDERS or token.isdecimal() for token in tokens
    ):
        return Name(seen, (), "", 0)
    wider = dict(zip(tokens, plain(wide(seen)).split(), strict=False))
    generation = 0
    while len(tokens) > 1 and tokens[0] in _TITLES:
        del tokens[0]
    while len(tokens) > 1 and (tokens[-1] in _DEGREES or tokens[-1] in _GENERATIONS):
        generation = max(generation, _GENERATIONS.get(tokens.pop(), 0))
    words = tuple(word(one, wider.get(one, "")) for one in _without_particles(list(together(tokens))))
    return Name(seen, words, "".join(tokens), generation)


def _arabizi(token: str) -> str:
    """A word with the digits that stand for Arabic letters in chats: M7md, 3adel. Other words stay."""
    return token if token.isalpha() or not token.isalnum() or token.isdecimal() else token.translate(_DIGITS)


def _without_particles(tokens: list[str]) -> list[str]:
    """A particle counts as a word where only one other word would be left behind it: Al Bundy."""
    kept = [token for token in tokens if token not in _PARTICLES]
    return (
        tokens if not kept or (len(kept) == 1 and tokens[0] in _PARTICLES and len(tokens) == _TWO) else kept
    )


# ---- words beside words ----


def _of_words(kind: AttributeKind, one: Name, other: Name) -> Verdict:
    if one.joined == other.joined:
        return _TOGETHER
    given = kind != "family_name"
    if len(one.words) == len(other.words) == 1:
        return likeness(one.words[0], other.words[0], given=given)
    shorter, longer = (
        (one.words, other.words) if len(one.words) <= len(other.words) else (other.words, one.words)
    )
    found = (
        _straight(shorter, longer, given=given)
        if len(shorter) == len(longer)
        else _longer(kind, shorter, longer)
    )
    if found.reaches("similar"):
        return found
    if len(shorter) < len(longer) and not word(one.joined).sounds.isdisjoint(word(other.joined).sounds):
        return _TOGETHER
    if len(shorter) == len(longer) - 1 and _match_joined(shorter, longer, given=given):
        return _TOGETHER
    if len(shorter) == len(longer) and _all_match(shorter, longer, "similar", given=given):
        return _REORDERED if kind == "name" and not _all_given(shorter) else _OTHER_ORDER
    return found


def _straight(one: Sequence[Word], other: Sequence[Word], *, given: bool) -> Verdict:
    """Word by word. Initials of middle names count as these names."""
    found = [likeness(mine, yours, given=given) for mine, yours in zip(one, other, strict=True)]
    outer = _worst((found[0], found[-1]))
    if len(found) > _TWO and outer.reaches("similar") and _worst(found).likeness == "compatible":
        return _MIDDLE
    return _worst(found)


def _longer(kind: AttributeKind, shorter: Sequence[Word], longer: Sequence[Word]) -> Verdict:
    """One side has more words than the other."""
    given = kind != "family_name"
    for level in ("similar", "near", "compatible"):
        if _all_match(shorter, longer, level, given=given):
            break
    else:
        return DIFFERENT
    begins = likeness(shorter[0], longer[0], given=given).reaches(level)
    turned = len(shorter) > 1 and likeness(shorter[-1], longer[0], given=given).reaches(level)
    is_whole = kind == "family_name" or (begins and (kind == "given_name" or len(shorter) > 1))
    is_whole = is_whole or (kind == "name" and turned and not _all_given(shorter))
    return Verdict(level, "one side has a word more") if is_whole else _PART


def _match_joined(shorter: Sequence[Word], longer: Sequence[Word], *, given: bool) -> bool:
    """Whether two words of the longer side are one word of the shorter."""
    joined = ((at, word(longer[at].plain + longer[at + 1].plain)) for at in range(len(longer) - 1))
    return any(
        one.plain in {each.plain for each in shorter}
        and _all_match(shorter, (*longer[:at], one, *longer[at + 2 :]), "similar", given=given)
        for at, one in joined
    )


def _all_match(shorter: Sequence[Word], longer: Sequence[Word], level: Level, *, given: bool) -> bool:
    """Whether each word of the shorter side has a word of its own on the other side that reaches the level."""
    fits: list[list[int]] = []
    taken: dict[int, int] = {}
    for place, mine in enumerate(shorter):
        fits.append(
            [at for at, yours in enumerate(longer) if likeness(mine, yours, given=given).reaches(level)]
        )
        if not _place(place, fits, taken, set()):
            return False
    return True


def _place(mine: int, fits: Sequence[Sequence[int]], taken: dict[int, int], tried: set[int]) -> bool:
    for place in fits[mine]:
        if place not in tried:
            tried.add(place)
            if place not in taken or _place(taken[place], fits, taken, tried):
                taken[place] = mine
                return True
    return False


def _all_given(words: Sequence[Word]) -> bool:
    return all(one.known.groups for one in words)


def _worst(found: Sequence[Verdict]) -> Verdict:
    return max(found, key=lambda one: (RANK[one.likeness], one is not SAME, one.how))


def sounds_of(text: str) -> tuple[frozenset[str], ...]:
    """For each word of a name what it has in common with other spellings of it, roughly: two names that are alike mostly share one
    of these in each word."""
    return tuple(
        frozenset(map(str, one.known.groups)) or frozenset(one.bones) or frozenset(one.spellings)
        for one in name(text[:LONGEST]).words
    )
