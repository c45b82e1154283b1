"""The processes that read rows for a gateway, as the operating system lists them."""

import os
import select
from pathlib import Path

_PATIENCE = 30.0


def readers_of(pid: int) -> list[int]:
    """Those that the process has now."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    children = {int(child) for task in tasks for child in (task / "children").read_text().split()}
    return [
        child
        for child in children
        if b"gateway.processes.read_rows" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def wait_for_end(pid: int) -> None:
    """Until this process has ended, also if it is no child of ours."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([handle], [], [], _PATIENCE)[0]
    finally:
        os.close(handle)
