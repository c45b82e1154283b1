"""The input of the normalisation benchmark: equally many mobiles and e-mails without repetitions, the mobiles of all regions in
random order."""

import random
import sys
import time
from collections.abc import Callable, Iterator

import msgspec
import phonenumbers
from phonenumbers import PhoneNumberType

WARM_UP = 3_000
"""Texts that are normalised before the clock starts. A server that runs for months pays once for the first number of each region
and the first address of each domain, so the benchmark leaves that out."""
DOMAINS = 400


class Corpus(msgspec.Struct, frozen=True):
    mobiles: list[str]
    emails: list[str]


class Timing(msgspec.Struct, frozen=True):
    """The time for the corpus after its warm-up, in seconds, and the resulting keys, mobiles first."""

    mobiles: float
    emails: float
    keys: list[str]


def corpus(size: int, rng: random.Random) -> Corpus:
    """`size` mobiles and as many e-mails, each with `WARM_UP` more for the warm-up."""
    size += WARM_UP
    mobiles = list(dict.fromkeys(_mobile(rng) for _ in range(2 * size)))[:size]
    return Corpus(mobiles, [_email(number, rng) for number in range(len(mobiles))])


_REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
_MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


def _mobile(rng: random.Random) -> str:
    """A region's example number, in E.164, with random last digits until the library calls it a mobile."""
    while True:
        example = phonenumbers.example_number_for_type(rng.choice(_REGIONS), PhoneNumberType.MOBILE)
        if example is None or example.national_number is None:
            continue
        example.national_number += rng.randrange(10_000) - example.national_number % 10_000
        if phonenumbers.number_type(example) in _MOBILE:
            return phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)


def _email(number: int, rng: random.Random) -> str:
    """One in ten begins with a capital letter, as people type addresses into forms."""
    name = f"{rng.choice(_NAMES)}.{rng.choice(_NAMES)}{number}"
    return f"{name.title() if number % 10 == 0 else name}@mail{rng.randrange(DOMAINS)}.example.com"


_NAMES = (
    "amira",
    "ben",
    "carla",
    "dmitri",
    "eszter",
    "farid",
    "grace",
    "hiro",
    "ines",
    "jonas",
    "kaya",
    "leila",
)


def main(mobile: Callable[[str], str], email: Callable[[str], str]) -> None:
    """A `Corpus` on stdin, its `Timing` on stdout: one process for each side, so that neither warms up the other's
    libraries."""
    read = msgspec.json.decode(sys.stdin.buffer.read(), type=Corpus)
    mobiles, mobile_keys = _timed(mobile, read.mobiles)
    emails, email_keys = _timed(email, read.emails)
    sys.stdout.buffer.write(msgspec.json.encode(Timing(mobiles, emails, [*mobile_keys, *email_keys])))


def _timed(normalise: Callable[[str], str], texts: list[str]) -> tuple[float, Iterator[str]]:
    for text in texts[:WARM_UP]:
        normalise(text)
    began = time.perf_counter()
    keys = [normalise(text) for text in texts[WARM_UP:]]
    return time.perf_counter() - began, iter(keys)
