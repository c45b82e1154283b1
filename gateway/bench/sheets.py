"""The files of the import benchmark: exports of the same customers from a web shop and then from a till. Three rows in ten
concern a customer who already exists, and each system writes e-mails and mobiles in its own way."""

import csv
import random
from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.bench.workload import person

HEADER = ("customer_id", "email", "mobile")
SPACES = ("web", "pos")
_AGAIN = 0.04
"""Of the web shop's rows: a second account."""
_KNOWN = 0.56
"""Of the till's rows: a customer of the web shop. Both together are 30 % of all rows."""
_MISSING = 0.1


def write_sheets(directory: Path, rows: int) -> list[Path]:
    """`rows` over two files, one per channel of `SPACES`, each row with a customer id of its own; the same rows every time."""
    rng = random.Random(rows)  # noqa: S311
    half = rows // 2
    online = _write(directory / "web.csv", rng, "w", _online(rng, half))
    return [online, _write(directory / "pos.csv", rng, "p", _offline(rng, rows - half, half))]


def _online(rng: random.Random, rows: int) -> Iterator[int]:
    newest = 0
    for _ in range(rows):
        if newest and rng.random() < _AGAIN:
            yield rng.randrange(newest)
        else:
            yield newest
            newest += 1


def _offline(rng: random.Random, rows: int, online: int) -> Iterator[int]:
    """After the web shop's customers come those that only the till knows."""
    known = int(online * (1 - _AGAIN)) or 1
    for number in range(rows):
        yield rng.randrange(known) if rng.random() < _KNOWN else online + number


def _write(path: Path, rng: random.Random, prefix: str, people: Iterator[int]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as opened:
        sheet = csv.writer(opened)
        sheet.writerow(HEADER)
        for row, number in enumerate(people):
            who, lacking = person(number), rng.random()
            email = "" if lacking < _MISSING else rng.choice(_EMAIL_FORMS)(who.email)
            mobile = "" if lacking > 1 - _MISSING else rng.choice(_MOBILE_FORMS)(who.mobile)
            sheet.writerow((f"{prefix}{row:08d}", email, mobile))
    return path


_EMAIL_FORMS: tuple[Callable[[str], str], ...] = (str, str, str.title, str.upper, lambda text: f" {text} ")
_MOBILE_FORMS: tuple[Callable[[str], str], ...] = (
    str,
    lambda text: "0" + text[3:],
    lambda text: f"0{text[3:6]} {text[6:9]} {text[9:]}",
    lambda text: f"00{text[1:]}",
    lambda text: f"+20 {text[3:6]}-{text[6:9]}-{text[9:]}",
)
