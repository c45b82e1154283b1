"""`python wrong_clock.py FILE …` runs `gateway …` on a wall clock that is wrong by the seconds in FILE, whenever it is looked
at. The steady clock, as in real life, knows nothing of it."""

import sys
import time
from pathlib import Path

_right = time.time_ns


def main() -> None:
    place = Path(sys.argv.pop(1))
    time.time_ns = lambda: _right() + int(place.read_text() or 0) * 1_000_000_000
    from gateway.cli import main as gateway

    gateway()


if __name__ == "__main__":
    main()
