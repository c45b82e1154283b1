"""When deliveries should not be tried at all: the upstream fails repeatedly, or refuses our keys."""

from collections import deque
from typing import Final, Literal

from gateway.clock import SECOND, Clock

State = Literal["closed", "open", "probing", "auth"]

_IN_A_ROW: Final = 5
_REMEMBERED: Final = 20
_OPEN_FOR: Final = 30 * SECOND
_LONGEST: Final = 300 * SECOND


class Breaker:
    """Opens after 5 failures in a row, or when half of the last 20 calls failed. It stays open for 30 s the first time, and 30 s
    longer, up to 300 s, each time that the one call which is then let through fails. "auth": the keys were refused; one call in 300
    s finds out whether they are accepted again. Any success closes it."""

    def __init__(self, clock: Clock) -> None:
        self.state: State = "closed"
        self._clock = clock
        self._recent: deque[bool] = deque(maxlen=_REMEMBERED)
        self._in_a_row = 0
        self._opens = 0
        self._next_try = 0

    def wait(self) -> int:
        """Milliseconds until a call may be tried; 0 is now. Ask right before `admit`."""
        return 0 if self.state == "closed" else max(0, self._next_try - self._clock.steady())

    def admit(self) -> None:
        """A call is tried. While the breaker is open, it is the probe, and no other goes before its outcome or another pause."""
        if self.state == "open":
            self.state = "probing"
        if self.state != "closed":
            self._next_try = self._clock.steady() + self._pause()

    def succeeded(self) -> None:
        if self.state != "closed":
            self.state = "closed"
            self._recent.clear()
            self._opens = 0
        self._in_a_row = 0
        self._recent.append(True)

    def failed(self) -> None:
        """The upstream did not answer, or answered with a failure of its own."""
        self._in_a_row += 1
        self._recent.append(False)
        if self.state == "probing" or (self.state == "closed" and self._is_sick()):
            self._open("open")

    def denied(self) -> None:
        """The upstream refused our keys; it will carry out nothing until they are corrected."""
        self._open("auth")

    def _is_sick(self) -> bool:
        return self._in_a_row >= _IN_A_ROW or (
            len(self._recent) == _REMEMBERED and self._recent.count(False) * 2 >= _REMEMBERED
        )

    def _open(self, state: State) -> None:
        self.state = state
        self._opens += 1
        self._next_try = self._clock.steady() + self._pause()

    def _pause(self) -> int:
        return _LONGEST if self.state == "auth" else min(_LONGEST, _OPEN_FOR * self._opens)
