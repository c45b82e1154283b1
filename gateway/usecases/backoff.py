"""Work in the background whose step meets an unexpected error: when it is tried again, and when it is given up."""

from gateway.clock import SECOND

MOST_FAILURES = 6
_FIRST_PAUSE = 2 * SECOND


def pause(failures: int) -> int:
    """Before the next attempt, after so many failures in a row: 2, 4, 8, 16 and 32 s."""
    return _FIRST_PAUSE << (failures - 1)
