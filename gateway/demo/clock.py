"""The shop's clock. It is behind the machine's clock while the past is played, and equal to it afterwards."""

import time

from gateway.clock import SystemClock

_NS = 1_000_000


class ShopClock:
    """Both of its clocks are behind by the same span. So the gateway sees no jump, and a later start on the database continues from
    the right time."""

    def __init__(self, begins: int) -> None:
        self._steady = SystemClock()
        self._behind = max(0, self._machine() - begins)
        self.clock = SystemClock(wall=self._wall, steady=self._passed)

    def go_to(self, moment: int) -> None:
        """Never goes back, nor past the machine's clock."""
        self._behind = min(self._behind, max(0, self._machine() - moment))

    def catch_up(self) -> None:
        self._behind = 0

    def _machine(self) -> int:
        return time.time_ns() // _NS

    def _wall(self) -> int:
        return time.time_ns() - self._behind * _NS

    def _passed(self) -> int:
        return (self._steady.steady() - self._behind) * _NS
