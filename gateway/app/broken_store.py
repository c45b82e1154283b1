"""The end of a process whose store is broken."""

import os
import sys

import structlog

from gateway.errors import StoreBroken

_log = structlog.get_logger("app")
_EXIT_BROKEN = 70


def exit_at_once(error: StoreBroken) -> None:
    """After an I/O error the process must not answer anything more: the next start decides by what is on the disk."""
    _log.critical("store_broken", error=str(error))
    os._exit(_EXIT_BROKEN)


def end_command(error: StoreBroken) -> None:
    sys.stderr.write(f"the database is broken ({error}); look at it with: gateway db check\n")
    sys.stderr.flush()
    exit_at_once(error)
