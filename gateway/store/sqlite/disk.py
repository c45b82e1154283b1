"""Whether the disk has room for more."""

import shutil
import time
from pathlib import Path

from gateway.errors import StoreUnavailable

_CHECK_SECONDS = 1.0


class FreeDisk:
    """At least `least` bytes must stay free beside the file at `path`; 0: no limit."""

    def __init__(self, path: Path, least: int) -> None:
        self._directory = path.parent
        self._least = least
        self._ok_until = 0.0

    def check(self) -> None:
        """Looks from time to time. Raises StoreUnavailable."""
        if not self._least:
            return
        now = time.monotonic()
        if now < self._ok_until:
            return
        if shutil.disk_usage(self._directory).free < self._least:
            raise StoreUnavailable(
                "the disk is nearly full; nothing new is accepted until there is space again"
            )
        self._ok_until = now + _CHECK_SECONDS
