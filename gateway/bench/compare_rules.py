"""Pairs of people compared by the levels of `rules.compare`, and the same texts by plain calls of its library. Run as `python -m
gateway.bench.compare_rules`."""

import random
import sys
import time
from collections.abc import Callable, Iterator
from itertools import product
from typing import TypeAlias

import msgspec
from rapidfuzz.fuzz import WRatio
from rapidfuzz.utils import default_process

from rules.attributes import COMPARED_AS
from rules.compare import Kinds, Person, compare_all

_GIVEN = (
    "Katharina Katarina Kate Anna Hannah Robert Bob Mohamed Mohammed محمد Ahmed أحمد Fatma فاطمة Юлия Julia Yulia Giorgos Γιώργος "
    "Jürgen Juergen Peter Maria Marie Jan Jana Ali Alia Stefan Stephan Michael Mikhail Sara سارة Hassan حسن Elena Ελένη Lukas"
)
_FAMILY = (
    "Lehmann Lehman Müller Mueller Schmidt Schmitt Meier Meyer Stone Smith Adel عادل Elsayed السيد El-Masry المصري Ivanova Иванова "
    "Papadopoulos Παπαδόπουλος Kowalski Kovalsky García Garcia Yılmaz Yilmaz O'Brien OBrien Sherbiny الشربيني Hoffmann Hofmann"
)
_KINDS: Kinds = {name: COMPARED_AS[name] for name in ("firstName", "lastName", "dateOfBirth")}
_WARM_UP = 200
_MICROSECONDS = 1_000_000

_Pair: TypeAlias = tuple[Person, Person]


class Pairs(msgspec.Struct, frozen=True):
    """Compare so many pairs."""

    pairs: int


class Cost(msgspec.Struct, frozen=True):
    """Microseconds of CPU for a pair: by the levels of names and birthday, and by the library's usual measure of the same
    texts."""

    levels: float
    plain: float


def _people(chance: random.Random) -> Iterator[Person]:
    names = list(product(_GIVEN.split(), _FAMILY.split()))
    while True:
        given, family = chance.choice(names)
        born = f"{chance.randint(1940, 2005)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
        yield {"firstName": given, "lastName": family, "dateOfBirth": born}


def _by_levels(one: Person, other: Person) -> None:
    compare_all(_KINDS, one, other)


def _by_library(one: Person, other: Person) -> None:
    for name in _KINDS:
        WRatio(one[name], other[name], processor=default_process)


def _cost(compare: Callable[[Person, Person], None], pairs: list[_Pair]) -> float:
    for pair in pairs[:_WARM_UP]:
        compare(*pair)
    began = time.process_time()
    for one, other in pairs:
        compare(one, other)
    return (time.process_time() - began) / len(pairs) * _MICROSECONDS


def main() -> None:
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=Pairs).pairs
    people = _people(random.Random(1))  # noqa: S311 - invents people
    pairs = [(next(people), next(people)) for _ in range(wanted)]
    cost = Cost(_cost(_by_levels, pairs), _cost(_by_library, pairs))
    sys.stdout.buffer.write(msgspec.json.encode(cost))


if __name__ == "__main__":
    main()
