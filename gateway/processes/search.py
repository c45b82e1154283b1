"""`python -m gateway.processes.search NOW`: which records look like one person, as JSON lines on stdout: how far it is, and at the
end what it found. Stdin has the database's URL on the first line, because it may hold a password, and then the rule file.

It is a separate process, because it computes for minutes over all records while the gateway serves. It writes nothing. A line comes
every few seconds, so that the gateway knows that it lives.
"""

import os
import sys
from threading import Event, Thread

import msgspec

from gateway.processes.snapshot import given, open_snapshot
from gateway.search.findings import search
from gateway.search.people import attributes_of
from gateway.workers.searching import Findings, Progress

_EVERY_SECONDS = 5.0


class _Teller:
    """Writes what is told, and the last of it again every few seconds."""

    def __init__(self) -> None:
        self._last = Progress("starting")
        self._ended = Event()
        self._thread = Thread(target=self._repeat, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def tell(self, progress: Progress) -> None:
        self._last = progress
        _write(progress)

    def _repeat(self) -> None:
        """Ends the process where the gateway is gone: nobody reads what it finds."""
        while not self._ended.wait(_EVERY_SECONDS):
            try:
                _write(self._last)
            except BrokenPipeError:
                os._exit(1)

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()


def _write(told: Progress | Findings) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
    sys.stdout.buffer.flush()


def main(now: str) -> None:
    url, rules = given()
    teller = _Teller()
    teller.start()
    with open_snapshot(url, attributes_of(rules), with_profiles=False) as state:
        found = search(state, rules, int(now), teller.tell)
    teller.stop()
    _write(found)


if __name__ == "__main__":
    main(*sys.argv[1:])
